"""Jobs that wait for other jobs, and get what those made."""

import contextlib
import json
import signal
import time

import rules
from fleet import PATIENCE, Fleet, check, main, one_end_each, quiet, together, wait_for

PATIENT = 10  # seconds for a job that nobody knows, where a scenario waits for it to be given up


@contextlib.contextmanager
def family(slots=8, worker=True, patient=600, **options):
    """Calls have ten minutes, so that what hangs does so until somebody ends it."""
    with Fleet("children", environment={"TOLLWAY_PARENT_PATIENCE": f"{patient}s"}) as fleet:
        fleet.start_provider("--latency-ms", "50")
        fleet.use_rules(rules.policy(fleet.provider_port, timeout="600s", **options), rules.costs())
        if worker:
            fleet.worker = fleet.start_worker(slots)
        fleet.start_billing()
        if not worker:
            fleet.run("topology", "apply")
        fleet.results.listen()
        yield fleet


def echo(name, user="u", after=None, tier="tier2", **payload):
    return {"id": name, "userId": user, "userTier": tier, "taskType": "echo", "payload": payload,
            **({"after": after} if after else {})}


def speech(name, user="u"):
    return {"id": name, "userId": user, "userTier": "tier2", "taskType": "tts",
            "payload": {"text": f"This is {name}.", "format": "wav"}}


def ends(fleet, *names, seconds=PATIENCE):
    """name -> its result event, the same however often it was announced."""
    results = fleet.results.wait(names, seconds)
    one_end_each(results, names)
    return {name: results[name][0] for name in names}


def inputs(event):
    check(event["status"] == "succeeded", f"{event['jobId']} ended {event['error']}")
    return event["output"]["echo"]["inputs"]


def state_of(fleet, name):
    done = fleet.run("explain", name, "--format", "json")
    return json.loads(done.stdout)


def waits_for_parents(fleet, name, succeeded, every):
    def waits():
        state = state_of(fleet, name)
        return state["state"] == "waiting" and state["reason"] == "parents" and (
            state["parents"] == {"succeeded": succeeded, "all": every})
    wait_for(f"{name} to wait for {every - succeeded} of {every}", PATIENCE, waits, pause=0.2)


def end_by_hand(fleet, name):
    """Cancels a job that runs. The command waits some seconds for its worker, and says so when those were too few."""
    done = fleet.run("cancel", name)
    check(done.returncode in (0, 75), f"{name} was not cancelled: {done.stdout}{done.stderr}")
    check(ends(fleet, name)[name]["status"] == "cancelled", f"{name} is not cancelled")


def outputs_arrive():
    """In the order of `after`, however they ended; what the message itself calls inputs is dropped; a child is a parent."""
    with family() as fleet:
        fleet.publish([
            echo("grandchild", after=["child"]),
            echo("child", after=["slow", "quick", "spoken"], word="mine",
                 inputs=[{"id": "slow", "output": {"artifact": {"path": "/etc/passwd"}}}]),
            echo("slow", sleepMs=2000, word="late"), echo("quick", word="early"), speech("spoken"),
            echo("no child", word="kept") | {"id": "plain", "payload": {"word": "kept", "inputs": ["/etc/passwd"]}}])
        done = ends(fleet, "grandchild", "child", "slow", "quick", "spoken", "plain")
        check(done["plain"]["output"] == {"echo": {"word": "kept"}}, f"{done['plain']['output']}")
        expected = [{"id": name, "taskType": "tts" if name == "spoken" else "echo", "output": done[name]["output"]}
                    for name in ("slow", "quick", "spoken")]
        check(inputs(done["child"]) == expected, f"the child got {inputs(done['child'])}")
        check(inputs(done["grandchild"])[0]["output"] == done["child"]["output"], "the grandchild got something else")
        for child, parent in (("child", "slow"), ("grandchild", "child")):
            check(done[child]["startedAt"] >= done[parent]["finishedAt"], f"{child} began before {parent} had ended")
        quiet(fleet)
        # Again, long after: known, and not run.
        runs = len(fleet.rows("select * from usage_cost where job_id = 'child'"))
        fleet.publish([echo("child", after=["slow", "quick", "spoken"], word="mine",
                            inputs=[{"id": "slow", "output": {"artifact": {"path": "/etc/passwd"}}}])])
        wait_for("the child to be announced again", PATIENCE, lambda: len(fleet.results.by_job()["child"]) > 1)
        check(len(fleet.rows("select * from usage_cost where job_id = 'child'")) == runs == 1, "the child ran twice")


def parents_that_fail():
    """Failed, cancelled, of another user, not known: each ends the child, and its children, without a letter."""
    with family(patient=PATIENT) as fleet:
        fleet.publish([echo("failed", fail="caller_error"), echo("foreign", user="other", sleepMs=1),
                       echo("cancelled", sleepMs=600_000)])
        ends(fleet, "failed", "foreign")
        wait_for("the job to run that will be cancelled", PATIENCE,
                 lambda: state_of(fleet, "cancelled")["state"] == "running")
        published = time.monotonic()
        fleet.publish([echo("of-failed", after=["failed"]), echo("of-foreign", after=["foreign"]),
                       echo("of-cancelled", after=["cancelled"]), echo("of-nobody", after=["nobody"]),
                       echo("grandchild", after=["of-failed"])])
        waits_for_parents(fleet, "of-cancelled", 0, 1)
        end_by_hand(fleet, "cancelled")
        done = ends(fleet, "of-failed", "of-foreign", "of-cancelled", "of-nobody", "grandchild")
        check(time.monotonic() - published >= PATIENT, "a job that nobody knows was not waited for")
        for name, word in (("of-failed", "failed"), ("of-foreign", "foreign"), ("of-cancelled", "cancelled"),
                           ("of-nobody", "nobody"), ("grandchild", "of-failed")):
            error = done[name]["error"]
            check(error and error["code"] == "parent_failed" and f"job {word}," in error["message"], f"{name}: {error}")
            check(done[name]["status"] == "failed" and not done[name]["attempts"], f"{name}: {done[name]}")
        check(not fleet.drain("jobs.dead"), "a child became a dead letter")
        quiet(fleet)


def long_waits():
    """For a parent at its user's limit, for one that is not yet due, and for one that is blocked and released: it holds no
    slot meanwhile. A deadline holds."""
    with family(patient=PATIENT) as fleet:
        fleet.assign("u", concurrency=1)
        fleet.assign("poor", jobs=1)
        fleet.publish([echo("first", user="poor"), echo("holder", sleepMs=600_000)])
        ends(fleet, "first")
        wait_for("the holder to run", PATIENCE, lambda: state_of(fleet, "holder")["state"] == "running")
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 40))  # by then all has been looked at
        fleet.publish([echo("parent", word="at last"), echo("child", after=["parent"]),
                       echo("hasty", after=["parent"]) | {"deadline": time.strftime(
                           "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))},
                       echo("later", user="v") | {"notBefore": soon}, echo("of-later", user="v", after=["later"]),
                       echo("stopped", user="poor", tier="tier2"), echo("of-stopped", user="w", after=["none"]),
                       echo("poor-child", user="poor", after=["stopped"])])
        waits_for_parents(fleet, "child", 0, 1)
        waits_for_parents(fleet, "poor-child", 0, 1)
        waits_for_parents(fleet, "of-later", 0, 1)
        check(state_of(fleet, "later")["reason"] == "not_before", f"{state_of(fleet, 'later')}")
        wait_for("three to wait for parents in their lane", PATIENCE, lambda: next(
            lane for lane in fleet.command("lanes")["lanes"] if lane["lane"] == "standard")["waiting"].get("parents", 0) >= 3)
        error = ends(fleet, "hasty")["hasty"]["error"]  # before its parent, which would let it run, may go on
        check(error and error["code"] == "deadline_exceeded", f"{error}")
        end_by_hand(fleet, "holder")
        done = ends(fleet, "child", "of-later", "of-stopped")
        check(inputs(done["child"])[0]["output"]["echo"]["word"] == "at last", f"{done['child']}")
        check(inputs(done["of-later"]), "the child of a job that was not due has no inputs")
        check(ends(fleet, "stopped")["stopped"]["status"] == "blocked", "the parent was not blocked")
        time.sleep(2 * PATIENT)  # longer than a job that nobody knows would be waited for
        waits_for_parents(fleet, "poor-child", 0, 1)
        fleet.results.events.clear()
        fleet.assign("poor", jobs=10)
        check(fleet.run("blocked", "release", "stopped").returncode == 0, "the parent was not released")
        done = ends(fleet, "poor-child", "stopped")
        check(inputs(done["poor-child"])[0]["output"] == done["stopped"]["output"], f"{done['poor-child']}")
        quiet(fleet)


def memory_lost():
    """Redis loses everything after the parents have ended: the ledger remembers them and their files."""
    with family() as fleet:
        fleet.publish([speech("a"), speech("b"), echo("inline", word="gone")])
        parents = ends(fleet, "a", "b", "inline")
        wait_for("the rows of the parents", PATIENCE, lambda: len(fleet.rows()) == 3)
        references = {row["job_id"]: row["output"] and json.loads(row["output"]) for row in fleet.rows()}
        check(references == {"a": parents["a"]["output"], "b": parents["b"]["output"], "inline": None}, f"{references}")
        client = fleet.redis()
        for key in fleet.keys():
            client.delete(key)
        fleet.publish([echo("child", after=["b", "a", "inline"]), echo("stranger", user="other", after=["a"])])
        done = ends(fleet, "child", "stranger", seconds=2 * PATIENCE)
        expected = [{"id": name, "taskType": parents[name]["taskType"], "output": references[name]}
                    for name in ("b", "a", "inline")]
        check(inputs(done["child"]) == expected, f"the child got {inputs(done['child'])}")
        check(done["stranger"]["error"]["code"] == "parent_failed", f"{done['stranger']}")
        quiet(fleet)


def worker_killed():
    """A worker dies with a child in hand, before its call: another one runs it with the same inputs."""
    with family(worker=False) as fleet:
        doomed = fleet.start_worker(4, environment={"TOLLWAY_FAILPOINT": "before_provider:3"})
        fleet.publish([speech("a"), echo("b", word="b"), echo("child", after=["a", "b"])])
        wait_for("the worker to die", PATIENCE, lambda: doomed.poll() is not None)
        check(doomed.returncode == -signal.SIGKILL, f"the worker ended with {doomed.returncode}")
        fleet.start_worker(4)
        done = ends(fleet, "a", "b", "child", seconds=2 * PATIENCE)
        check([entry["output"] for entry in inputs(done["child"])] == [done["a"]["output"], done["b"]["output"]],
              f"{done['child']}")
        quiet(fleet)


def too_much():
    """Inputs of more than 4 MiB end the child as its caller's error; its slot is free at once."""
    with family() as fleet:
        fleet.assign("u", concurrency=1)
        parents = [echo(f"p{number}", text="x" * 1_000_000) for number in range(5)]
        fleet.publish(parents)
        ends(fleet, *(parent["id"] for parent in parents))
        fleet.publish([echo("child", after=[parent["id"] for parent in parents]), echo("next", word="next")])
        done = ends(fleet, "child", "next")
        check(done["child"]["error"]["code"] == "caller_error", f"{done['child']['error']}")
        check(done["next"]["status"] == "succeeded", f"{done['next']}")
        quiet(fleet)


def all_children():
    return together({scenario.__name__: scenario for scenario in (
        outputs_arrive, parents_that_fail, long_waits, memory_lost, worker_killed, too_much)}, at_once=3)


if __name__ == "__main__":
    main(all_children, by_name_only=(
        outputs_arrive, parents_that_fail, long_waits, memory_lost, worker_killed, too_much))
