"""What administrators are told of: a provider without money, a breaker, slow calls, a lane over its promise, dead
letters, two cost events of one id, a ledger that cannot be written; each once at the exchange and at the webhook, over
an outage of the webhook and a crash of billing. On SQLite, and with two billing processes on PostgreSQL where
TOLLWAY_TEST_POSTGRES_URL names a server."""

import contextlib
import glob
import json
import os
import shutil
import sqlite3
import subprocess
import time

from billing import Books
from faulty import FaultyFleet, job
from fleet import PATIENCE, check, main, together, wait_for, whole_lines
from tiers import alerts_of
from webhook import SECRET, Webhook, told

PROMISE = 2  # seconds for a slot
LETTERS = 3


@contextlib.contextmanager
def postgres(base):
    """A database of its own; its address and a client to it."""
    client = shutil.which("psql") or sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]
    name = f"tollway_alerts_{os.getpid()}"

    def sql(url, text):
        subprocess.run([client, url, "-qc", text], check=True, stdout=subprocess.DEVNULL)
    sql(base, f"CREATE DATABASE {name}")
    url = base.rsplit("/", 1)[0] + "/" + name
    try:
        yield url, client
    finally:
        sql(base, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextlib.contextmanager
def nothing_can_be_booked(fleet, url, client):
    """Somebody else holds the ledger."""
    if url is None:
        other = sqlite3.connect(fleet.ledger, isolation_level=None, timeout=PATIENCE)
        other.execute("begin immediate")
        yield
        other.execute("rollback")
        other.close()
    else:
        other = subprocess.Popen([client, url, "-qAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        other.stdin.write("begin; lock table usage_cost in access exclusive mode; select 'held';\n")
        other.stdin.flush()
        check("held" in other.stdout.readline(), "the ledger could not be locked")
        yield
        other.communicate("rollback;\n", timeout=PATIENCE)


def matters(fleet, url, client):
    """The kinds of what the ledger knows to be the matter."""
    query = "select kind from condition"
    if url is None:
        return [row["kind"] for row in fleet.rows(query)]
    return subprocess.run([client, url, "-Atc", query], check=True, capture_output=True, text=True).stdout.split()


def prepare(fleet, hook, **notify):
    """Four providers: one without money, one that is down, one that is well, one that is slow; a tier for each."""
    fleet.start_provider()
    fleet.control(path="poor", script=["402"])
    fleet.control(path="sick", script=["503"])
    fleet.control(path="lazy", latency=0.4)
    tiers = {"poor": ["poor", "well"], "sick": ["sick", "well"], "lazy": ["lazy"]}
    fleet.use_providers({name: {} for name in ("poor", "sick", "well", "lazy")}, tiers)
    path = fleet.directory / "policy.yml"
    document = json.loads(path.read_text())
    document["tiers"]["lazy"] |= {"priority": "high", "service_level": {"waitP95": f"{PROMISE}s"}}
    document["notify_admin"] = {"webhook_env": "TEST_HOOK", "ledger_lag": "5s", "dead_letters": LETTERS, **notify}
    path.write_text(json.dumps(document))
    fleet.environment["TEST_HOOK"] = hook.url


RAISED = [("provider_funds", "provider:poor"), ("breaker_open", "provider:sick"), ("lane_wait", "lane:high"),
          ("dead_letters", "fleet"), ("ledger_quarantine", "fleet")]


def everything(url=None, client=None):
    hook = Webhook()
    with FaultyFleet("alerts", environment={"TOLLWAY_LEDGER_URL": url} if url else None) as fleet:
        prepare(fleet, hook)
        billings = [fleet.start_billing() for _ in range(2 if url else 1)]
        alerts = alerts_of(fleet)
        fleet.results.listen()
        fleet.start_worker(4)
        hook.is_down = True

        # All but the ledger, while the webhook is down: the exchange is not held up.
        begin = time.monotonic()
        seen = {}

        def heard(*keys, state="raised"):
            now = time.monotonic() - begin
            for key in told(alerts()):
                seen.setdefault(key, round(now, 1))
            return all((*key, state) in seen for key in keys)
        fleet.publish([job(number, "poor") for number in range(2)] + [job(number, "sick") for number in range(8)],
                      lane="standard")
        wait_for("a provider out of money", PATIENCE, lambda: heard(RAISED[0]))
        # From here on somebody looks, so they are new.
        fleet.publish([{"id": f"odd-{number}", "userId": "odd", "taskType": "dance", "payload": {}}
                       for number in range(LETTERS + 1)], lane="standard")
        fleet.publish([job(number, "lazy") for number in range(60)], lane="high")
        for nano in (1, 2):
            Books(fleet).event("twice", nano=nano)
        wait_for("one alert of each kind", PATIENCE, lambda: heard(*RAISED))
        wait_for("the webhook that is down to be asked", PATIENCE, lambda: hook.refused)
        check(not hook.taken, f"the webhook that is down took {told(hook.bodies())}")
        hook.is_down = False
        events = fleet.command("ledger", "quarantine")["events"]
        check([(event["id"], event["reason"].partition(":")[0]) for event in events] == [("twice/r1/1", "conflict")],
              f"in quarantine: {events}")

        # The ledger: told while nothing can be written to it.
        with nothing_can_be_booked(fleet, url, client):
            fleet.publish([job(0, "well-off"), job(1, "well-off")], lane="standard")
            wait_for("the ledger's lag at the exchange", PATIENCE, lambda: heard(("ledger_lag", "fleet")))
            wait_for("the ledger's lag at the webhook", PATIENCE,
                     lambda: ("ledger_lag", "fleet", "raised") in told(hook.bodies()))
        unlocked = time.monotonic()
        wait_for("what was told is written down", PATIENCE, lambda: "ledger_lag" in matters(fleet, url, client))
        raised = {(*key, "raised") for key in RAISED}
        wait_for("the webhook to hear what it had refused", PATIENCE, lambda: set(told(hook.bodies())) >= raised)
        time.sleep(3)  # in which the last of that is written down too

        # A crash repeats nothing and forgets nothing; what is healed meanwhile is told by the next process.
        sender = next(process for process in billings if "alert: " in whole_lines(process.log))
        sender.kill()
        sender.wait()
        fleet.start_billing()
        for name in ("poor", "sick"):
            fleet.control(path=name, script=["ok"])
        released = fleet.run("providers", "release", "poor", "--by", "test", "--reason", "paid")
        check(released.returncode == 0, f"the provider cannot be released: {released.stderr}")
        number = 100

        def over():
            nonlocal number
            fleet.publish([job(number, "sick")], lane="standard")  # one of them is the probe
            number += 1
            return heard(RAISED[0], RAISED[1], state="recovered")
        wait_for("two recoveries", PATIENCE, over, pause=0.5)
        wait_for("the ledger's recovery", PATIENCE, lambda: heard(("ledger_lag", "fleet"), state="recovered"))
        seen["the ledger, after"] = round(time.monotonic() - unlocked, 1)

        expected = {(*key, "raised") for key in RAISED + [("ledger_lag", "fleet")]}
        expected |= {(*key, "recovered") for key in [*RAISED[:2], ("ledger_lag", "fleet")]}
        wait_for("the webhook to hear all", PATIENCE, lambda: set(told(hook.bodies())) >= expected)
        for where, bodies in (("the exchange", alerts()), ("the webhook", hook.bodies())):
            found = dict(told(bodies))
            found.pop(("lane_wait", "lane:high", "recovered"), None)
            check(found == {key: 1 for key in expected}, f"{where} heard {found}")
        judge_bodies(fleet, alerts(), hook)
        logs = "".join(whole_lines(process.log) for process in fleet.processes if process.log.suffix == ".log")
        check(SECRET not in logs, "the webhook's address is in a log")
        check(logs.count("alert: no money is left at provider poor") == 1, "the log is told once")
        return {f"{kind} {state}": at for (kind, _, state), at in
                ((key, at) for key, at in seen.items() if isinstance(key, tuple))} | {"refused": hook.refused}


def judge_bodies(fleet, bodies, hook):
    for body in bodies:
        missing = {"kind", "severity", "scope", "state", "message", "action", "period", "threshold", "time"} - set(body)
        check(not missing, f"{body['kind']} lacks {missing}")
        check(body["severity"] == "info" if body["state"] == "recovered" else body["action"], str(body))
    by_kind = {body["kind"]: body for body in bodies if body["state"] == "raised"}
    check("poor" in json.dumps(by_kind["provider_funds"]), "the provider's name is in its alert")
    wait = by_kind["lane_wait"]
    check(float(wait["used"]) > float(wait["limit"]) == PROMISE and wait["unit"] == "seconds", str(wait))
    letters = by_kind["dead_letters"]
    check((int(letters["used"]), int(letters["limit"])) == (LETTERS + 1, LETTERS), str(letters))
    paths = {path for path, _ in hook.taken}
    check(paths == {f"/services/{SECRET}"}, f"the webhook was called at {paths}")
    sent = {json.dumps({name: value for name, value in body.items() if name not in ("text", "id")}, sort_keys=True)
            for body in hook.bodies()}
    check(sent >= {json.dumps(body, sort_keys=True) for body in bodies if body["kind"] != "lane_wait"},
          "the webhook is told the same as the exchange")
    check(all(body["text"] and body["id"] for body in hook.bodies()), "the webhook's bodies have a text and an id")


SLOW = 4  # seconds of a call
OF_SLOWNESS = [("provider_latency", "provider:lazy"), ("lane_wait", "lane:high")]


def slowness():
    """A provider whose calls are slow, so that the jobs behind them wait too long: both are told, and both are over
    once it is fast, each once at the exchange and at the webhook."""
    hook = Webhook()
    with FaultyFleet("slow") as fleet:
        prepare(fleet, hook, provider_latency=f"{PROMISE}s")
        fleet.control(path="lazy", latency=SLOW)
        fleet.start_billing()
        alerts = alerts_of(fleet)
        fleet.results.listen()
        fleet.start_worker(1)
        begin, number, figures = time.monotonic(), 0, {}

        def publish(count):
            nonlocal number
            batch = [job(number + index, "lazy") for index in range(count)]
            number += count
            fleet.publish(batch, lane="high")
            return [each["id"] for each in batch]

        def heard(state):
            seen = told(alerts())
            for kind, scope in OF_SLOWNESS:
                if seen[kind, scope, state]:
                    figures.setdefault(f"{kind} {state}", round(time.monotonic() - begin))
            return all(seen[(*key, state)] for key in OF_SLOWNESS)

        # Always some that wait, few enough that many fast ones outweigh them afterwards.
        def slowly():
            if number - len(fleet.results.by_job()) < 3:
                publish(3)
            return heard("raised")
        wait_for("slow calls and long waits are told", 300, slowly, pause=0.5)
        fleet.control(path="lazy", latency=0)
        ids = []

        def quickly():
            nonlocal ids
            if all(each in fleet.results.by_job() for each in ids):
                ids = publish(4)
            return heard("recovered")
        wait_for("the end of both is told", 400, quickly, pause=0.1)
        expected = {(*key, state): 1 for key in OF_SLOWNESS for state in ("raised", "recovered")}
        wait_for("the webhook to hear all", PATIENCE, lambda: set(told(hook.bodies())) >= set(expected))
        for where, bodies in (("the exchange", alerts()), ("the webhook", hook.bodies())):
            check(dict(told(bodies)) == expected, f"{where} heard {told(bodies)}")
        for body in alerts():
            if body["state"] == "raised":
                check(body["unit"] == "seconds" and float(body["used"]) > float(body["limit"]) == PROMISE, str(body))
        return {**figures, "jobs": number}


def watching():
    """On SQLite and, side by side with it, on PostgreSQL."""
    base = os.environ.get("TOLLWAY_TEST_POSTGRES_URL")

    def on_postgres():
        with postgres(base) as (url, client):
            return everything(url, client)
    return together({"slowness": slowness, "sqlite": everything, **({"postgres": on_postgres} if base else {})})


if __name__ == "__main__":
    main(watching, by_name_only=(everything, slowness))
