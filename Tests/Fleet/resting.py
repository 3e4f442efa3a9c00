"""Providers that rest, and jobs that wait for them. Part of the routing scenarios."""

import datetime
import json
import time

from fault_cases import ATTEMPT_BUDGET, SCALED
from faulty import FaultyFleet, job
from fleet import PATIENCE, check, ledger_equals_calls, one_end_each, together, wait_for, whole_lines


def all_resting(jobs=30, outage=25):
    """The only provider is down: jobs wait, none fails, and all run soon after it heals."""
    with FaultyFleet("resting") as fleet:
        fleet.start_provider()
        fleet.control(path="only", script=["503"])
        fleet.prepare({"only": SCALED}, {"single": ["only"]})
        fleet.start_worker(16)
        published = [job(number, "single") for number in range(jobs)]
        fleet.publish(published, lane="standard")
        begin = time.monotonic()

        def waiting():
            lanes = fleet.command("lanes")["lanes"]
            return sum(lane["waiting"].get("provider_resting", 0) for lane in lanes) >= jobs - 2
        wait_for("the jobs to wait for their provider", PATIENCE, waiting, pause=0.5)
        time.sleep(max(0, begin + outage - time.monotonic()))  # the outage itself
        tried = len(fleet.calls())
        check(tried <= 2 * jobs + 8, f"{tried} calls of a provider that was down for {outage} s")
        return {"calls while down": tried, **heal(fleet, published)}


def heal(fleet, published):
    """The provider serves again: so do all that waited for it, within 30 s."""
    ids = [each["id"] for each in published]
    early = set(ids) & set(fleet.results.by_job())
    check(not early, f"jobs ended in the outage: {early}")
    fleet.control(path="only", script=["ok"])
    healed = time.monotonic()
    events = fleet.results.wait(ids, PATIENCE)
    last = max(call["begin"] for call in fleet.calls().values()) - healed
    check(last <= 30, f"the last job was called {last:.1f} s after its provider had healed")
    one_end_each(events, ids)
    bad = [events[each][0]["error"] for each in ids if events[each][0]["status"] != "succeeded"]
    check(not bad, f"{len(bad)} jobs failed: {bad[:1]}")
    ledger_equals_calls(fleet)
    check(not fleet.drain("jobs.dead"), "a job is a dead letter")
    return {"all called after": round(last, 1)}


def shared_probe(jobs=5, outage=40, workers=4):
    """Jobs that come back together at many workers would all probe: one does, and for the others it was no attempt."""
    with FaultyFleet("probe") as fleet:
        fleet.start_provider()
        fleet.control(path="only", script=["503"])
        fleet.prepare({"only": SCALED, "well": {}}, {"single": ["only"], "scout": ["only", "well"]})
        started = [fleet.start_worker(4) for _ in range(workers)]
        scouts = [job(number, "scout") for number in range(6)]
        fleet.publish(scouts, lane="standard")
        fleet.results.wait([each["id"] for each in scouts], PATIENCE)
        fleet.results.events.clear()
        wait_for("the provider to rest", PATIENCE, lambda: "failures" in str(fleet.command("providers", "list")))
        # In one burst: from here on all wait equally long, trip by trip.
        published = [job(number, "single") for number in range(jobs)]
        begin = time.monotonic()
        with fleet.connection() as connection:
            channel = connection.channel()
            for each in published:
                fleet.publish_raw(channel, "standard", json.dumps(each).encode())
            channel.close()  # behind the last of them; the end of a connection alone may overtake them

        def made():
            return sum(len(calls) for each, calls in fleet.calls_by("job").items() if each.startswith("single"))

        def lost():
            """Who is admitted and calls nobody had lost the race."""
            return sum(" admitted" in line and " job=single-" in line for worker in started
                       for line in whole_lines(worker.log).splitlines()) - made()
        time.sleep(max(0, begin + outage - time.monotonic()))  # the outage itself, and longer until somebody loses
        while lost() < 1 and time.monotonic() < begin + 2 * outage:
            time.sleep(0.5)
        tried, down = made(), time.monotonic() - begin
        check(1 <= tried <= 2 + down / 15, f"{tried} probes of a provider that was down for {down:.0f} s")
        figures = {"probes while down": tried, "races lost": lost(), **heal(fleet, published)}
        calls, most = fleet.calls_by("job"), 0
        for each in published:
            numbers = [attempt["n"] for attempt in fleet.results.by_job()[each["id"]][0]["attempts"]]
            count = len(calls[each["id"]])
            check(numbers == list(range(1, count + 1)), f"{each['id']}: attempts {numbers} in {count} calls")
            most = max(most, *numbers)
        check(most <= ATTEMPT_BUDGET, f"a job made {most} attempts")
        return {**figures, "most attempts": most}


def own_deadlines(jobs=10):
    """Jobs that give up before a slow provider can answer say nothing about it: it serves those who wait."""
    with FaultyFleet("deadline") as fleet:
        fleet.start_provider()
        fleet.control(path="slow", latency=12)
        patient = {"timeout": "120s", "first_token_timeout": "120s", "idle_timeout": "120s"}
        fleet.prepare({"slow": patient, "second": patient}, {"tier": ["slow", "second"]})
        fleet.start_worker(2 * jobs)
        now = datetime.datetime.now(datetime.timezone.utc)
        hurried = [job(number, "tier", deadline=(now + datetime.timedelta(seconds=8)).isoformat())
                   for number in range(jobs)]
        fleet.publish(hurried, lane="standard")
        events = fleet.results.wait([each["id"] for each in hurried], PATIENCE)
        codes = [(events[each["id"]][0]["error"] or {}).get("code") for each in hurried]
        check(set(codes) == {"deadline_exceeded"}, f"jobs without time ended with {codes}")
        called = len(fleet.calls())
        check(called > jobs / 2, f"only {called} jobs had come to their provider when their time was up")
        time.sleep(3)  # whoever counts failures tells the fleet within a second
        others = [job(number, "tier") for number in range(jobs, jobs + 5)]
        fleet.publish(others, lane="standard")
        events = fleet.results.wait([each["id"] for each in others], PATIENCE)
        for each in others:
            event = events[each["id"]][0]
            check(event["provider"] == "slow", f"{each['id']} was served by {event['provider']}: {event['attempts']}")
        one_end_each(events, [each["id"] for each in hurried + others])
        ledger_equals_calls(fleet)
        return {"gave up": called, "served": len(others)}


def resting():
    return together({scenario.__name__: scenario for scenario in (all_resting, shared_probe, own_deadlines)})
