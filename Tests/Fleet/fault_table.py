"""Runs the cases of fault_cases.py in one fleet and judges them by the provider's own log, the results, the ledger."""

import collections
import datetime
import json
import time

from fault_cases import ATTEMPT_BUDGET, LONGER, SCALED, is_timed
from faulty import MODELS, charged, job, worst
from fleet import PATIENCE, check, wait_for, whole_lines

SAMPLES = 5  # calls before a provider rests
FIRST_REST = 5  # seconds, then somebody may try it again
UNSAID = 2  # seconds from the start of a job to its first call, at most, on a busy machine


def start_of(event):
    return datetime.datetime.fromisoformat(event["startedAt"].replace("Z", "+00:00")).timestamp()


class Table:
    """All cases in one fleet: a first job of each, then more where the breaker is looked at."""

    def __init__(self, fleet, cases):
        self.fleet, self.cases = fleet, cases
        self.published, self.begins, self.took, self.faults = {}, {}, {}, []
        self.after = {}  # case -> ids of jobs behind the first, by phase

    def providers(self):
        found, contexts = {}, {}
        for name, case in self.cases.items():
            for number, candidate in enumerate(case.candidates, 1):
                provider = f"{name}-{number}"
                address = self.fleet.addresses.get(candidate) if isinstance(candidate, str) else None
                limits = LONGER if case.task == "video" else SCALED if is_timed(candidate) else {}
                found[provider] = {**limits, **({"at": address} if address else {})}
                if number <= len(case.contexts):
                    contexts[provider] = case.contexts[number - 1]
                if not address:
                    steps = candidate if isinstance(candidate, list) else [candidate]
                    self.fleet.control(path=provider, script=steps, per="job")
                    if case.polls and number == 1:
                        self.fleet.control(path=provider, on="poll", script=case.polls, per="job")
        return found, contexts

    def tiers(self):
        return {name: [f"{name}-{number + 1}" for number in range(len(case.candidates))]
                for name, case in self.cases.items()}

    def publish(self, jobs):
        for each in jobs:
            self.published[each["id"]], self.begins[each["id"]] = each, time.monotonic()
        self.fleet.publish(jobs, lane="standard")

    def run(self, between, seconds=400):
        """Publishes phase after phase of each case. between: called all the time, answers whether it is done too."""
        self.publish([job(0, name, case.task) for name, case in self.cases.items()])
        phases = {name: [["0"]] for name in self.cases}
        end = time.monotonic() + seconds
        while True:
            events, now = self.fleet.results.by_job(), time.monotonic()
            for each in self.begins:
                if each in events:
                    self.took.setdefault(each, now - self.begins[each])
            further = []
            for name, case in self.cases.items():
                last = [f"{name}-{number}" for number in phases[name][-1]]
                if case.rests is None or len(phases[name]) == 3 or not all(each in events for each in last):
                    continue
                numbers = range(1, 9) if len(phases[name]) == 1 else range(9, 10)
                phases[name].append([str(number) for number in numbers])
                further += [job(number, name, case.task) for number in numbers]
            if further:
                self.publish(further)
            is_done = between()
            missing = [each for each in self.begins if each not in self.took]
            if is_done and not missing and not further:
                return events
            check(now < end, f"no end after {seconds} s: {len(missing)} jobs, like {missing[:8]}")
            time.sleep(0.1)

    def expect(self, condition, sentence):
        if not condition:
            self.faults.append(sentence)

    def judge(self, events):
        # The provider may notice late that nobody listens any more, and only then says what it charges.
        settled = {row["event_id"] for row in self.fleet.rows() if row["outcome"] != "unknown"}
        wait_for("the end of every call whose price is known", PATIENCE, lambda: all(
            call["status"] is not None for call in self.fleet.calls().values() if call["key"] in settled))
        calls = self.fleet.calls_by("job", "path")
        rows = collections.defaultdict(list)
        for row in sorted(self.fleet.rows(), key=lambda row: row["attempt"]):
            rows[row["job_id"]].append(row)
        for name, case in self.cases.items():
            first = f"{name}-0"
            self.judge_end(name, case, events[first][0])
            self.judge_calls(name, case, [calls.get((first, f"{name}-{number + 1}"), [])
                                          for number in range(len(case.candidates))])
            if case.rows is not None:
                found = tuple(row["outcome"] for row in rows[first])
                self.expect(found == case.rows, f"{name}: rows {found}, not {case.rows}")
            if case.rests:
                self.judge_breaker(name, case, calls)
        self.judge_money(rows)
        self.judge_tries(calls, events)

    def judge_end(self, name, case, event):
        code = (event["error"] or {}).get("code") or event["status"]
        self.expect(code == case.end, f"{name}: ended with {code}, not {case.end}")
        took = self.took[f"{name}-0"]
        self.expect(case.seconds[0] <= took <= case.seconds[1], f"{name}: took {took:.1f} s, not {case.seconds}")
        if case.first and event["attempts"]:
            spent = event["attempts"][0]["ms"] / 1000
            self.expect(case.first[0] * 0.95 <= spent <= case.first[1], f"{name}: first attempt {spent} s")
        if code != "succeeded":
            return
        served = case.served or [number for number, (_, most) in enumerate(case.calls, 1) if most][-1]
        if case.served or case.calls[-1][0]:
            self.expect(event["provider"] == f"{name}-{served}", f"{name}: served by {event['provider']}")
        self.expect(event["model"] == MODELS[case.task], f"{name}: model {event['model']}")
        if case.task == "llm":
            text = event["output"].get("text")
            whole = f"You said: {self.published[f'{name}-0']['payload']['prompt']}"
            self.expect(text == whole, f"{name}: answered {text!r}")

    def judge_calls(self, name, case, found):
        for number, (calls, (least, most)) in enumerate(zip(found, case.calls), 1):
            self.expect(least <= len(calls) <= most,
                        f"{name}: {len(calls)} calls at candidate {number}, not {least} to {most}")
        if case.gap and len(found[0]) > 1:
            gap = found[0][1]["begin"] - found[0][0]["begin"]
            self.expect(case.gap[0] <= gap <= case.gap[1], f"{name}: {gap:.2f} s between two calls, not {case.gap}")

    def judge_breaker(self, name, case, calls):
        """Jobs 1 to 8 ran together behind the first one, job 9 behind them."""
        def tried(numbers):
            if not self.reaches(case):
                # Never called; the result says whether it was tried.
                events = self.fleet.results.by_job()
                return sum(any(each["provider"] == f"{name}-1" for each in events[f"{name}-{number}"][0]["attempts"])
                           for number in numbers)
            return sum(1 for number in numbers if calls.get((f"{name}-{number}", f"{name}-1")))
        eight, last = tried(range(1, 9)), tried([9])
        if case.rests == "at once":
            self.expect(eight == last == 0, f"{name}: {eight + last} of 9 jobs tried a provider that should rest")
        elif case.rests == "in time":
            self.expect(last == 0 or self.may_probe(name), f"{name}: a job tried a provider that failed 9 times")
            failures = sum(len(calls.get((f"{name}-{number}", f"{name}-1"), [])) for number in range(9))
            self.expect(eight >= 3 or failures >= SAMPLES, f"{name}: the provider rested after {failures} failures")
        else:
            events = self.fleet.results.by_job()
            over = [(number, attempt["skipped"]) for number in range(1, 10)
                    for attempt in events[f"{name}-{number}"][0]["attempts"]
                    if any((skip["provider"], skip["reason"]) == (f"{name}-1", "breaker")
                           for skip in attempt.get("skipped", []))]
            self.expect(not over, f"{name}: jobs passed over a healthy provider: {over}")

    def may_probe(self, name):
        """Whether so much time went by between the eight jobs and the ninth that the rest may have been over."""
        events = self.fleet.results.by_job()
        failed = [start_of(event) + event["attempts"][0]["ms"] / 1000
                  for event in (events[f"{name}-{number}"][0] for number in range(1, 9))
                  if event["attempts"] and event["attempts"][0]["provider"] == f"{name}-1"]
        return bool(failed) and start_of(events[f"{name}-9"][0]) + UNSAID >= min(failed) + FIRST_REST

    def reaches(self, case):
        return not (isinstance(case.candidates[0], str) and case.candidates[0] in self.fleet.addresses)

    def judge_money(self, rows):
        """Each row has the right amount: what the provider charged or said of a failure, nothing, or the worst case of
        what nobody knows."""
        calls = {call["key"]: call for call in self.fleet.calls().values()}
        for each, found in rows.items():
            for row in found:
                if row["outcome"] == "unknown":
                    expected = worst(self.published[each])
                elif row["outcome"] == "success":
                    expected = charged(calls[row["event_id"]])
                else:
                    call = calls[row["event_id"]]
                    expected = charged(call, "stated") if call["stated"] else 0
                self.expect(row["amount_nano_usd"] == expected,
                            f"{row['event_id']}: {row['outcome']} costs {row['amount_nano_usd']}, not {expected}")

    def judge_tries(self, calls, events):
        """No job ever hammers: at most four calls in three seconds, and the budget over all providers."""
        per_job = collections.Counter()
        for (each, path), found in calls.items():
            per_job[each] += len(found)
            begins = [call["begin"] for call in found]
            hurried = any(later - earlier < 3 for earlier, later in zip(begins, begins[4:]))
            self.expect(not hurried, f"{each}: five calls of {path} within 3 s")
        for each, count in per_job.items():
            self.expect(count <= ATTEMPT_BUDGET, f"{each}: {count} calls")
        for each, found in events.items():
            self.expect("SECRET" not in json.dumps(found), f"{each}: the provider's own text is in the result")


class Healing:
    """S15, unscaled: the first provider answers 503 for 60 s, then it is well; a job every 4 s."""
    OUTAGE = 60

    def __init__(self, fleet, table):
        self.fleet, self.table, self.begin, self.count = fleet, table, None, 0

    def __call__(self):
        if self.begin is None:
            self.fleet.control(path="s15-1", script=[{"do": "503", "until": self.OUTAGE}, "ok"])
            self.begin = time.monotonic()
        served = self.first_served()
        is_over = served or time.monotonic() > self.begin + self.OUTAGE + 35
        if not is_over and time.monotonic() >= self.begin + 4 * self.count:
            self.table.publish([job(self.count, "s15")])
            self.count += 1
        return is_over

    def first_served(self):
        events = self.fleet.results.by_job()
        return [each for each in range(self.count) if events.get(f"s15-{each}", [{}])[0].get("provider") == "s15-1"]

    def judge(self, events):
        ended = [events[f"s15-{number}"][0] for number in range(self.count)]
        bad = [event["error"] for event in ended if event["status"] != "succeeded"]
        self.table.expect(not bad, f"s15: {len(bad)} jobs of {self.count} failed: {bad[:1]}")
        healthy = [call["begin"] for call in self.fleet.calls_by("path")["s15-1"] if call["status"] == 200]
        after = healthy[0] - self.begin - self.OUTAGE if healthy else None
        self.table.expect(after is not None and after <= 30, f"s15: back on the first {after} s after it healed")
        refused = sum(1 for call in self.fleet.calls_by("path")["s15-1"] if call["status"] == 503)
        self.table.expect(refused <= 16, f"s15: {refused} calls of a provider that was down for {self.OUTAGE} s")
        return after, refused


def judge_alerts(table, sent):
    """An account that is closed or out of money needs a person."""
    for name, case in table.cases.items():
        if case.alerts:
            table.expect(any(f'"{name}-1"' in json.dumps(alert) or f"{name}-1" in str(alert) for alert in sent),
                         f"{name}: nobody was alerted")


def judge_logs(table):
    for process in table.fleet.processes:
        if process.log.suffix == ".log":
            table.expect("SECRET" not in whole_lines(process.log), f"the provider's own text is in {process.log.name}")
