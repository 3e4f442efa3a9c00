"""What `run` measures, from outside: how many rows there are at which instant.

    ledger.py [--events N] [--rate N] [--seconds N] [--rounds N] [--store sqlite|postgres] [--check]

rate: rows a second from the first look that finds some to the last one, out of a queue that was full before billing
started. lag: from the publication of each event to the first look that finds its row committed; a look every 20 ms.
CPU and peak memory are those of the billing process; of PostgreSQL's own processes nothing is counted. Every event must
have its row and every message be acked at the end.
"""

import argparse
import bisect
import calendar
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "Tests/Fleet"))

import rules  # noqa: E402
from fleet import Failure, Fleet, check, wait_for  # noqa: E402
from ledger_stores import PostgresStore, SQLiteStore, psql  # noqa: E402
from measures import percentile  # noqa: E402

PUBLISH = ROOT / "Benchmarks/out/publish_costs"
PAUSE = 0.02  # seconds between two looks
LEAST_RATE, LONGEST_LAG = 10_000, 1.0  # events a second; seconds at p99
COLUMNS = [("rate", "events/s", ".0f"), ("cpu", "CPU us/event", ".1f"), ("peak", "peak MiB", ".1f"),
           ("p50", "lag p50 ms", ".0f"), ("p99", "lag p99 ms", ".0f"), ("longest", "longest ms", ".0f")]


class SQLiteLooker:
    """Asks over one connection; rows have consecutive numbers."""

    def __init__(self, store):
        self.connection = sqlite3.connect(f"file:{store.path}?mode=ro", uri=True, timeout=10)

    def newest(self):
        return self.connection.execute("SELECT coalesce(max(row_number), 0) FROM usage_cost").fetchone()[0]

    def close(self):
        self.connection.close()


class PostgresLooker:
    def __init__(self, store):
        self.process = subprocess.Popen([psql(), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", store.url],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def newest(self):
        self.process.stdin.write("SELECT coalesce(max(row_number), 0) FROM usage_cost;\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


STORES = {"sqlite": (SQLiteStore, SQLiteLooker), "postgres": (PostgresStore, PostgresLooker)}


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mebibytes(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def publish(fleet, *arguments):
    return subprocess.Popen([PUBLISH, fleet.amqp_url, fleet.name("costs"), *map(str, arguments)],
                            stdout=subprocess.PIPE, text=True)


def published(process):
    """The seconds it took."""
    output, _ = process.communicate(timeout=300)
    check(process.returncode == 0, "the events could not be published")
    return float(output)


def end(fleet, store, billing, events):
    code = fleet.stop(billing)
    check(code == 0, f"billing ended with {code} on SIGTERM")
    left, rows = fleet.depth("costs.ledger"), int(store.rows("SELECT count(*) FROM usage_cost")[0][0])
    check(left == 0 and rows == events, f"{rows} rows of {events} events, {left} messages without an ack")


def fresh_fleet(store):
    fleet = Fleet("bench", environment={"TOLLWAY_LEDGER_URL": store.url})
    fleet.use_rules(rules.policy(9), rules.costs())
    check(fleet.run("topology", "apply").returncode == 0, "the topology could not be applied")
    return fleet


def rate(kind, events):
    make_store, make_looker = STORES[kind]
    store = make_store()
    try:
        with fresh_fleet(store) as fleet:
            published(publish(fleet, events))
            billing = fleet.start("billing")
            wait_for("a row", 30, lambda: has_rows(store), pause=PAUSE)
            looker = make_looker(store)
            first, begin, cpu = looker.newest(), time.monotonic(), cpu_seconds(billing)
            rows, last = first, begin
            while rows < events:
                check(time.monotonic() < begin + 120, f"only {rows} of {events} rows after 120 s")
                time.sleep(PAUSE)
                rows, last = looker.newest(), time.monotonic()
            check(last > begin, "all rows were there at the first look: more events are needed")
            cpu = cpu_seconds(billing) - cpu
            figures = {"rate": (rows - first) / (last - begin), "cpu": cpu * 1e6 / (rows - first),
                       "peak": peak_mebibytes(billing)}
            looker.close()
            end(fleet, store, billing, events)
            return figures
    finally:
        store.remove()


def consumers(fleet):
    with fleet.connection() as connection:
        return connection.channel().queue_declare(fleet.name("costs.ledger"), passive=True).method.consumer_count


def has_rows(store):
    try:
        return store.rows("SELECT 1 FROM usage_cost LIMIT 1")
    except (Failure, sqlite3.Error):
        return False  # no table yet


def lag(kind, per_second, seconds):
    make_store, make_looker = STORES[kind]
    store, events = make_store(), per_second * seconds
    try:
        with fresh_fleet(store) as fleet:
            billing = fleet.start_billing()
            wait_for("a consumer", 30, lambda: consumers(fleet), pause=PAUSE)
            looker, looks = make_looker(store), [(0, time.time())]  # newest row, wall clock
            publisher, limit = publish(fleet, events, per_second), time.monotonic() + seconds + 60
            while looks[-1][0] < events:
                check(time.monotonic() < limit, f"only {looks[-1][0]} of {events} rows")
                time.sleep(PAUSE)
                looks.append((looker.newest(), time.time()))
            took = published(publisher)
            check(took < seconds * 1.05, f"the events were published in {took:.1f} s, not in {seconds}")
            looker.close()
            end(fleet, store, billing, events)
            lags = sorted(seen_after(store, looks))
            return {"p50": percentile(lags, 50), "p99": percentile(lags, 99), "longest": lags[-1]}
    finally:
        store.remove()


def seen_after(store, looks):
    """Milliseconds of every row from its event's publication to the first look that found it."""
    rows = [newest for newest, _ in looks]
    for number, published_at in store.rows("SELECT row_number, occurred_at FROM usage_cost"):
        whole, fraction = published_at.rstrip("Z").split(".")
        begin = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + int(fraction) / 1000
        yield (looks[bisect.bisect_left(rows, int(number))][1] - begin) * 1000


def row(title, figures):
    cells = (f"{figures[key]:>{len(name) + 3}{form}}" for key, name, form in COLUMNS)
    print(f"{title:22}" + "".join(cells), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store", choices=STORES)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    print(f"{'':22}" + "".join(f"{name:>{len(name) + 3}}" for _, name, _ in COLUMNS), flush=True)
    kinds = [options.store] if options.store else list(STORES)
    rounds = {kind: [] for kind in kinds}
    for number in range(options.rounds):
        for kind in kinds:
            figures = {**rate(kind, options.events), **lag(kind, options.rate, options.seconds)}
            rounds[kind].append(figures)
            row(f"{kind}, round {number + 1}", figures)
    beyond = []
    for kind in kinds:
        middle = {key: statistics.median(figures[key] for figures in rounds[kind]) for key, _, _ in COLUMNS}
        row(f"{kind}, median", middle)
        if middle["rate"] < LEAST_RATE:
            beyond.append(f"{kind} takes {middle['rate']:.0f} events/s, not {LEAST_RATE}")
        if middle["p99"] > LONGEST_LAG * 1000:
            beyond.append(f"{kind}'s lag is {middle['p99']:.0f} ms at p99, not {LONGEST_LAG * 1000:.0f}")
    print("bounds: " + ("all met" if not beyond else "; ".join(beyond)))
    return 1 if options.check and beyond else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"failed: {failure}")
