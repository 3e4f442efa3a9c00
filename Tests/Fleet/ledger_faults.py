"""The ledger while its disk is full, its database is locked, down or killed, and its broker blocked or restarted: nothing is
acked that is not committed, nothing is lost, and the lag recovers by itself.

Events are published and confirmed all the time. Seen from outside, every confirmed one is either a message of the queue,
delivered or not, or a row."""

import contextlib
import datetime
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time

import pika

import rules
from crashes import OwnServer
from fleet import Failure, Fleet, check, main, together, wait_for
from ledger_stores import PostgresStore, SQLiteStore, run_sql
from measures import metrics

RATE = 150  # events a second
NANO = 1_000_000  # of each event
OUTAGE = 10  # seconds
# Messages of a queue, delivered and unacked ones too. What the broker lists is up to 5 s old; this asks the queue itself.
TOTAL = """{ok, {_, Total}, _} = ra:local_query({list_to_existing_atom("%2F_QUEUE"), node()},
    fun rabbit_fifo:query_messages_total/1), Total."""


def event(number):
    now = datetime.datetime.now(datetime.timezone.utc)
    time_stamp, job = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z", f"j{number}"
    return f"{job}/r/1", json.dumps({
        "specversion": "1.0", "id": f"{job}/r/1", "source": "/tollway/worker", "type": "dev.tollway.cost.recorded.v1",
        "subject": f"user{number % 7}", "time": time_stamp, "datacontenttype": "application/json", "data": {
            "jobId": job, "run": "r", "attempt": 1, "seriesId": None, "userId": f"user{number % 7}", "tier": "PRO",
            "taskType": "llm", "provider": "fake", "model": "chat-1", "modelVersion": None, "outcome": "success",
            "usage": [{"unit": "input_tokens", "quantity": "1", "source": "provider"}],
            "cost": {"amount": "0.001000000000", "currency": "USD", "basis": "price_book", "priceId": None},
            "chargePeriod": time_stamp[:7], "corrects": None}}).encode()


class Publisher(threading.Thread):
    """Publishes until it is stopped; what was not confirmed when the connection broke is published again."""

    def __init__(self, fleet):
        super().__init__(daemon=True)
        self.fleet, self.confirmed, self.stopping, self.connections = fleet, [], False, 0
        self.turn = threading.Lock()  # who holds it sees no event on its way

    def run(self):
        waiting = None
        while not self.stopping:
            try:
                with self.fleet.connection() as connection:
                    self.connections += 1
                    channel = connection.channel()
                    channel.confirm_delivery()
                    while not self.stopping:
                        with self.turn:
                            waiting = waiting or event(len(self.confirmed))
                            self.fleet.publish_event(channel, *waiting)
                            self.confirmed.append(waiting[0])
                            waiting = None
                        connection.sleep(1 / RATE)
            except pika.exceptions.AMQPError:
                time.sleep(0.3)  # the broker is down; pace the attempts


class Watch(threading.Thread):
    """Looks again and again whether a confirmed event is neither in the queue nor in the ledger."""

    def __init__(self, trial):
        super().__init__(daemon=True)
        self.trial, self.faults, self.looks, self.stopping = trial, [], 0, False
        self.unreadable = None  # (published, in the queue) when the ledger could not be read any more

    def run(self):
        while not self.stopping:
            self._look()
            time.sleep(0.5)

    def _count(self):
        """(confirmed, in the queue or None), while nothing is published unless the broker holds it up."""
        turn = self.trial.publisher.turn
        held = turn.acquire(timeout=0.5)
        try:
            return len(self.trial.publisher.confirmed), self.trial.queued()
        finally:
            if held:
                turn.release()

    def _look(self):
        # In this order: what has left the queue has its row by then.
        published, queued = self._count()
        if queued is None:
            return
        rows = self.trial.rows()
        self.looks += 1
        if rows is not None:
            self.unreadable = None
            if queued + rows < published:
                self.faults.append(f"{published} published, {queued} in the queue, {rows} rows")
        elif self.unreadable is None:
            time.sleep(1)  # what was committed is still being acked
            self.unreadable = self._count()
        elif None not in self.unreadable and queued - self.unreadable[1] < published - self.unreadable[0]:
            self.faults.append(f"without a database the queue went from {self.unreadable[1]} to {queued} messages, "
                               f"{published - self.unreadable[0]} were published")


class EventFleet(Fleet):
    def publish_event(self, channel, name, body):
        channel.basic_publish(self.name("costs"), "pro.llm.fake", body, pika.BasicProperties(
            delivery_mode=2, message_id=name, content_type="application/cloudevents+json"), mandatory=True)


class Trial:
    """A fleet of billing processes under a steady load."""

    def __init__(self, store, replicas, broker=None):
        self.store, self.figures = store, {}
        self.rabbitmqctl = str(broker.directory / "rabbitmqctl") if broker else os.environ["TOLLWAY_TEST_RABBITMQCTL"]
        self.fleet = EventFleet("faults", amqp_url=broker and broker.url, environment={"TOLLWAY_LEDGER_URL": store.url})
        self.replicas = replicas

    def __enter__(self):
        self.fleet.use_rules(rules.policy(9) + "notify_admin: {log: true, ledger_lag: 3s}\n", rules.costs())
        self.billing = [self.start() for _ in range(self.replicas)]
        self.publisher, self.watch = Publisher(self.fleet), Watch(self)
        self.publisher.start()
        self.watch.start()
        return self

    def __exit__(self, kind, fault, trace):
        self.publisher.stopping = self.watch.stopping = True
        self.publisher.join(20)
        self.watch.join(20)
        self.fleet.__exit__(kind, fault, trace)

    def start(self):
        process = self.fleet.start("billing", environment={"TOLLWAY_HTTP": f"127.0.0.1:{random.randrange(30_000, 32_000)}"})
        self.fleet.wait_for_line(process, "probes listen")
        return process

    def queued(self):
        command = TOTAL.replace("QUEUE", self.fleet.name("costs.ledger"))
        try:
            done = subprocess.run([self.rabbitmqctl, "eval", command], capture_output=True, text=True, timeout=20)
        except subprocess.TimeoutExpired:
            return None
        return int(done.stdout) if done.returncode == 0 else None

    def rows(self):
        """None while the ledger cannot be read."""
        try:
            return int(self.store.rows("SELECT count(*) FROM usage_cost")[0][0])
        except (Failure, sqlite3.Error, subprocess.TimeoutExpired):
            return None

    def lag(self):
        """The longest of the processes that live, in seconds."""
        return max(metrics(process).get("tollway_ledger_lag_seconds", 0) for process in self.billing)

    def through(self, name, fault, stopped=None, seconds=OUTAGE):
        """Goes through a fault. stopped: what it must bring to a standstill, as a function that counts."""
        before = self.rows()
        wait_for("rows before the fault", 20, lambda: self.rows() > before + RATE // 2)
        connections = self.publisher.connections
        with fault():
            if stopped:
                wait_for(f"{name}: a standstill", 30, lambda: stands_still(stopped))
                still = stopped()
            time.sleep(seconds)  # the outage itself, not a wait for something
            if stopped:
                check(stopped() == still, f"{name}: went on meanwhile, from {still} to {stopped()}")
        healed, behind = time.monotonic(), len(self.publisher.confirmed) - (self.rows() or 0)
        if not stopped:
            wait_for(f"{name}: a connection was lost", 20, lambda: self.publisher.connections > connections)
        wait_for(f"{name}: a lag under 1 s", 30, self.has_caught_up, pause=0.2)
        self.figures[name] = f"{behind} behind, caught up after {time.monotonic() - healed:.0f} s"

    def has_caught_up(self):
        for process in self.billing:
            check(process.poll() is None, f"billing ended with {process.returncode}: {process.log.read_text()[-500:]}")
        published, rows = len(self.publisher.confirmed), self.rows()
        return rows is not None and rows > published - RATE and self.lag() < 1

    def settle(self):
        """Everything has arrived, once; nobody ever acked too early."""
        self.publisher.stopping = True
        self.publisher.join(20)
        published = set(self.publisher.confirmed)
        wait_for("every event in the ledger", 30, lambda: (self.rows() or 0) >= len(published))
        wait_for("an empty queue", 30, lambda: self.queued() == 0)
        booked = {name for name, in self.store.rows("SELECT event_id FROM usage_cost")}
        check(published <= booked, f"{len(published - booked)} events are lost: {sorted(published - booked)[:3]}")
        check(len(booked - published) <= self.publisher.connections, f"{len(booked - published)} rows nobody published")
        check(not self.store.rows("SELECT 1 FROM quarantined_event"), "something was quarantined")
        balance = sum(int(amount) for amount, in
                      self.store.rows("SELECT amount_nano_usd FROM balance WHERE scope = 'fleet'"))
        check(balance == len(booked) * NANO, f"the fleet's balance is {balance}, {len(booked)} events came")
        check(not self.watch.faults, f"{len(self.watch.faults)} of {self.watch.looks} looks: {self.watch.faults[:3]}")
        return {**self.figures, "events": len(booked), "looks": self.watch.looks}


def stands_still(count):
    before = count()
    time.sleep(2)  # long enough for a batch at this load
    return count() == before


@contextlib.contextmanager
def small_disk(megabytes, owner=None):
    """A directory on a file system of its own; None where mounting is not allowed."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tollway-disk-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(directory)],
                             capture_output=True).returncode == 0
    try:
        if mounted and owner:
            os.chown(directory, *owner)
        yield directory if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(directory)], check=True)
        shutil.rmtree(directory, ignore_errors=True)


def filled(directory):
    @contextlib.contextmanager
    def fault():
        ballast = directory / "ballast"
        with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        try:
            yield
        finally:
            ballast.unlink()
    return fault


@contextlib.contextmanager
def own_server(kind):
    directory = pathlib.Path(tempfile.mkdtemp(prefix=f"tollway-{kind}-"))
    directory.chmod(0o755)  # PostgreSQL runs as another user
    server = OwnServer(kind, directory)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


# The faults

def sqlite_disk_full():
    with small_disk(8) as disk:
        if disk is None:
            return "left out: mounting a tmpfs is not allowed here"
        with Trial(SQLiteStore(disk), replicas=1) as trial:
            trial.through("disk full", filled(disk), stopped=trial.rows)
            return trial.settle()


def sqlite_locked():
    """Another program holds the write lock for longer than billing waits for it."""
    directory = tempfile.mkdtemp(prefix="tollway-ledger-")
    store = SQLiteStore(directory)

    @contextlib.contextmanager
    def locked():
        connection = sqlite3.connect(store.path, timeout=10, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.close()
    try:
        with Trial(store, replicas=1) as trial:
            trial.through("locked", locked, stopped=trial.rows)
            return trial.settle()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def postgres_disk_full():
    with own_server("postgres") as server:
        owner = os.stat(server.directory / "data")
        with small_disk(64, (owner.st_uid, owner.st_gid)) as disk:
            if disk is None:
                return "left out: mounting a tmpfs is not allowed here"
            run_sql(server.url, f"CREATE TABLESPACE small LOCATION '{disk}'")
            store = PostgresStore(server.url, tablespace="small")
            with Trial(store, replicas=2) as trial:
                trial.through("disk full", filled(disk), stopped=trial.rows)
                figures = trial.settle()
            store.remove()
            run_sql(server.url, "DROP TABLESPACE small")
            return figures


def postgres_down():
    """Stopped in order and started again, then killed. A billing process dies meanwhile with its events in hand."""
    with own_server("postgres") as server:
        with Trial(PostgresStore(server.url), replicas=2) as trial:
            @contextlib.contextmanager
            def down():
                server.stop()
                trial.billing.pop().kill()
                yield
                server.start()

            @contextlib.contextmanager
            def killed():
                server.crash()
                yield
                server.start()
            trial.through("down", down, stopped=trial.rows)
            trial.billing.append(trial.start())
            trial.through("killed", killed, stopped=trial.rows, seconds=2)
            return trial.settle()


def broker_faults(store, replicas):
    with own_server("broker") as server:
        @contextlib.contextmanager
        def blocked():
            watermark = lambda share: subprocess.run(
                [server.directory / "rabbitmqctl", "set_vm_memory_high_watermark", share], check=True, capture_output=True)
            watermark("0.0001")
            yield
            watermark("0.4")

        @contextlib.contextmanager
        def restarted():
            server.crash()
            server.start()
            yield
        try:
            with Trial(store, replicas, broker=server) as trial:
                trial.through("blocked", blocked, stopped=lambda: len(trial.publisher.confirmed))
                trial.through("restarted", restarted, seconds=0)
                return trial.settle()
        finally:
            store.remove()


def broker_with_sqlite():
    return broker_faults(SQLiteStore(), 1)


def broker_with_postgres():
    return broker_faults(PostgresStore(), 2)


ON_SQLITE = (sqlite_disk_full, sqlite_locked, broker_with_sqlite)
ON_POSTGRES = (postgres_disk_full, postgres_down, broker_with_postgres)


def faults():
    scenarios = ON_SQLITE + (ON_POSTGRES if "TOLLWAY_TEST_POSTGRES_URL" in os.environ else ())
    return together({scenario.__name__: scenario for scenario in scenarios}, at_once=3)


if __name__ == "__main__":
    main(faults, by_name_only=(*ON_SQLITE, *ON_POSTGRES))
