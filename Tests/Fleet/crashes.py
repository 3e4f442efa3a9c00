"""Workers killed at every step of the order of effects, servers restarted in the middle: nothing lost, each job ends
once, the ledger has one row for each call of the provider's own log."""

import collections
import datetime
import itertools
import functools
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import rules
from fleet import (PATIENCE, ROOT, Fleet, check, ledger_equals_calls, main, one_end_each, quiet, running_counts,
                   together, wait_for, whole_lines)

FAILPOINTS = ["after_admit", "before_provider", "after_provider", "after_finish", "after_costs", "after_results",
              "after_ack"]
# The way of a job over its user's limit, and how often each place is passed before the worker dies there. Copies are
# parked in batches; at the first one the bay has just been made, and nobody has used it.
WAITING_ROOM = [("after_park_copy", 1), ("after_park_copy", 2), ("after_commit", 1), ("after_commit", 2),
                ("after_claim", 5), ("after_get", 5), ("after_vacant", 1)]


def jobs(count, users=12, **payload):
    return [{"id": f"job-{number}", "userId": f"user{number % users}", "userTier": f"tier{number % 4 + 1}",
             "taskType": "llm", "payload": {"prompt": f"number {number}", **payload}} for number in range(count)]


def seconds_from_now(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).isoformat()


def prepare(fleet, latency="30-60", **options):
    fleet.start_provider("--latency-ms", latency)
    fleet.use_rules(rules.policy(fleet.provider_port, **options), rules.costs())
    fleet.start_billing()
    fleet.results.listen()


def all_ended(fleet, published, seconds):
    ids = [job["id"] for job in published]
    results = fleet.results.wait(ids, seconds)
    one_end_each(results, ids)
    bad = [results[job][0] for job in ids if results[job][0]["status"] != "succeeded"]
    check(not bad, f"{len(bad)} jobs did not succeed: {bad[:1]}")
    ledger_equals_calls(fleet)
    return results


def last_end(fleet, published):
    """Waits until all have ended; after how many seconds the last one had."""
    begin = time.monotonic()
    fleet.results.wait([job["id"] for job in published], PATIENCE)
    return time.monotonic() - begin


def killed_at(place, pass_number):
    """A worker dies at a failpoint, another one lives: its jobs are run by the other within 45 s."""
    with Fleet("crash") as fleet:
        prepare(fleet)
        doomed = fleet.start_worker(8, environment={"TOLLWAY_FAILPOINT": f"{place}:{pass_number}"})
        fleet.start_worker(8)
        published = jobs(150)  # what is settled together passes a place once: enough for a slow machine's large batches
        fleet.publish(published)
        wait_for(f"the worker to die {place}", PATIENCE, lambda: doomed.poll() is not None)
        check(doomed.returncode == -signal.SIGKILL, f"the worker ended with {doomed.returncode}")
        took = last_end(fleet, published)
        check(took <= 45, f"after a kill {place} the last job ended {took:.0f} s later")
        all_ended(fleet, published, 10)
        unknown = sum(1 for row in fleet.rows() if row["outcome"] == "unknown")
        return f"{took:.0f} s, {unknown} unknown"


def killed_at_every_step():
    return together({place: functools.partial(killed_at, place, 5) for place in FAILPOINTS})


def heavy_jobs(count, first=0):
    return [{**job, "userId": "heavy", "userTier": "tier1"} for job in jobs(first + count)[first:]]


def within_the_limit(fleet, published, runs_in_doubt):
    """Never a third job of the user of two at once, and no job called twice but those that were in flight."""
    highest = running_counts(fleet, lambda job: "heavy")["heavy"]
    check(highest <= 2, f"{highest} jobs of a user of two ran at once")
    twice = len(fleet.calls()) - len(published)
    check(twice <= runs_in_doubt, f"{twice} calls more than jobs, {runs_in_doubt} were in flight")
    check(not fleet.drain("jobs.dead"), "a healthy job was dead-lettered")


def killed_with_waiters(place, number):
    """A worker dies while a bay is full, another one comes: all waiting jobs run by themselves, and the bay is empty."""
    with Fleet("room") as fleet:
        prepare(fleet, latency="150-250")
        doomed = fleet.start_worker(8, environment={"TOLLWAY_FAILPOINT": f"{place}:{number}"})
        published = heavy_jobs(40)
        for wave in range(3):
            fleet.publish(published[wave::3])
            so_far = {job["id"] for number in range(wave + 1) for job in published[number::3]}
            # Or they have been in it and all have run: nobody looks fast enough on a machine that stands still.
            wait_for("jobs in a bay", PATIENCE, lambda: doomed.poll() is not None or sum(fleet.bays().values()) > wave
                     or so_far <= set(fleet.results.by_job()))
        wait_for(f"the worker to die {place}", 2 * PATIENCE, lambda: doomed.poll() is not None)
        check(doomed.returncode == -signal.SIGKILL, f"the worker ended with {doomed.returncode}")
        fleet.start_worker(8)
        if place == "after_vacant":  # all have run by then; the bay must be of use to those who come now
            published += heavy_jobs(20, first=40)
            fleet.publish(published[40:])
        took = last_end(fleet, published)
        check(took <= 45, f"after a kill {place} the last job ended {took:.0f} s later")
        all_ended(fleet, published, 10)
        within_the_limit(fleet, published, runs_in_doubt=2)
        quiet(fleet)  # copies on the ladder come back, and the bay is looked at twice
        return f"{took:.0f} s"


def killed_with_waiters_at_every_step():
    places = WAITING_ROOM + [(place, 15) for place in FAILPOINTS]
    return together({f"{place}:{number}": functools.partial(killed_with_waiters, place, number)
                     for place, number in places})


def storm_through(fault, **servers):
    """Something fails while a bay is full; nobody publishes anything any more, and all jobs run."""
    with Fleet("storm", **servers) as fleet:
        # Slow enough that the bay is full for some seconds, in which a slow machine looks at it.
        prepare(fleet, latency="200")
        workers = [fleet.start_worker(8) for _ in range(2)]
        published = heavy_jobs(200)
        fleet.publish(published)
        wait_for("a full bay and some calls", PATIENCE,
                 lambda: len(fleet.calls()) > 20 and sum(fleet.bays().values()) > 60)
        fault(fleet, workers)
        failed = time.monotonic()
        all_ended(fleet, published, 3 * PATIENCE)
        after = [call["begin"] for call in fleet.calls().values() if call["begin"] > failed + 2]
        check(after and min(after) - failed <= 60, "jobs did not go on within 60 s of the fault")
        within_the_limit(fleet, published, runs_in_doubt=2)
        quiet(fleet)
        return f"went on after {min(after) - failed:.0f} s, {len(fleet.calls()) - len(published)} called twice"


def storm_without_a_worker():
    return storm_through(lambda fleet, workers: workers[0].kill())


def storm_with_redis_flushed():
    def body(server):
        return storm_through(lambda fleet, _: fleet.redis().flushall(), redis_url=server.url)
    return with_own_server("redis", body)


def storm_with_a_restart(kind, *options):
    def body(server):
        def restart(fleet, _):
            server.crash()
            server.start()
        return storm_through(restart, **{"amqp_url" if kind == "broker" else "redis_url": server.url})
    return with_own_server(kind, body, *options)


def storm_with_a_failover():
    """The primary of a Redis with sentinels dies; its replica takes over with what it was told by then."""
    def body(servers):
        def fail_over(fleet, _):
            host, port = fleet.redis().connection_pool.get_master_address()
            primary = next(servers.directory / name for name in ("redis-1", "redis-2")
                           if (servers.directory / name / "port").read_text().strip() == str(port))
            script("kill", primary)
        return storm_through(fail_over, redis_url=servers.url)
    return with_own_server("sentinels", body)


def storms_with_faults():
    return together({
        "worker killed": storm_without_a_worker, "redis flushed": storm_with_redis_flushed,
        "redis restarted empty": functools.partial(storm_with_a_restart, "redis"),
        "redis failed over": storm_with_a_failover,
        "broker restarted": functools.partial(storm_with_a_restart, "broker")})


def killed_between_attempts():
    """The first provider refuses, the worker dies between the two attempts."""
    with Fleet("advance") as fleet:
        fleet.start_provider("--latency-ms", "20")
        broken = 'broken: {kind: openai, base_url: "http://127.0.0.1:%d/v1", timeout: 30s}' % fleet.provider_port
        policy = rules.policy(fleet.provider_port, order="broken, fake", extra_providers="  " + broken)
        policy = policy.replace("provider: broken, task: llm, model: chat-1", "provider: broken, task: llm, model: fault-503")
        costs = rules.costs(("fake", "broken")).replace('provider: broken\n    model: "chat-1"',
                                                        'provider: broken\n    model: "fault-503"')
        fleet.use_rules(policy, costs)
        fleet.start_billing()
        fleet.results.listen()
        # Alone until it dies: with another one's failures beside its own the provider may rest before the third advance.
        doomed = fleet.start_worker(4, environment={"TOLLWAY_FAILPOINT": "after_advance:3"})
        published = jobs(20)
        fleet.publish(published)
        wait_for("the worker to die", PATIENCE, lambda: doomed.poll() is not None)
        fleet.start_worker(4)
        results = all_ended(fleet, published, 2 * PATIENCE)
        attempts = collections.Counter(len(events[0]["attempts"]) for events in results.values())
        for events in results.values():
            made = events[0]["attempts"]
            # Those that came after its breaker had opened say so.
            rests = any(skip["reason"] == "breaker" for attempt in made for skip in attempt.get("skipped", []))
            check(len(made) >= 2 or rests, f"a job skipped the first provider: {made}")
        check(attempts.total() > attempts[1], f"nobody died between two attempts: {attempts}")
        return dict(attempts)


def killed_while_declaring():
    """A worker dies, the one that finds its attempts dies right behind declaring the first of them unknown."""
    with Fleet("declare") as fleet:
        prepare(fleet)
        first = fleet.start_worker(8, environment={"TOLLWAY_FAILPOINT": "after_provider:1"})
        published = jobs(20)
        fleet.publish(published)
        wait_for("the first worker to die", PATIENCE, lambda: first.poll() is not None)
        second = fleet.start_worker(8, environment={"TOLLWAY_FAILPOINT": "after_declare:1"})
        fleet.start_worker(8)
        all_ended(fleet, published, 2 * PATIENCE)
        return f"the second died: {second.poll() is not None}"


def taken_over(fleet, published, failpoint, lifetime=None):
    """One worker dies at the failpoint with calls made, another one ends its jobs; the results by job. lifetime: seconds
    from publish to deadline."""
    doomed = fleet.start_worker(6, environment={"TOLLWAY_FAILPOINT": failpoint})
    if lifetime:
        published = [{**job, "deadline": seconds_from_now(lifetime)} for job in published]
    fleet.publish(published)
    wait_for("the worker to die", PATIENCE, lambda: doomed.poll() is not None)
    fleet.start_worker(6)
    ids = [job["id"] for job in published]
    results = fleet.results.wait(ids, 2 * PATIENCE)
    one_end_each(results, ids)
    ledger_equals_calls(fleet)
    return {job: results[job] for job in ids}


def no_image_is_bought_twice():
    """Workers die behind the provider's answer: text runs again, an image ends failed, each call has its row."""
    with Fleet("image") as fleet:
        prepare(fleet)
        published = [{"id": f"image-{n}", "userId": f"u{n}", "userTier": "tier2", "taskType": "image",
                      "payload": {"prompt": f"number {n}"}} for n in range(6)]
        results = taken_over(fleet, published, "after_provider:4")
        ids = list(results)
        calls = collections.Counter(call["key"].split("/")[0] for call in fleet.calls().values())
        check(max(calls.values()) == 1, f"bought twice: {calls}")
        failed = [job for job in ids if results[job][0]["status"] == "failed"]
        check(failed, "the killed worker's images did not end failed")
        check(all(results[job][0]["error"]["code"] == "provider_failed" for job in failed), "another reason")
        check(len(fleet.drain("jobs.dead")) >= len(failed), "a failed image left no letter")
        return f"{len(failed)} of {len(ids)} failed"


def deadline_behind_a_crash():
    """A worker dies with calls made; the deadline passes before anybody may run the jobs again: every call has its row."""
    with Fleet("late") as fleet:
        prepare(fleet)
        results = taken_over(fleet, jobs(6), "after_provider:3", lifetime=20)
        ids = list(results)
        codes = collections.Counter((results[job][0]["error"] or {}).get("code") for job in ids)
        check(codes["deadline_exceeded"] > 0, f"no job missed its deadline: {codes}")
        return dict(codes)


def frozen_worker():
    """A worker frozen beyond its leases comes back: others have run its jobs, its calls are corrections, nothing twice."""
    with Fleet("frozen") as fleet:
        # A long time limit, so that the answers that came while it was frozen are read and not given up.
        prepare(fleet, latency="8000", timeout="300s")
        frozen = fleet.start_worker(4)
        published = jobs(4)
        fleet.publish(published)
        wait_for("four calls", PATIENCE, lambda: len(fleet.calls()) == 4)
        frozen.send_signal(signal.SIGSTOP)
        # The broker gives the jobs to others only when it takes the frozen connection for dead. Theirs are other prices: what
        # they book for the frozen calls is taken back as they booked it.
        dear = fleet.directory / "dear.yml"
        dear.write_text(rules.costs(prices={"chat-1": {"input_tokens": "3", "output_tokens": "7"}}))
        fleet.start_worker(4, environment={"TOLLWAY_COSTS": str(dear)})
        ids = [job["id"] for job in published]
        fleet.results.wait(ids, 3 * PATIENCE)
        frozen.send_signal(signal.SIGCONT)
        wait_for("a correction of each frozen call", PATIENCE,
                 lambda: sum(1 for row in fleet.rows() if row["corrects"]) == 4)
        one_end_each(fleet.results.by_job(), ids)
        calls = {call["key"] for call in fleet.calls().values()}
        wait_for("a row of each call", PATIENCE,
                 lambda: calls == {row["event_id"] for row in fleet.rows() if not row["corrects"]})
        rows = fleet.rows()
        unknown = {row["event_id"]: row for row in rows if row["outcome"] == "unknown" and not row["corrects"]}
        check(len(unknown) == 4, f"{len(unknown)} unknown rows")
        exact = {call["key"]: call["usage"] for call in fleet.calls().values()}
        for row in rows:
            if row["corrects"]:
                usage = exact[row["corrects"]]
                spent = usage["prompt_tokens"] * 1000 + usage["completion_tokens"] * 2000
                both = row["amount_nano_usd"] + unknown[row["corrects"]]["amount_nano_usd"]
                check(both == spent, f"{row['corrects']}: {both} booked, {spent} spent")
        check(not fleet.drain("jobs.dead"), "a zombie left a letter")


def killed_behind_a_letter():
    """A job fails for good and the worker dies when its letter is confirmed: two letters of one run are one, one result."""
    with Fleet("letter") as fleet:
        prepare(fleet)
        doomed = fleet.start_worker(4, environment={"TOLLWAY_FAILPOINT": "after_letter:1"})
        fleet.start_worker(4, arguments=("--lanes", "critical"))
        job = {"id": "doomed", "userId": "u", "userTier": "tier2", "taskType": "llm",
               "payload": {"prompt": "fault-500 please"}}
        fleet.publish([job])
        wait_for("the worker to die", PATIENCE, lambda: doomed.poll() is not None)
        fleet.start_worker(4)
        events = fleet.results.wait(["doomed"], 2 * PATIENCE)["doomed"]
        # Six attempts came before the first letter; of the last one nobody heard again, and that is what the second says.
        code = events[0]["error"]["code"]
        check(code in ("provider_failed", "poison"), f"ended with {events[0]['error']}")
        one_end_each({"doomed": events}, ["doomed"])
        letters = fleet.drain("jobs.dead")
        runs = {letter.headers["x-tollway-run"] for letter, _ in letters}
        check(runs == {events[0]["run"]}, f"letters of runs {runs}, the result is of {events[0]['run']}")
        ledger_equals_calls(fleet)
        return f"{len(letters)} letters, {len(fleet.calls())} calls"


def killed_during_hand_back():
    """Jobs whose time has not come are on their way to the ladder when the worker dies: they come back all the same."""
    with Fleet("copy") as fleet:
        prepare(fleet, latency="100")
        doomed = fleet.start_worker(8, environment={"TOLLWAY_FAILPOINT": "after_copy:2"})
        fleet.start_worker(8)
        published = [{**job, "notBefore": seconds_from_now(20)} for job in jobs(20)]
        fleet.publish(published)
        wait_for("the worker to die", PATIENCE, lambda: doomed.poll() is not None)
        all_ended(fleet, published, 2 * PATIENCE)


def script(*arguments):
    subprocess.run(["bash", str(ROOT / "scripts/lib/servers.sh"), *map(str, arguments)], check=True,
                   stdout=subprocess.DEVNULL)


class OwnServer:
    """A server of the scenario's own, to be restarted."""

    def __init__(self, kind, directory, *options):
        self.kind, self.directory, self.options = kind, directory, options
        self.start()
        self.url = (directory / "url").read_text().strip()

    def start(self):
        script(f"start-{self.kind}", self.directory, *self.options)

    def crash(self):
        script("kill", self.directory)

    def stop(self):
        script("stop", self.directory)


def with_own_server(kind, body, *options):
    directory = pathlib.Path(tempfile.mkdtemp(prefix=f"tollway-{kind}-"))
    server = OwnServer(kind, directory, *options)
    try:
        return body(server)
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def restart_in_the_middle(fleet, server, pause):
    prepare(fleet, latency="150-250")
    workers = [fleet.start_worker(6) for _ in range(2)]
    first = jobs(120)
    fleet.publish(first)
    wait_for("a third of the jobs to be called", PATIENCE, lambda: len(fleet.calls()) > 30)
    server.crash()
    time.sleep(pause)  # the outage itself, not a wait for something
    server.start()
    all_ended(fleet, first, 3 * PATIENCE)
    # Each worker comes back after a random pause of its own; more jobs follow until both have served some.
    deadline, idle = time.monotonic() + 2 * PATIENCE, workers
    for round_number in itertools.count():
        later = [{**job, "id": f"later-{round_number}-{job['id']}"} for job in jobs(40)]
        fleet.publish(later)
        all_ended(fleet, later, 2 * PATIENCE)
        for worker in workers:
            check(worker.poll() is None, "a worker did not survive")
        idle = [worker for worker in idle if "job=later-" not in whole_lines(worker.log)]
        if not idle:
            break
        check(time.monotonic() < deadline, "a worker does not consume after the outage")
    letters = fleet.drain("jobs.dead")
    check(not letters, f"{len(letters)} healthy jobs were dead-lettered")


def broker_restarted():
    def body(server):
        with Fleet("broker", amqp_url=server.url) as fleet:
            restart_in_the_middle(fleet, server, pause=2)
    with_own_server("broker", body)


def redis_restarted_keeping_its_data():
    def body(server):
        with Fleet("redis", redis_url=server.url) as fleet:
            restart_in_the_middle(fleet, server, pause=2)
    with_own_server("redis", body, "--append-only")


def redis_restarted_empty():
    def body(server):
        with Fleet("redis", redis_url=server.url) as fleet:
            restart_in_the_middle(fleet, server, pause=2)
    with_own_server("redis", body)


def drained_on_sigterm():
    """SIGTERM: what runs ends, what waits goes to others, exit 0, nothing twice."""
    with Fleet("drain") as fleet:
        prepare(fleet, latency="1500")
        first = fleet.start_worker(4)
        published = jobs(16)
        fleet.publish(published)
        wait_for("four jobs to run", PATIENCE, lambda: len(fleet.calls()) >= 4)
        begin = time.monotonic()
        code = fleet.stop(first)
        check(code == 0, f"the drained worker ended with {code}")
        check(time.monotonic() - begin < 25, "draining took longer than the jobs in hand")  # they have 30 s
        fleet.start_worker(8)
        all_ended(fleet, published, 2 * PATIENCE)
        check(len(fleet.calls()) == len(published), "a job was run twice")


RARE = [killed_while_declaring, killed_between_attempts, no_image_is_bought_twice, deadline_behind_a_crash,
        frozen_worker, killed_behind_a_letter, killed_during_hand_back, drained_on_sigterm]
RESTARTS = [broker_restarted, redis_restarted_keeping_its_data, redis_restarted_empty]


def rare_crashes():
    return together({scenario.__name__: scenario for scenario in RARE})


def restarts():
    return together({scenario.__name__: scenario for scenario in RESTARTS})


if __name__ == "__main__":
    main(killed_at_every_step, rare_crashes, restarts, killed_with_waiters_at_every_step, storms_with_faults,
         by_name_only=(*RARE, *RESTARTS, storm_without_a_worker, storm_with_redis_flushed, storm_with_a_failover))
