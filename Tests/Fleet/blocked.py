"""A broker that takes no publications (out of memory, its watermark) while workers run: what they may still buy is bounded, no
job is acked whose cost event is not confirmed, and afterwards every call has its event once."""

import contextlib
import subprocess
import time

import rules
from crashes import with_own_server
from fleet import PATIENCE, Fleet, check, ledger_equals_calls, main, one_end_each, together, wait_for

SLOTS = 8
LIMIT = 6  # of the heavy user; below the slots, so that all of its jobs go through a bay
# Calls without a confirmed event that a worker of one lane makes at most: its slots and a quarter of them, at least 16, of the
# lane's prefetch may lie unsettled, and the last of those may have been started beside all but one of the slots.
BOUND = SLOTS + max(16, SLOTS // 4) + SLOTS - 1
JOBS = 500  # more than are called before a slow machine has set the watermark


def jobs(user_of):
    return [{"id": f"job-{number}", "userId": user_of(number), "userTier": "tier1", "taskType": "llm",
             "payload": {"prompt": f"number {number}"}} for number in range(JOBS)]


class Queues:
    """What the broker has of the jobs, by its own count, which it renews every few seconds."""

    def __init__(self, fleet, server):
        self.fleet, self.rabbitmqctl = fleet, server.directory / "rabbitmqctl"

    def control(self, *words):
        return subprocess.run([self.rabbitmqctl, *words], check=True, capture_output=True, text=True, timeout=PATIENCE).stdout

    def jobs(self):
        """Messages of lanes, bays and ladder: ready, or with a worker that has not acked them."""
        counts = {}
        for line in self.control("-q", "list_queues", "--no-table-headers", "name", "messages").splitlines():
            name, _, count = line.partition("\t")
            counts[name.removeprefix(self.fleet.namespace + ".")] = int(count or 0)
        return sum(count for name, count in counts.items() if name.startswith("jobs."))


@contextlib.contextmanager
def blocked(queues, workers):
    """Until it ends the broker takes no publications; begins when each worker has been told so."""
    queues.control("set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        # A worker is told when it publishes next.
        for worker in workers:
            queues.fleet.wait_for_line(worker, "the broker takes no publications")
        yield
    finally:
        queues.control("set_vm_memory_high_watermark", "0.4")


def steady(what, seconds, figure):
    """Waits until the figure has been the same for so long; returns it."""
    last = [figure(), time.monotonic()]

    def is_steady():
        now = figure()
        if now != last[0]:
            last[:] = now, time.monotonic()
        return time.monotonic() - last[1] >= seconds
    wait_for(f"{what} to stay the same for {seconds} s", 2 * PATIENCE, is_steady, pause=1)
    return last[0]


def prepare(fleet, published):
    fleet.start_provider("--latency-ms", "400-500")
    fleet.use_rules(rules.policy(fleet.provider_port, limits=(LIMIT, None, None, None)), rules.costs())
    fleet.start_billing()
    fleet.results.listen()
    fleet.publish(published)


def begun(fleet, user_of):
    """A worker in the midst of the jobs; those of a heavy user all lie in its bay by then."""
    published = jobs(user_of)
    prepare(fleet, published)
    worker = fleet.start_worker(SLOTS, arguments=("--lanes", "low"))
    is_heavy = len({job["userId"] for job in published}) == 1
    wait_for("some calls, and a heavy user's jobs in its bay", PATIENCE,
             lambda: len(fleet.calls()) >= 20 and (not is_heavy or fleet.depth("jobs.low") == 0))
    return published, worker


def stands_still(fleet, queues, workers=1):
    """The worker came to a stop within its bound, and no job is gone from the broker that has no row. Figures."""
    # Rows are what was confirmed: billing reads while nobody may publish.
    calls, rows, there = steady("the fleet", 12, lambda: (len(fleet.calls()), len(fleet.rows()), queues.jobs()))
    check(calls < JOBS, "nothing was left to call, the scenario shows nothing")
    check(calls - rows <= workers * BOUND, f"{calls} calls, {rows} confirmed events: more than {BOUND} are open")
    check(calls > rows, "nothing was under way, the scenario shows nothing")
    check(there >= JOBS - rows, f"of {JOBS} jobs {there} are with the broker and {rows} in the ledger")
    ended = len(fleet.results.by_job())
    check(ended <= rows, f"{ended} results, {rows} rows")
    return {"calls": calls, "rows": rows, "jobs there": there}


def all_settled(fleet, published):
    ids = [job["id"] for job in published]
    results = fleet.results.wait(ids, 3 * PATIENCE)
    one_end_each(results, ids)
    bad = [job for job in ids if results[job][0]["status"] != "succeeded"]
    check(not bad, f"{len(bad)} jobs did not succeed: {results[bad[0]][0] if bad else ''}")
    ledger_equals_calls(fleet)
    check(not fleet.drain("jobs.dead"), "a healthy job was dead-lettered")


def bought_within_a_bound(user_of):
    def body(server):
        with Fleet("blocked", amqp_url=server.url) as fleet:
            published, worker = begun(fleet, user_of)
            queues = Queues(fleet, server)
            with blocked(queues, [worker]):
                figures = stands_still(fleet, queues)
            all_settled(fleet, published)
            calls, rows = len(fleet.calls()), len(fleet.rows())
            check(calls == rows == JOBS, f"{JOBS} jobs, {calls} calls, {rows} rows")
            check(worker.poll() is None, "the worker did not survive")
            return figures | {"bound": BOUND}
    return with_own_server("broker", body)


def jobs_of_a_lane():
    """Of many users, straight from the lane."""
    return bought_within_a_bound(lambda number: f"user{number}")


def jobs_of_a_bay():
    """Of one user, each taken from the bay when the one before it gave its slot back; no prefetch limits those."""
    return bought_within_a_bound(lambda number: "heavy")


def killed_while_blocked():
    """The worker dies with unconfirmed events in its memory; another one knows them from Redis and says them afterwards."""
    def body(server):
        with Fleet("blocked", amqp_url=server.url) as fleet:
            published, worker = begun(fleet, lambda number: f"user{number}")
            queues = Queues(fleet, server)
            with blocked(queues, [worker]):
                before = stands_still(fleet, queues)
                worker.kill()
                worker.wait()
                second = fleet.start_worker(SLOTS, arguments=("--lanes", "low"))
                fleet.wait_for_line(second, "the broker takes no publications")
                after = stands_still(fleet, queues, workers=2)
                check(after["rows"] == before["rows"], "an event was confirmed while nobody may publish")
            all_settled(fleet, published)
            return {"before": before, "after": after}
    return with_own_server("broker", body)


SCENARIOS = (jobs_of_a_lane, jobs_of_a_bay, killed_while_blocked)


def broker_without_memory():
    return together({scenario.__name__: scenario for scenario in SCENARIOS})


if __name__ == "__main__":
    main(broker_without_memory, by_name_only=SCENARIOS)
