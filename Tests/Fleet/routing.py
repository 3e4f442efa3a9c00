"""Routing under faults, through the whole fleet: for each fault what is retried, where the job falls, what the breaker
does, what is charged and how often providers are called. By the provider's own log, the results and the ledger."""

import collections
import json
import statistics
import time

from fault_cases import CASES, SCALED
from fault_table import Healing, Table, judge_alerts, judge_logs
from faulty import FaultyFleet, charged, job
from fleet import PATIENCE, check, ledger_equals_calls, main, medians, one_end_each, wait_for
from purchases import nothing_bought_twice, unwritable_artifacts
from resting import all_resting, own_deadlines, resting, shared_probe
from tiers import alerts_of


def faults(only=None):
    """The whole table. A second argument on the command line of `case` names one."""
    cases = {name: case for name, case in CASES.items() if only in (None, name)}
    with FaultyFleet("routing") as fleet:
        fleet.start_provider()
        table = Table(fleet, cases)
        providers, contexts = table.providers()
        healing = Healing(fleet, table)

        def between():
            alerts()  # their queue lives as long as somebody asks
            return healing() if only is None else True
        fleet.prepare({**providers, "s15-1": SCALED, "s15-2": {}},
                      {**table.tiers(), "s15": ["s15-1", "s15-2"]}, contexts=contexts)
        for _ in range(2):  # breakers are the fleet's, not a worker's
            fleet.start_worker(128)
        alerts = alerts_of(fleet)
        events = table.run(between)
        one_end_each(events, events)
        ledger_equals_calls(fleet)
        table.judge(events)
        figures = {"cases": len(cases), "jobs": len(events), "calls": len(fleet.calls())}
        if only is None:
            after, probes = healing.judge(events)
            figures |= {"s15 back after": after and round(after, 1), "s15 calls while down": probes}
        judge_alerts(table, alerts())
        judge_logs(table)
        expected = {each for each, found in events.items()
                    if (found[0]["error"] or {}).get("code") == "provider_failed"}
        dead = {json.loads(body)["id"] for _, body in fleet.drain("jobs.dead")}
        table.expect(dead == expected, f"dead letters {sorted(dead ^ expected)[:5]} do not match the results")
        check(not table.faults, f"{len(table.faults)} findings in {figures}:\n  " + "\n  ".join(table.faults))
        return figures


def seconds_of(event):
    """From the start of the run to its end."""
    def time_of(text):
        return time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float(text[19:].rstrip("Z") or 0)
    return time_of(event["finishedAt"]) - time_of(event["startedAt"])


def first_dead(jobs=100, latency=200):
    """The first of two providers is dead: jobs are hardly slower than without it, and it serves again once well."""
    tiers = {"control": ["well"], "down": ["down", "well"], "gone": ["gone", "well"], "mute": ["mute", "well"]}
    with FaultyFleet("dead") as fleet:
        fleet.start_provider()
        fleet.control(path="well", latency=latency / 1000)
        fleet.control(path="down", script=["503"])
        fleet.control(path="mute", script=["silent"])
        gone = {**SCALED, "at": fleet.addresses["refused"]}
        fleet.prepare({"well": {}, "down": SCALED, "gone": gone, "mute": SCALED}, tiers)
        fleet.start_worker(64)

        def run(first, count):
            """A steady stream of each tier, side by side; seconds of each job by tier."""
            begin, published = time.monotonic(), []
            for number in range(first, first + count):
                batch = [job(number, tier) for tier in tiers]
                fleet.publish(batch, lane="standard")
                published += batch
                time.sleep(max(0, begin + (number - first + 1) * 0.1 - time.monotonic()))  # ten a second
            ids = [each["id"] for each in published]
            events = fleet.results.wait(ids, 2 * PATIENCE)
            one_end_each(events, ids)
            bad = [events[each][0] for each in ids if events[each][0]["status"] != "succeeded"]
            check(not bad, f"{len(bad)} jobs failed: {bad[:1]}")
            return {tier: [seconds_of(events[each["id"]][0]) for each in published if each["userId"] == tier]
                    for tier in tiers}
        run(0, 10)  # by then all three rest
        began = time.monotonic()

        def round_of(number):
            """What is added to a job, by tier, and how many more waited for the one that never answers."""
            times = run(10 + number * jobs, jobs)
            mean = {tier: statistics.mean(times[tier]) for tier in tiers}
            median = {tier: statistics.median(times[tier]) for tier in tiers}
            slow = {tier: sum(1 for seconds in times[tier] if seconds > 1) for tier in tiers}
            return (mean["control"], mean["down"] / mean["control"] - 1, mean["gone"] / mean["control"] - 1,
                    median["mute"] / median["control"] - 1, slow["mute"] - slow["control"])
        # A probe of a provider that never answers takes as long as its job is willing to wait: there the median counts.
        control, *shares, slow = medians(round_of)
        added = dict(zip(("down", "gone", "mute, median"), shares))
        for tier, share in added.items():
            check(share < 0.05, f"{tier}: {100 * share:.1f} % slower than {1000 * control:.0f} ms")
        check(slow <= 5, f"mute: {slow} of {jobs} jobs waited for a provider that should rest")
        tried, most = len(fleet.calls_by("path")["down"]), 25 + (time.monotonic() - began) / 5  # no rest is shorter
        check(tried <= most, f"{tried} calls of a provider that should rest")
        fleet.control(path="down", script=["ok"])
        healed, number = time.monotonic(), 10 + 3 * jobs

        def served():
            nonlocal number
            fleet.publish([job(number, "down")], lane="standard")
            number += 1
            return [call for call in fleet.calls_by("path")["down"] if call["status"] == 200]
        back = wait_for("the healed provider to serve", PATIENCE, served, pause=1)[0]["begin"] - healed
        check(back <= 30, f"the provider served again {back:.1f} s after it healed")
        fleet.results.wait([f"down-{each}" for each in range(10 + 3 * jobs, number)], PATIENCE)
        return {**{f"added, {tier}": f"{100 * share:.1f} %" for tier, share in added.items()},
                "control": f"{1000 * control:.0f} ms", "calls while down": tried, "back after": round(back, 1)}


def batching(jobs=60, latency=400):
    """A provider that takes one call after the other, each of the same time: batches raise its throughput by half their
    size at least. A poisoned input fails alone."""
    sizes = {"one": 1, "three": 3, "five": 5, "ten": 10, "fifteen": 15}
    with FaultyFleet("batch") as fleet:
        fleet.start_provider()
        slow = {"timeout": "300s", "first_token_timeout": "300s", "idle_timeout": "300s"}
        for name in sizes:
            fleet.control(path=name, latency=latency / 1000, at_once=1)
        fleet.control(path="picky", script=["poison"])
        fleet.prepare({**{name: slow for name in sizes}, "picky": {}},
                      {**{name: [name] for name in sizes}, "picked": ["picky"]}, batch_sizes={**sizes, "picked": 10})
        throughput, carried = {}, {}
        for name in sizes:
            published = [job(number, name, "embedding") for number in range(jobs)]
            fleet.publish(published, lane="standard")
        worker = fleet.start_worker(jobs * len(sizes))
        ids = [f"{name}-{number}" for name in sizes for number in range(jobs)]
        events = fleet.results.wait(ids, 2 * PATIENCE)
        one_end_each(events, ids)
        by_path = fleet.calls_by("path")
        for name in sizes:
            calls = by_path[name]
            throughput[name] = jobs / (max(call["end"] for call in calls) - min(call["begin"] for call in calls))
            carried[name] = max(call["usage"]["inputs"] for call in calls)
            check(carried[name] <= sizes[name], f"a call of {name} carried {carried[name]}")
            check(sum(call["usage"]["inputs"] for call in calls) == jobs, f"{name}: inputs sent twice, or not at all")
        gains = {name: throughput[name] / throughput["one"] for name in sizes}
        for name, size in sizes.items():
            check(gains[name] >= size / 2, f"batches of {size}: {gains[name]:.2f} times the throughput of single calls")
        poisoned = [job(number, "picked", "embedding") for number in range(10)]
        poisoned[3]["payload"]["input"] = "poison"
        fleet.publish(poisoned, lane="standard")
        events = fleet.results.wait([each["id"] for each in poisoned], PATIENCE)
        bad = {each["id"]: events[each["id"]][0]["error"]["code"] for each in poisoned
               if events[each["id"]][0]["status"] != "succeeded"}
        check(bad == {"picked-3": "caller_error"}, f"a poisoned job and its neighbours: {bad}")
        wait_for("a row of each job", PATIENCE, lambda: len({row["job_id"] for row in fleet.rows()}) == len(ids) + 10)
        amounts = collections.Counter()
        for row in fleet.rows():
            amounts[row["provider"]] += row["amount_nano_usd"]
        for name in sizes:
            spent = sum(charged(call) for call in by_path[name])
            check(amounts[name] == spent, f"{name}: the shares are {amounts[name]} together, {spent} were charged")
        check(worker.poll() is None, "the worker did not survive")
        return {f"{size} at once": f"{gains[name]:.1f} times" for name, size in sizes.items()}


def case(**wanted):
    """One case of the table: `case s04=1`."""
    return {name: faults(only=name) for name in wanted}


if __name__ == "__main__":
    main(faults, first_dead, resting, batching, unwritable_artifacts, nothing_bought_twice,
         by_name_only=(case, all_resting, shared_probe, own_deadlines))
