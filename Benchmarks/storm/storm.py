"""The scenarios of `run`: who publishes what, and what is measured from outside.

    storm.py [--jobs N] [--only SCENARIO] [--check]

Columns: broker messages (deliveries and answered gets, by the broker's count) per finished job; slot use: provider time
used of what slots and limits allowed while there was work; wait of the victims from publish to call, of everybody where
nobody is a victim; Jain's index of what each user got until half of all jobs had started, of what its limit allowed;
Redis commands per job, those inside of scripts included, and calls of scripts; admission as the workers measure it, in
steps of their histogram; Redis memory per waiting job. Times in milliseconds.
"""

import argparse
import collections
import dataclasses
import pathlib
import random
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "Tests/Fleet"))

import rules  # noqa: E402
from fleet import TIERS, Failure, Fleet, check, one_end_each, quiet, wait_for  # noqa: E402
from measures import BrokerCount, RedisCount, histogram_quantile, jain, percentile  # noqa: E402

WORKERS, SLOTS = 2, 16
LATENCY_MS = 100
VICTIMS = 10
VICTIM_SECONDS = 20
COLUMNS = [("messages", "msgs/job", ".2f"), ("use", "slot use", ".3f"), ("p50", "wait p50", ".0f"),
           ("p95", "p95", ".0f"), ("p99", "p99", ".0f"), ("jain", "Jain", ".3f"), ("commands", "redis/job", ".1f"),
           ("calls", "scripts/job", ".2f"), ("admit50", "admit p50", ".1f"), ("admit99", "p99", ".1f"),
           ("bytes", "bytes/waiting", ".0f"), ("seconds", "seconds", ".1f"), ("jobs", "jobs", "d")]


@dataclasses.dataclass
class Scenario:
    """Jobs as (seconds after the start, user, tier), in this order."""
    name: str
    jobs: list
    victims: str = ""  # what their names begin with; else everybody is one
    bounds: dict = dataclasses.field(default_factory=dict)


def victims(seconds=VICTIM_SECONDS):
    """A job a second of each, one after the other."""
    return [(second + number / VICTIMS, f"victim{number}", "tier1")
            for second in range(seconds) for number in range(VICTIMS)]


def scenarios(heavy):
    generator = random.Random(1)
    flood = [(0, "heavy", "tier1")] * heavy
    trickle = [(number / 30, "heavy", "tier1") for number in range(30 * VICTIM_SECONDS)]
    keys = [(0, f"key{number % 50}", "tier1") for number in range(2000)]
    light = [(0, f"light{number % 400}", "tier1") for number in range(2000)]
    generator.shuffle(light)
    balanced = [(0, f"user{number % 20}", "tier1") for number in range(2000)]
    return [
        Scenario("nobody else", victims(), "victim", {"messages": 1.1}),
        Scenario("one heavy user", flood + victims(), "victim", {"messages": 4, "use": 0.93, "beside": 250}),
        Scenario("trickle", sorted(trickle + victims()), "victim", {"messages": 4, "use": 0.9, "beside": 250}),
        Scenario("many keys of one owner", keys + victims(10), "victim", {"messages": 4, "use": 0.8, "jain": 0.75}),
        Scenario("many light users", light, "", {"messages": 4, "use": 0.8, "jain": 0.75}),
        Scenario("balanced", balanced, "", {"messages": 4, "use": 0.8, "jain": 0.9}),
        Scenario("heavy but idle", [(0, "heavy", "tier3")] * heavy, "", {"messages": 4, "use": 0.9}),
    ]


def publish(fleet, scenario, published):
    """At their times, or as fast as the broker takes them; notes when each went out."""
    with fleet.connection() as connection:
        channel = connection.channel()
        begin = time.monotonic()
        for number, (at, user, tier) in enumerate(scenario.jobs):
            late = at - (time.monotonic() - begin)
            if late > 0:
                connection.sleep(late)
            job = f"{user}-{number}"
            body = ('{"id": "%s", "userId": "%s", "userTier": "%s", "taskType": "llm", "payload": {"prompt": "hello"}}'
                    % (job, user, tier))
            published[job] = (time.monotonic(), user, tier)
            fleet.publish_raw(channel, TIERS[tier][1], body.encode())


def measure(scenario):
    with Fleet("bench") as fleet:
        fleet.start_provider("--latency-ms", LATENCY_MS)
        fleet.use_rules(rules.policy(fleet.provider_port), rules.costs())
        fleet.start_billing()
        workers = [fleet.start_worker(SLOTS, http=True) for _ in range(WORKERS)]
        fleet.results.listen()
        broker, store = BrokerCount(), RedisCount(fleet.redis())
        published = {}
        publisher = threading.Thread(target=publish, args=(fleet, scenario, published), daemon=True)
        publisher.start()
        figures = {"bytes": memory_per_waiting_job(fleet, scenario, store)}
        publisher.join(VICTIM_SECONDS + 60)
        check(len(published) == len(scenario.jobs), "the jobs could not be published")
        results = fleet.results.wait(published, 60 + len(published) * LATENCY_MS / 1000)
        one_end_each(results, published)
        bad = sum(1 for job in published if results[job][0]["status"] != "succeeded")
        check(bad == 0, f"{bad} jobs did not succeed")
        wait_for("a row of each job", 60, lambda: len(fleet.rows()) == len(published))
        calls = {call["key"].split("/")[0]: (call["begin"], call["end"]) for call in fleet.calls().values()}
        redis, jobs = store.since(), len(published)
        waits = [1000 * (calls[job][0] - at) for job, (at, user, _) in published.items()
                 if user.startswith(scenario.victims)]
        figures |= {
            "messages": (broker.since()[0] - jobs) / jobs,  # the ledger's queue had one a job
            "use": slot_use(published, calls), "jain": fairness(published, calls),
            **{f"p{rank}": percentile(waits, rank) for rank in (50, 95, 99)},
            "commands": redis["commands"] / jobs, "calls": redis["calls"] / jobs, "jobs": jobs,
            **{f"admit{rank}": 1000 * histogram_quantile(workers, "tollway_admission_seconds", rank / 100)
               for rank in (50, 99)},
            "seconds": max(end for _, end in calls.values()) - min(at for at, _, _ in published.values())}
        quiet(fleet)
        return figures


def memory_per_waiting_job(fleet, scenario, store):
    """Once a flood is parked, before much of it has run; nothing for scenarios without a flood."""
    flood = sum(1 for at, _, _ in scenario.jobs if at == 0)
    if flood < 500:
        return None
    def waiting():
        lanes = fleet.command("lanes")["lanes"]
        count = sum(sum(lane["waiting"].values()) for lane in lanes)
        return count if count > flood / 2 and all(lane["ready"] == 0 for lane in lanes) else 0
    try:
        count = wait_for("a parked flood", 20, waiting)
    except Failure:
        return None
    return store.since()["memory"] / count


def slot_use(published, calls):
    """Over all the time: slots used, of those that could be, by what was published and had not ended."""
    limit = {user: TIERS[tier][2] for _, user, tier in published.values()}
    edges = sorted([(at, user, 1) for at, user, _ in published.values()]
                   + [(calls[job][1], user, -1) for job, (_, user, _) in published.items()])
    present, wanted, could, before = collections.Counter(), 0, 0.0, edges[0][0]
    for at, user, change in edges:
        could += min(wanted, WORKERS * SLOTS) * (at - before)
        wanted -= min(present[user], limit[user])
        present[user] += change
        wanted += min(present[user], limit[user])
        before = at
    return sum(end - begin for begin, end in calls.values()) / could


def fairness(published, calls):
    begins = sorted(begin for begin, _ in calls.values())
    middle, begin = begins[len(begins) // 2], min(at for at, _, _ in published.values())
    asked, got, limit = collections.Counter(), collections.Counter(), {}
    for job, (at, user, tier) in published.items():
        # What came a moment ago could not have started.
        asked[user] += at <= middle - 2 * LATENCY_MS / 1000
        got[user] += calls[job][0] <= middle
        limit[user] = TIERS[tier][2] * (middle - begin) * 1000 / LATENCY_MS
    return jain([min(1, got[user] / min(asked[user], max(1, limit[user]))) for user in asked if asked[user]])


def misses(scenario, figures, idle):
    """What is beyond the bounds, in words."""
    for name, bound in scenario.bounds.items():
        if name == "beside" and idle and figures["p95"] - idle > bound:
            yield f"victims wait {figures['p95'] - idle:.0f} ms longer at p95, not {bound}"
        elif name == "messages" and figures[name] > bound:
            yield f"{figures[name]:.2f} broker messages a job, not {bound}"
        elif name in ("use", "jain") and figures[name] < bound:
            yield f"{name} is {figures[name]:.3f}, not {bound}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--only")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    chosen = [one for one in scenarios(options.jobs) if options.only in (None, one.name)]
    if not chosen:
        parser.error("--only: one of " + ", ".join(f"'{one.name}'" for one in scenarios(1)))
    print(f"{'':23}" + "".join(f"{title:>{max(8, len(title) + 2)}}" for _, title, _ in COLUMNS), flush=True)
    beyond, idle = [], None
    for scenario in chosen:
        figures = measure(scenario)
        idle = figures["p95"] if scenario.name == "nobody else" else idle
        cells = ((figures[key], max(8, len(title) + 2), form) for key, title, form in COLUMNS)
        print(f"{scenario.name:23}" + "".join(f"{'-':>{width}}" if value is None else f"{value:>{width}{form}}"
                                             for value, width, form in cells), flush=True)
        beyond += [f"{scenario.name}: {miss}" for miss in misses(scenario, figures, idle)]
    print("bounds: " + ("all met" if not beyond else "; ".join(beyond)))
    return 1 if options.check and beyond else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"failed: {failure}")
