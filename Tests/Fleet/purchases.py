"""Pictures and clips over crashes and full disks: nothing is bought twice, each attempt has its row. Part of
the routing scenarios."""

import collections
import functools
import json
import signal

from fault_cases import LONGER
from faulty import FaultyFleet, charged, job
from fleet import PATIENCE, check, ledger_equals_calls, one_end_each, together, wait_for

# Tiers by what their first provider answers to each of their jobs. `spare` serves behind it, but not behind `later`,
# which pauses between its second attempt and its third.
KINDS = {"plain": ["ok"], "again": ["503", "ok"], "other": ["503"], "later": ["503", "503", "ok"]}
LOSING = {"reset": ["reset"], "broken": ["503", "reset"]}
JOBS = 2  # of each kind: fewer failures than rest a provider
# Where a worker dies, and at which pass: what is settled together passes once, and the eight first attempts come first.
PLACES = [("after_declare", 1), ("after_admit", 1), ("before_provider", 3), ("before_provider", 11),
          ("after_provider", 3), ("after_provider", 11), ("after_advance", 1), ("after_advance", 5),
          ("after_letter", 3), ("after_finish", 2), ("after_costs", 2), ("after_results", 2), ("after_ack", 2)]


def prepare(fleet, task, kinds=KINDS, jobs=JOBS, video_seconds=1):
    fleet.start_provider()
    for name, script in {**kinds, "spare": ["ok"]}.items():
        fleet.control(path=name, script=script, per="job", latency=0.3, video_seconds=video_seconds)
    fleet.prepare({name: LONGER for name in [*kinds, "spare"]},
                  {kind: [kind] if kind == "later" else [kind, "spare"] for kind in kinds})
    return [job(number, kind, task) for number in range(jobs) for kind in kinds]


def bought_once(task, place, number, **options):
    """A worker dies there with pictures or clips in its hands, of which many are at their second attempt or third."""
    with FaultyFleet("bought") as fleet:
        published = prepare(fleet, task, **options)
        if place == "after_declare":
            die(fleet, published, "before_provider", 11)
            die(fleet, [], place, number)
        else:
            die(fleet, published, place, number)
        fleet.start_worker(8)
        return judge(fleet, published)


def die(fleet, published, place, number):
    doomed = fleet.start_worker(8, environment={"TOLLWAY_FAILPOINT": f"{place}:{number}"})
    fleet.publish(published, lane="standard")
    wait_for(f"the worker to die {place}", 2 * PATIENCE, lambda: doomed.poll() is not None)
    check(doomed.returncode == -signal.SIGKILL, f"the worker ended with {doomed.returncode}")


def polled():
    """A worker dies while its clips are made, some of them at a later attempt: others go on waiting for them."""
    with FaultyFleet("bought") as fleet:
        published = prepare(fleet, "video", video_seconds=20)
        doomed = fleet.start_worker(8)
        fleet.publish(published, lane="standard")
        wait_for("all clips to be polled", PATIENCE, lambda: len({line["video"] for line in fleet.lines()
                                                           if line["event"] == "poll"}) == len(published))
        doomed.kill()
        fleet.start_worker(8)
        figures = judge(fleet, published)
        check(figures == {"succeeded": len(published)}, f"clips that were under way were given up: {figures}")
        return figures


def judge(fleet, published):
    """How many ended how, and at which attempts nobody heard of them again."""
    ids = [each["id"] for each in published]
    events = fleet.results.wait(ids, 3 * PATIENCE)
    one_end_each(events, ids)
    ledger_equals_calls(fleet)
    wait_for("the end of every call", PATIENCE, lambda: all(
        call["status"] is not None for call in fleet.calls().values()))
    calls, rows = fleet.calls_by("job"), collections.defaultdict(dict)
    for row in fleet.rows():
        rows[row["job_id"]][row["attempt"]] = row
    figures = collections.Counter()
    for each in ids:
        figures.update(judge_job(each, events[each][0], calls.get(each, []), rows[each]))
    spared = {call["job"].partition("-")[0] for call in fleet.calls_by("path").get("spare", [])}
    check(spared <= {"other"}, f"{spared} went on to a second provider")
    letters = collections.defaultdict(set)
    for properties, body in fleet.drain("jobs.dead"):
        letters[json.loads(body)["id"]].add(properties.headers["x-tollway-run"])
    for each in ids:
        event = events[each][0]
        expected = {event["run"]} if event["error"] else set()
        check(letters[each] == expected, f"{each} left letters of the runs {letters[each]}, not {expected}")
    return dict(figures)


def judge_job(each, event, calls, rows):
    bought = [call for call in calls if call["usage"]]
    check(len(bought) <= 1, f"{each} was bought {len(bought)} times")
    outcomes = {number: rows[number]["outcome"] for number in sorted(rows)}
    said = {attempt["n"]: attempt["outcome"] for attempt in event["attempts"]}
    check(said == outcomes and list(said) == list(range(1, len(said) + 1)),
          f"{each}: the result says {said}, the ledger {outcomes}")
    lost = [number for number, outcome in outcomes.items() if outcome == "unknown"]
    check(lost in ([], [len(outcomes)]), f"{each} went on behind what nobody heard of again: {outcomes}")
    code = (event["error"] or {}).get("code") or "succeeded"
    expected = "provider_failed" if lost else "succeeded"  # nothing else makes them fail
    check(code == expected, f"{each} ended with {event['error'] or code}: {outcomes}")
    check(code != "succeeded" or bought, f"{each} succeeded, and nobody sold it")
    for call in calls:
        row = rows[int(call["key"].rpartition("/")[2])]
        right = charged(call) if row["outcome"] == "success" else 0
        check(row["outcome"] == "unknown" or row["amount_nano_usd"] == right,
              f"{row['event_id']}: {row['outcome']} costs {row['amount_nano_usd']}, not {right}")
    return [code] + [f"lost at {number}" for number in lost]


def nothing_bought_twice():
    """Workers die at every place between an intent and the ack of its job, and go down while clips are made."""
    runs = {}
    for place, number in PLACES:
        options = {"kinds": LOSING} if place == "after_letter" else {}
        for task in ("image", "video"):
            runs[f"{task} {place}:{number}"] = functools.partial(bought_once, task, place, number, **options)
    # The one that admits a job again behind a pause.
    behind_a_pause = functools.partial(bought_once, "image", "after_admit", 2,
                                       kinds={"later": KINDS["later"]}, jobs=1)
    figures = together({**runs, "image after_admit:2": behind_a_pause, "video while polled": polled}, at_once=14)
    reached = {name for found in figures.values() for name in found if name.startswith("lost at ")}
    check({"lost at 1", "lost at 2", "lost at 3"} <= reached, f"workers died too early: only {sorted(reached)}")
    return figures


def unwritable_artifacts():
    """What was bought and cannot be stored is paid for, and is not bought again at the next provider."""
    tasks = ("image", "video", "tts")
    with FaultyFleet("unwritable") as fleet:
        fleet.start_provider()
        fleet.control(path="first", video_seconds=0.3)
        fleet.prepare({"first": LONGER, "second": LONGER}, {task: ["first", "second"] for task in tasks})
        (fleet.directory / "artifacts").write_text("a file where the directory should be")
        fleet.start_worker(8)
        published = [job(number, task, task) for task in tasks for number in range(2)]
        fleet.publish(published, lane="standard")
        ids = [each["id"] for each in published]
        events = fleet.results.wait(ids, PATIENCE)
        one_end_each(events, ids)
        ledger_equals_calls(fleet)
        calls, rows = fleet.calls_by("job"), {row["job_id"]: row for row in fleet.rows()}
        for each in ids:
            error = events[each][0]["error"] or {}
            check(error.get("code") == "provider_failed" and "TOLLWAY_ARTIFACTS" in error["message"],
                  f"{each} ended with {error or 'success'}")
            check([call["path"] for call in calls[each]] == ["first"], f"{each}: calls {calls[each]}")
            found, right = rows[each], charged(calls[each][0])
            check((found["outcome"], found["amount_nano_usd"]) == ("failed", right),
                  f"{each}: {found['outcome']} costs {found['amount_nano_usd']}, not {right}")
        return {"paid once": len(ids)}
