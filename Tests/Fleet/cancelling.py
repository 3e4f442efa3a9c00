"""Jobs that are cancelled: where they wait, and while they run."""

import json
import time

from children import echo, end_by_hand, ends, family, state_of
from fleet import PATIENCE, check, main, quiet, together, wait_for, whole_lines
from gateway import send, start_gateway

PROMPT = 25  # seconds; two are promised, the rest is for a busy machine. What is not cancelled goes on for longer
LONG = 600_000  # milliseconds of a job that runs until it is cancelled


def cancel(fleet, name, *options, codes=(0,)):
    """75 says that the worker of a job that runs was not heard of within some seconds."""
    done = fleet.run("cancel", name, *options)
    check(done.returncode in codes, f"tollway cancel {name} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def runs(fleet, *names):
    def admitted():
        lines = [line for line in whole_lines(fleet.worker.log).splitlines() if " admitted " in line]
        return all(any(f" job={name} " in line for line in lines) for name in names)
    wait_for(f"{', '.join(names)} to run", PATIENCE, admitted)


def is_cancelled(event, word=None):
    check(event["status"] == "cancelled" and event["error"]["code"] == "cancelled", f"{event['jobId']} ended {event}")
    check(word is None or word in event["error"]["message"], f"{event['error']}")


def llm(name, prompt, user="u"):
    return {"id": name, "userId": user, "userTier": "tier2", "taskType": "llm", "payload": {"prompt": prompt}}


def waiting():
    """In a bay, on the ladder for a parent, blocked: at once, by whoever cancels. Their messages are dropped when they come
    up, and nothing is ever bought for them."""
    with family() as fleet:
        fleet.assign("u", concurrency=1)
        fleet.assign("poor", jobs=1)
        fleet.publish([echo("first", user="poor"), echo("holder", sleepMs=LONG)])
        runs(fleet, "holder")
        ends(fleet, "first")
        fleet.publish([echo("bay"), echo("behind"), echo("ladder", after=["holder"]), echo("stopped", user="poor")])
        for name in ("bay", "behind", "ladder"):
            wait_for(f"{name} to wait", PATIENCE, lambda: state_of(fleet, name)["state"] == "waiting")
        check(ends(fleet, "stopped")["stopped"]["status"] == "blocked", "nothing was blocked")
        fleet.results.events.clear()
        begin = time.monotonic()
        for name in ("bay", "ladder", "stopped"):
            cancel(fleet, name, "--by", "anna", "--reason", "wrong text")
        done = fleet.results.wait(["bay", "ladder", "stopped"], PATIENCE)
        took = time.monotonic() - begin
        for name in ("bay", "ladder", "stopped"):
            is_cancelled(done[name][0], "by anna: wrong text")
            check(done[name][0]["taskType"] == "echo" and not done[name][0]["attempts"], f"{done[name][0]}")
            check(state_of(fleet, name)["state"] == "cancelled", f"{state_of(fleet, name)}")
        check("before" in cancel(fleet, "bay"), "cancelled twice, and told as the first time")
        check("succeeded" in cancel(fleet, "first", codes=(1,)), "a job that had ended was cancelled")
        check("not known" in cancel(fleet, "nobody", codes=(1,)), "a job that nobody knows was cancelled")
        end_by_hand(fleet, "holder")
        check(ends(fleet, "behind")["behind"]["status"] == "succeeded", "the job behind a cancelled one did not run")
        fleet.assign("poor", jobs=10)
        check(fleet.run("blocked", "release", "--all").returncode == 0, "the letter was not released")
        wait_for("the letter to be dropped", PATIENCE, lambda: fleet.depth("jobs.blocked") == 0)
        quiet(fleet)
        for name in ("bay", "ladder", "stopped"):
            is_cancelled(ends(fleet, name)[name])
        ran = {"first", "holder", "behind"}
        wait_for("a row of each that ran", PATIENCE, lambda: {row["job_id"] for row in fleet.rows()} >= ran)
        rows = {row["job_id"] for row in fleet.rows()}
        check(rows == ran, f"the ledger has {rows}")
        return {"seconds for three": round(took, 1)}


def running():
    """The provider's call is broken off, the attempt is booked, and the user's next job has the slot."""
    with family() as fleet:
        fleet.assign("u", concurrency=1)
        fleet.publish([llm("hanging", "fault-hang now"), echo("next", word="next")])
        wait_for("the call", PATIENCE, lambda: fleet.calls())
        begin = time.monotonic()
        cancel(fleet, "hanging", "--reason", "enough", codes=(0, 75))
        told = time.monotonic() - begin
        event = ends(fleet, "hanging", seconds=PROMPT)["hanging"]
        is_cancelled(event, "enough")
        wait_for("the provider to see the connection close", PATIENCE, lambda: all(
            call["status"] == 0 for call in fleet.calls().values()))
        check(len(fleet.calls()) == 1, "the job was tried again")
        check(ends(fleet, "next", seconds=PROMPT)["next"]["status"] == "succeeded", "the next job did not run")
        check([attempt["outcome"] for attempt in event["attempts"]] == ["unknown"], f"{event['attempts']}")
        row = wait_for("the row of the attempt", PATIENCE, lambda: [
            row for row in fleet.rows() if row["job_id"] == "hanging"])
        check(len(row) == 1 and row[0]["outcome"] == "unknown" and row[0]["amount_nano_usd"] > 0, f"{row}")
        check(float(event["cost"]["amount"]) * 1e9 == row[0]["amount_nano_usd"], f"{event['cost']} is not {row}")
        quiet(fleet)
        return {"cancelled after s": round(told, 1)}


def beside_others():
    """Of jobs that travel in one call one is cancelled: the call goes on for the others."""
    with family(slots=16) as fleet:
        names = [f"together-{number}" for number in range(5)]
        fleet.publish([echo(name, user=f"u{name[-1]}", sleepMs=20_000) for name in names])
        runs(fleet, *names)
        cancel(fleet, names[0], codes=(0, 75))
        first = ends(fleet, names[0])[names[0]]
        is_cancelled(first)
        for name, event in ends(fleet, *names[1:]).items():
            check(event["status"] == "succeeded" and len(event["attempts"]) == 1, f"{name} ended {event}")
            check(first["finishedAt"] < event["finishedAt"], f"the cancelled one waited for {name}")
        wait_for("a row for each", PATIENCE, lambda: len(fleet.rows()) == len(names))
        quiet(fleet)


def gone_worker():
    """The worker of a cancelled job dies before it hears of it: who takes the job up does not run it."""
    with family() as fleet:
        fleet.publish([echo("job", sleepMs=LONG)])
        runs(fleet, "job")
        fleet.worker.kill()
        fleet.worker.wait()
        cancel(fleet, "job", codes=(75,))
        fleet.start_worker(4)
        is_cancelled(ends(fleet, "job", seconds=2 * PATIENCE)["job"])
        check(json.loads(fleet.run("cancel", "job", "--format", "json").stdout)["state"] == "cancelled", "not cancelled")
        quiet(fleet)


def over_http():
    """By who sent them: one that runs is stopped while the request waits, one behind it at once, and then it is said that
    both are."""
    with family() as fleet:
        fleet.assign("u", concurrency=1)
        gateway = start_gateway(fleet)
        for job in (llm("hanging", "fault-hang now"), echo("behind")):
            check(send(gateway, "POST", "/v1/jobs", body=job).status == 202, f"{job['id']} was not taken")
            wait_for(f"{job['id']} to be seen", PATIENCE, lambda: state_of(fleet, job["id"])["state"] in (
                "running", "waiting"))
        wait_for("the call", PATIENCE, lambda: fleet.calls())
        begin = time.monotonic()

        def is_gone(name):
            answer = send(gateway, "DELETE", f"/v1/jobs/{name}")
            # 202: its worker has not been heard of within some seconds, ask again.
            check(answer.status in (200, 202), f"{answer.status}: {answer.text}")
            return answer.status == 200 and answer.json["status"] == "cancelled"
        for name in ("behind", "hanging"):
            wait_for(f"{name} to be cancelled", PATIENCE, lambda: is_gone(name))
        took = time.monotonic() - begin
        check(took < PROMPT, f"it took {took:.1f} s")
        for name, event in ends(fleet, "hanging", "behind").items():
            is_cancelled(event, "by the local operator")
        check(send(gateway, "DELETE", "/v1/jobs/hanging").status == 200, "asking again is no harm")
        row = wait_for("the row of the attempt", PATIENCE, lambda: fleet.rows())
        check([entry["job_id"] for entry in row] == ["hanging"] and row[0]["outcome"] == "unknown", f"{row}")
        quiet(fleet)
        return {"both cancelled after s": round(took, 1)}


SCENARIOS = (waiting, running, beside_others, gone_worker, over_http)


def all_cancelled():
    return together({scenario.__name__: scenario for scenario in SCENARIOS}, 2)


if __name__ == "__main__":
    main(all_cancelled, by_name_only=SCENARIOS)
