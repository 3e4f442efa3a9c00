"""Hard limits under fire: 200 jobs that may all run at once, at the edge of a month's cap or quota, with workers killed and
Redis emptied in the middle. The provider's log and the ledger end at or under the limit, every job that did not run is
in jobs.blocked, nothing is lost."""

import collections
import contextlib
import datetime
import json
import subprocess
import time

import pika

import rules
from crashes import with_own_server
from fleet import PATIENCE, Fleet, check, ledger_equals_calls, main, one_end_each, together, wait_for, whole_lines
from ledger_stores import PostgresStore, psql

JOBS = 200
WORKERS, SLOTS = 3, 80
NANO = 1_000_000_000
# Dear enough for a hundred calls to make a dollar: per input token 50,000 nano-dollars, per output token a million.
INPUT, OUTPUT = 50_000, 1_000_000
PRICES = {"chat-1": {"input_tokens": "50", "output_tokens": "1000"}}
MOST_OUTPUT = 20


@contextlib.contextmanager
def fleet_at_the_edge(tier, latency="200-300", **servers):
    """A fleet whose only user may run all its jobs at once; `tier` is what bounds it."""
    with Fleet("money", **servers) as fleet:
        fleet.start_provider("--latency-ms", latency)
        fleet.use_rules(rules.policy(fleet.provider_port, tiers={"FREE": tier}), rules.costs(prices=PRICES))
        fleet.start_billing()
        fleet.workers = [fleet.start_worker(SLOTS) for _ in range(WORKERS)]
        fleet.results.listen()
        fleet.assign("u", concurrency=JOBS)
        yield fleet


def jobs(task, payload):
    return [{"id": f"{task}-{number}", "userId": "u", "userTier": "tier1", "taskType": task,
             "payload": payload(number)} for number in range(JOBS)]


def text(number):
    return {"prompt": f"number {number} of many words that are billed", "maxTokens": MOST_OUTPUT}


def outcome(fleet, published, code, seconds):
    """How many ran and how many were blocked; each job ended once, and the blocked ones have a letter each."""
    ids = [job["id"] for job in published]
    results = fleet.results.wait(ids, seconds)
    one_end_each(results, ids)
    ends = {job: (results[job][0]["error"] or {}).get("code") for job in ids}
    check(set(ends.values()) <= {None, code}, f"ended with {collections.Counter(ends.values())}")
    blocked = {job for job, end in ends.items() if end == code}
    check(blocked and len(blocked) < len(ids), f"{len(blocked)} of {len(ids)} were blocked")
    letters = [json.loads(body)["id"] for _, body in fleet.drain("jobs.blocked")]
    check(set(letters) == blocked, f"{len(set(letters) ^ blocked)} jobs are in jobs.blocked or in the results, not both")
    check(not fleet.drain("jobs.dead"), "a healthy job was dead-lettered")
    return len(ids) - len(blocked), len(blocked)


def spent_usd(fleet):
    """(provider, ledger) in nano-dollars. A call without an end was cut off; nobody knows what it cost."""
    calls = [call["usage"] for call in fleet.calls().values() if call.get("usage")]
    provider = sum(usage["prompt_tokens"] * INPUT + usage["completion_tokens"] * OUTPUT for usage in calls)
    return provider, sum(row["amount_nano_usd"] for row in fleet.rows())


def audit_usd(fleet, published, seconds, cap=NANO):
    ran, blocked = outcome(fleet, published, "cost_cap_reached", seconds)
    ledger_equals_calls(fleet)
    provider, ledger = spent_usd(fleet)
    unknown = sum(1 for row in fleet.rows() if row["outcome"] == "unknown")
    worst = max(len(json.dumps(job["payload"])) for job in published) * INPUT + MOST_OUTPUT * OUTPUT
    check(ledger <= cap, f"the ledger ends at {ledger / NANO} USD, the cap is {cap / NANO}")
    check(provider <= cap, f"the provider counts {provider / NANO} USD, the cap is {cap / NANO}")
    check(ledger > cap - worst, f"jobs were blocked at {ledger / NANO} USD, {(cap - ledger) / NANO} under the cap")
    check(unknown or provider == ledger, f"the provider counts {provider}, the ledger {ledger}")
    return {"ran": ran, "blocked": blocked, "ledger": ledger / NANO, "provider": provider / NANO, "unknown": unknown}


def most_at_once(fleet):
    edges = sorted(edge for call in fleet.calls().values()
                   for edge in ((call["begin"], 1), (call.get("end", float("inf")), -1)))
    now = highest = 0
    for _, change in edges:
        now += change
        highest = max(highest, now)
    return highest


def cost_cap():
    # Long calls, so that a slow machine has many at once too.
    with fleet_at_the_edge({"cost_caps": {"monthlyUsd": 1, "hardStop": True}}, latency="2500-3500") as fleet:
        published = jobs("llm", text)
        fleet.publish(published)
        figures = audit_usd(fleet, published, 2 * PATIENCE)
        figures["at once"] = most_at_once(fleet)
        check(figures["at once"] >= 30, f"only {figures['at once']} calls at once: the cap was not raced for")
        return figures


def audio_seconds():
    """Speech of 100 characters: 5 s of audio each, 20 s reserved for it."""
    quota = 600
    with fleet_at_the_edge({"quotas": {"monthly": {"audio_seconds": quota}}}) as fleet:
        published = jobs("tts", lambda number: {"text": f"{number:04} " + "a" * 95, "format": "wav"})
        fleet.publish(published)
        ran, blocked = outcome(fleet, published, "quota_exceeded", 2 * PATIENCE)
        ledger_equals_calls(fleet)
        provider = sum(0.05 * call["usage"]["characters"] for call in fleet.calls().values())
        ledger = fleet.rows("select * from user_month")[0]
        booked = float(ledger["audio_seconds"])
        check(provider <= quota and booked <= quota, f"{provider} s by the provider, {booked} s in the ledger")
        check(abs(provider - booked) < 0.01, f"{provider} s by the provider, {booked} s in the ledger")
        check(booked > quota - 20, f"jobs were blocked at {booked} s of {quota}")
        return {"ran": ran, "blocked": blocked, "seconds": booked}


def video_minutes():
    """Clips of 7 s, made by echo, whose usage is what the payload says."""
    quota = 5
    with fleet_at_the_edge({"quotas": {"monthly": {"video_minutes": quota}}}) as fleet:
        published = jobs("echo", lambda number: {"usage": {"video_seconds": 7}, "sleepMs": 250})
        fleet.publish(published)
        ran, blocked = outcome(fleet, published, "quota_exceeded", 2 * PATIENCE)
        most = quota * 60 // 7
        check(ran == most, f"{ran} clips of 7 s were made, {most} fit into {quota} minutes")
        wait_for("a row of each", PATIENCE, lambda: len(fleet.rows()) == ran)
        return {"ran": ran, "blocked": blocked}


def in_the_middle(fleet):
    """All jobs are published; of the calls that began together some have ended and others run."""
    published = jobs("llm", text)
    fleet.publish(published)
    wait_for("calls that have ended", PATIENCE,
             lambda: sum(1 for call in fleet.calls().values() if "end" in call) >= 10, pause=0.01)
    return published


def in_hand(worker):
    log = whole_lines(worker.log)
    return log.count(" admitted ") - log.count(" settled ")


def worker_killed():
    with fleet_at_the_edge({"cost_caps": {"monthlyUsd": 1, "hardStop": True}}, latency="2000-4000") as fleet:
        published = in_the_middle(fleet)
        max(fleet.workers, key=in_hand).kill()
        figures = audit_usd(fleet, published, 2 * PATIENCE)
        check(figures["unknown"] > 0, "the killed worker had nothing in its hands")
        return figures


def after_a_loss(server, lose):
    """Redis forgets everything while jobs run: nothing new starts until billing has said what was spent."""
    cap = {"cost_caps": {"monthlyUsd": 1, "hardStop": True}}
    with fleet_at_the_edge(cap, latency="2000-4000", redis_url=server.url) as fleet:
        published = in_the_middle(fleet)
        lose(fleet)
        lost, before = time.monotonic(), len(fleet.calls())
        wait_for("calls after the loss", 2 * PATIENCE,
                 lambda: sum(1 for call in fleet.calls().values() if call["begin"] > lost + 5))
        figures = audit_usd(fleet, published, 2 * PATIENCE)
        first = min(call["begin"] for call in fleet.calls().values() if call["begin"] > lost + 5)
        return {**figures, "calls before": before, "goes on after": round(first - lost, 1)}


def redis_flushed():
    return with_own_server("redis", lambda server: after_a_loss(server, lambda fleet: fleet.redis().flushall()))


def redis_restarted_empty():
    def body(server):
        def lose(fleet):
            server.crash()
            server.start()
        return after_a_loss(server, lose)
    return with_own_server("redis", body)


EVENTS = 4000  # as many as one billing process has in hand at most


def publish_spent(fleet, dollars):
    """Cost events of u that come to so much, all confirmed, behind and between events of z."""
    time_stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    with fleet.connection() as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for number in range(EVENTS):
            event_id, user = f"spent-{number}/r/1", "zzuu"[number % 4]
            amount = dollars / (EVENTS / 2) if user == "u" else 0
            body = {
                "specversion": "1.0", "id": event_id, "source": "/tollway/worker",
                "type": "dev.tollway.cost.recorded.v1", "subject": user, "time": time_stamp,
                "datacontenttype": "application/json", "data": {
                    "jobId": f"spent-{number}", "run": "r", "attempt": 1, "seriesId": None, "userId": user,
                    "tier": "FREE", "taskType": "llm", "provider": "fake", "model": "chat-1", "modelVersion": None,
                    "outcome": "success", "usage": [],
                    "cost": {"amount": f"{amount:.12f}", "currency": "USD", "basis": "price_book", "priceId": None},
                    "chargePeriod": time_stamp[:7], "corrects": None}}
            channel.basic_publish(
                fleet.name("costs"), "free.llm.fake", json.dumps(body).encode(),
                pika.BasicProperties(delivery_mode=2, content_type="application/cloudevents+json"))


@contextlib.contextmanager
def month_held(store, user):
    """Whoever books for this user waits meanwhile."""
    statement = f"BEGIN; SELECT 'held' FROM user_month WHERE user_id = '{user}' FOR UPDATE;\n"
    holder = subprocess.Popen([psql(), "--no-psqlrc", "--quiet", "--tuples-only", store.url], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        holder.stdin.write(statement)
        holder.stdin.flush()
        check("held" in holder.stdout.readline(), f"the month of {user} could not be held")
        yield
    finally:
        holder.kill()
        holder.wait()


def billing_killed(server):
    """Redis forgets everything while one of three billing processes has 4,000 events in hand, and that one is killed
    while another waits for it with the marker. What it had comes again behind the marker, and who gets it is held up:
    nobody spends until that is booked."""
    store = PostgresStore()
    with contextlib.ExitStack() as stack:
        stack.callback(store.remove)
        fleet = stack.enter_context(
            Fleet("replicas", redis_url=server.url, environment={"TOLLWAY_LEDGER_URL": store.url}))
        fleet.start_provider("--latency-ms", "20-50")
        tier = {"cost_caps": {"monthlyUsd": 1, "hardStop": True}}
        fleet.use_rules(rules.policy(fleet.provider_port, tiers={"FREE": tier}), rules.costs(prices=PRICES))
        fleet.make_ledger()
        doomed = fleet.start_billing()
        worker = fleet.start_worker(SLOTS)
        fleet.results.listen()
        first = {**jobs("llm", text)[0], "id": "first", "userId": "z"}
        fleet.publish([first])
        fleet.results.wait(["first"], PATIENCE)
        count = lambda condition: int(store.rows(f"SELECT count(*) FROM {condition}")[0][0])
        wait_for("a row of z", PATIENCE, lambda: count("usage_cost") == 1)
        fleet.assign("u", concurrency=JOBS)
        asked = lambda: whole_lines(worker.log).count("billing is asked to say what was spent")
        with month_held(store, "z"):
            publish_spent(fleet, 0.8)
            wait_for("an empty queue", PATIENCE, lambda: fleet.depth("costs.ledger") == 0)
            others = [fleet.start_billing() for _ in range(2)]
            wait_for("three replicas", PATIENCE, lambda: count("replica") == 3)
            before, marker = asked(), store.rows("SELECT max(number) FROM marker")
            fleet.redis().flushall()
            wait_for("a marker that is met", PATIENCE, lambda: store.rows("SELECT max(number) FROM marker") != marker)
            check(asked() == before + 1, f"markers were published: {asked() - before}")
            wait_for("the idle one to be as far", PATIENCE,
                     lambda: count("replica WHERE passed = (SELECT max(number) FROM marker)") == 2)
            doomed.kill()
            published = jobs("llm", text)
            fleet.publish(published)
            wait_for("another marker", 2 * PATIENCE, lambda: asked() >= before + 2)
            wait_for("nobody to wait for the killed process", PATIENCE, lambda: count("replica") == 2)
            time.sleep(5)  # how long the others are held up with what it had, not a wait for something
            check(len(fleet.calls()) == 1, f"{len(fleet.calls()) - 1} calls before what was spent was known")
        ran, blocked = outcome(fleet, published, "cost_cap_reached", 2 * PATIENCE)
        wait_for("a row of each event", PATIENCE, lambda: count("usage_cost") == 1 + EVENTS + ran)
        spent = int(store.rows("SELECT sum(amount_nano_usd) FROM usage_cost WHERE user_id = 'u'")[0][0])
        check(0.9 * NANO < spent <= NANO, f"the ledger ends at {spent / NANO} USD, the cap is 1")
        wait_for("Redis to have what the ledger has", PATIENCE, lambda: fleet.command("ledger", "reconcile")["redis"] == [])
        check([process.poll() for process in others] == [None, None], "another billing process ended")
        return {"ran": ran, "blocked": blocked, "ledger": spent / NANO}


def billing_killed_and_redis_flushed():
    return with_own_server("redis", billing_killed)


def new_month():
    """Jobs that this month blocked start by themselves in the next, whose quota is a new one. The month is Redis'."""
    quota, count = 5, 8
    def body(server):
        with Fleet("month", redis_url=server.url) as fleet:
            tiers = {"FREE": {"quotas": {"monthly": {"jobs": quota}}}}
            fleet.use_rules(rules.policy(1, tiers=tiers), rules.costs())
            fleet.start_billing()
            fleet.start_worker(8)
            fleet.results.listen()
            published = [{"id": f"job-{number}", "userId": "u", "userTier": "tier1", "taskType": "echo",
                          "payload": {"n": number}} for number in range(count)]
            fleet.publish(published)
            fleet.results.wait([job["id"] for job in published], PATIENCE)

            def latest():
                return collections.Counter(max(events, key=lambda event: event["finishedAt"])["status"]
                                           for events in fleet.results.by_job().values())
            check(latest() == {"succeeded": quota, "blocked": count - quota}, f"in the first month {dict(latest())}")
            begin = time.monotonic()
            (server.directory / "clock").write_text(f"{32 * 86400}\n")
            wait_for("all jobs to have run", 2 * PATIENCE, lambda: latest()["succeeded"] == count)
            took = time.monotonic() - begin
            wait_for("a row of each", PATIENCE, lambda: len(fleet.rows()) == count)
            periods = collections.Counter(row["charge_period"] for row in fleet.rows())
            check(sorted(periods.values()) == [count - quota, quota], f"rows by month: {dict(periods)}")
            wait_for("an empty jobs.blocked", PATIENCE, lambda: fleet.depth("jobs.blocked") == 0)
            return f"{took:.0f} s after the month turned"
    return with_own_server("redis", body, "--shifted-clock")


def faults():
    """Side by side: each mostly waits for leases to run out, or for somebody to look at the clock."""
    return together({scenario.__name__: scenario for scenario in FAULTS})


FAULTS = [worker_killed, redis_flushed, redis_restarted_empty, billing_killed_and_redis_flushed, new_month]


if __name__ == "__main__":
    main(cost_cap, audio_seconds, video_minutes, faults,
         by_name_only=FAULTS)
