"""The ledger against an oracle: events that come several times, late, corrected, in conflict or broken, in any order,
to billing processes that are killed all the time. What is booked must be what the oracle says, to the nano-dollar.

    ledger_oracle.py shuffled events=100000 seed=7 replicas=4"""

import json
import os
import random
import signal
import sqlite3
import time

import pika

import rules
from fleet import PATIENCE, Failure, Fleet, check, main, wait_for
from ledger_caps import Caps
from ledger_events import Oracle, Sums, event_id, month, nano, plain, redis_name
from ledger_stores import PostgresStore, SQLiteStore

PLACES = ("ledger_before_insert", "ledger_before_commit", "ledger_after_commit")
BATCH = 500  # events, at most
COLUMNS = ("event_id", "job_id", "run", "attempt", "series_id", "user_id", "tier", "task_type", "provider", "model",
           "model_version", "outcome", "amount_nano_usd", "basis", "price_id", "charge_period", "occurred_at",
           "corrects", "usage")


class Doomed:
    """Billing processes, each to die in some way, replaced until there have been enough deaths; those after live on."""

    def __init__(self, fleet, replicas, deaths, batches, randomly):
        self.fleet, self.random = fleet, randomly
        self.patience = max(1, batches // deaths)  # batches until one dies, at most
        self.ways = [way for way in (*PLACES, "SIGKILL") for _ in range(deaths // 4)]
        randomly.shuffle(self.ways)
        self.died = dict.fromkeys(self.ways, 0)
        self.slots = [None] * replicas

    def look(self):
        """Kills whose time has come, replaces the dead; True once there have been enough deaths."""
        for number, process in enumerate(self.slots):
            if process and process.poll() is None:
                if process.way == "SIGKILL" and time.monotonic() > process.end:
                    process.kill()
                continue
            if process:
                check(process.way and process.returncode == -signal.SIGKILL,
                      f"billing ended with {process.returncode}, told to die by {process.way}: "
                      f"{process.log.read_text()[-500:]}")
                self.died[process.way] += 1
            self.slots[number] = self._start(self.ways.pop() if self.ways else None)
        return not self.ways and not any(process.way for process in self.slots)

    def _start(self, way):
        place = {"TOLLWAY_FAILPOINT": f"{way}:{self.random.randint(1, self.patience)}"} if way in PLACES else {}
        process = self.fleet.start("billing", environment=place)
        process.way, process.end = way, time.monotonic() + self.random.uniform(0.1, 0.5 + self.patience / 4)
        return process

    def stop(self):
        for process in self.slots:
            self.fleet.wait_for_line(process, "billing starts")  # before that SIGTERM ends it as any program
            code = self.fleet.stop(process)
            check(code == 0, f"billing ended with {code} on SIGTERM")
        check(all(self.died.values()), f"not every way of dying was had: {self.died}")


def publish(fleet, deliveries):
    """All of them into costs.ledger; nobody consumes yet, so the broker's own count proves that they arrived."""
    with fleet.connection() as connection:
        channel = connection.channel()
        properties = pika.BasicProperties(delivery_mode=2, content_type="application/cloudevents+json")
        for body in deliveries:
            channel.basic_publish("", fleet.name("costs.ledger"), body, properties)
    wait_for("all deliveries in the queue", 2 * PATIENCE, lambda: fleet.depth("costs.ledger") == len(deliveries), pause=0.3)


def has_rows(store, period):
    try:
        return bool(store.rows(f"SELECT 1 FROM usage_cost WHERE charge_period = '{period}' LIMIT 1"))
    except (Failure, sqlite3.Error):
        return False  # nobody has made the ledger yet


def book(fleet, store, oracle, caps, deaths, replicas, randomly):
    """Publishes the oracle's events and has them booked by processes that die: figures."""
    fleet.use_rules(caps.policy(), rules.costs())
    check(fleet.run("topology", "apply").returncode == 0, "the topology could not be applied")
    for user, dollars in caps.overrides.items():
        fleet.assign(user, monthly_usd=dollars)
    deliveries = oracle.deliveries()
    publish(fleet, deliveries)
    begin = time.monotonic()
    crew = Doomed(fleet, replicas, deaths, len(deliveries) // BATCH, randomly)
    end, drained, closed = begin + 2 * PATIENCE + len(deliveries) / 100, 0, None
    while not (crew.look() and drained) and drained < 50:
        left = fleet.depth("costs.ledger")
        check(time.monotonic() < end, f"{left} deliveries left after {end - begin:.0f} s")
        # Of its events some are booked then and most are not, whatever the processes have in hand.
        if not closed and has_rows(store, month(2)):
            closed = fleet.command("ledger", "close", month(2), "--by", "test", "--reason", "scenario")
        drained = 0 if left else drained + 1
        time.sleep(0.1)
    crew.stop()
    check(fleet.depth("costs.ledger") == 0, "what was in hand at the end was not acked")
    fleet.start_billing()
    unsent = lambda: store.rows("SELECT 1 FROM alert WHERE sent_at IS NULL")
    wait_for("the alerts to be sent", PATIENCE, lambda: not unsent(), pause=0.3)
    return {"deliveries": len(deliveries), "killed": crew.died, "seconds": round(time.monotonic() - begin, 1)}


def alerts_written(store):
    return {(scope, period, kind, int(threshold)) for scope, period, kind, threshold
            in store.rows("SELECT scope, period, kind, threshold FROM alert")
            if kind == "cost_cap" or kind.startswith("quota")}


def same(what, found, expected):
    """Two sets or dictionaries; a sentence names the first differences."""
    if found == expected:
        return
    if isinstance(found, dict):
        found, expected = ({(key, str(value)) for key, value in part.items()} for part in (found, expected))
    missing, extra = sorted(map(str, expected - found)), sorted(map(str, found - expected))
    raise Failure(f"{what}: {len(missing)} missing {missing[:2]}, {len(extra)} not expected {extra[:2]}")


def columns_of(event):
    """The event as a row of usage_cost, every value as text."""
    usage = tuple((unit, plain(number), source) for unit, number, source in event["usage"])
    values = (event_id(event), event["job"], event["run"], event["attempt"], event["series"], event["user"],
              event["tier"], event["task"], event["provider"], event["model"], event["version"], event["outcome"],
              nano(event["amount"]), event["basis"], event["price"], event["period"], event["time"], event["corrects"])
    return (*(None if value is None else str(value) for value in values), usage)


def judge_rows(store, oracle):
    """Every event has one row, of every pair of twins one; returns the events that are booked, and twins' winners."""
    found = {}
    for *values, usage in store.rows(f"SELECT {', '.join(COLUMNS)} FROM usage_cost"):
        entries = tuple((entry["unit"], entry["quantity"], entry["source"]) for entry in json.loads(usage))
        check(values[0] not in found, f"{values[0]} has two rows")
        found[values[0]] = (*values, entries)
    winners = {}
    for name, twins in oracle.twins.items():
        fitting = [twin for twin in twins if columns_of(twin) == found.get(name)]
        check(fitting, f"the row of {name} is none of its twins: {found.get(name)}")
        winners[name] = fitting[0]
    booked = [*oracle.rows.values(), *winners.values()]
    same("rows", set(found.values()), {columns_of(event) for event in booked})
    return booked, winners


def judge_sums(fleet, store, sums):
    months = {(user, period): figures for user, period, *figures in
              store.rows("SELECT user_id, charge_period, amount_nano_usd, jobs FROM user_month")}
    same("user_month", months, {key: [str(mine["nano"]), str(mine["jobs"])] for key, mine in sums.months.items()})
    units = sorted({unit for mine in sums.months.values() for unit in mine} - {"nano", "jobs", "tokens"})
    found = {(user, period): quantities for user, period, *quantities in
             store.rows(f"SELECT user_id, charge_period, {', '.join(units)} FROM user_month")}
    for key, mine in sums.months.items():
        same(f"units of {key}", dict(zip(units, found[key])), {unit: plain(mine[unit]) for unit in units})
    same("balance", {(scope, period): amount for scope, period, amount in
                     store.rows("SELECT scope, charge_period, amount_nano_usd FROM balance")},
         {key: str(amount) for key, amount in sums.balances.items()})
    client, prefix = fleet.redis(), f"{fleet.namespace}.{{tollway.{fleet.namespace}}}:money:"
    expected = sums.bases(month())
    pipeline = client.pipeline(transaction=False)
    for user in expected:
        pipeline.hget(prefix + redis_name(user), f"{month()}:base")
    same("bases in Redis", {user: base.decode() if base else None for user, base in zip(expected, pipeline.execute())},
         expected)


def judge_closed_month(store):
    """The statement of a month that was closed under way is what it was; what came later stands in the next one."""
    counts = {}
    for charged, billed, rows, amount in store.rows(
            "SELECT charge_period, billing_period, count(*), sum(amount_nano_usd) FROM usage_cost GROUP BY 1, 2"):
        check(billed == charged or (charged, billed) == (month(2), month(1)),
              f"{rows} rows of {charged} are in the statement of {billed}")
        counts[charged, billed] = (rows, amount)
    same("closed months", set(store.rows("SELECT charge_period, row_count, amount_nano_usd FROM closed_month")),
         {(month(2), *counts[month(2), month(2)])})
    check((month(2), month(1)) in counts, "nothing came behind the closing of a month")
    return int(counts[month(2), month(1)][0])


def judge(fleet, store, oracle, caps):
    booked, winners = judge_rows(store, oracle)
    late = judge_closed_month(store)
    sums = Sums(booked)
    judge_sums(fleet, store, sums)
    refused = {(bytes.fromhex(body), int(length)) for body, length in
               store.rows(f"SELECT {store.hex('body')}, body_bytes FROM quarantined_event")}
    same("quarantine", refused, oracle.expected_refused(winners))
    same("alerts", alerts_written(store), caps.alerts(sums))
    return {"rows": len(booked), "usd": plain(sum(event["amount"] for event in booked)), "users": len(oracle.users),
            "refused": len(refused), "alerts": len(caps.alerts(sums)), "late": late}


class Heard:
    """What goes over the exchange `alerts`."""

    def __init__(self, fleet):
        self.connection = fleet.connection()
        self.channel = self.connection.channel()
        self.queue = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self.queue, fleet.name("alerts"), "#")

    def ids(self):
        found = []
        while True:
            method, properties, _ = self.channel.basic_get(self.queue, auto_ack=True)
            if method is None:
                self.connection.close()
                return found
            found.append(properties.message_id)


def shuffled_into(store, events, seed, replicas, deaths):
    randomly = random.Random(seed)
    try:
        oracle = Oracle(randomly, events)
        caps = Caps(oracle)
        oracle.spell()
        with Fleet("oracle", environment={"TOLLWAY_LEDGER_URL": store.url}) as fleet:
            check(fleet.run("topology", "apply").returncode == 0, "the topology could not be applied")
            heard = Heard(fleet)
            ways = book(fleet, store, oracle, caps, deaths, replicas, randomly)
            figures = judge(fleet, store, oracle, caps)
            ids = heard.ids()
            sent = {name for name in ids if "/cost_cap/" in name or "/quota" in name}
            same("alerts sent", sent, {"/".join(map(str, alert)) for alert in alerts_written(store)})
            return {**figures, "alerts sent twice": len(ids) - len(set(ids)), **ways, "seed": seed}
    except Failure as failure:
        raise Failure(f"{store.name}, seed={seed}: {failure}")
    finally:
        store.remove()


def shuffled_sqlite(events=20_000, seed=None, replicas=1, deaths=12):
    """One process: a file has one writer."""
    return shuffled_into(SQLiteStore(), events, seed or random.randrange(10**6), replicas, deaths)


def shuffled_postgres(events=20_000, seed=None, replicas=4, deaths=16):
    if "TOLLWAY_TEST_POSTGRES_URL" not in os.environ:
        return "left out: TOLLWAY_TEST_POSTGRES_URL names no server"
    return shuffled_into(PostgresStore(), events, seed or random.randrange(10**6), replicas, deaths)


def shuffled(events=20_000, seed=None):
    """100,000 events are for by hand; deaths grow with them."""
    deaths = max(12, events // 2500 // 4 * 4)
    return {"SQLite": shuffled_sqlite(events, seed, deaths=deaths),
            "PostgreSQL": shuffled_postgres(events, seed, deaths=deaths + 4)}


if __name__ == "__main__":
    main(shuffled, by_name_only=(shuffled_sqlite, shuffled_postgres))
