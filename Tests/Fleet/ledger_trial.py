"""Billing processes under a steady load while something fails. Events are published and confirmed all the time; seen
from outside, every confirmed one is either a message of the queue, delivered or not, or a row."""

import datetime
import json
import os
import random
import sqlite3
import subprocess
import threading
import time

import pika

import rules
from fleet import PATIENCE, Failure, Fleet, check, wait_for, whole_lines
from measures import metrics
from tiers import alerts_of
from webhook import Webhook, told

RATE = 100  # events a second
SPILL = 150  # rows that still fit into the pages of a full disk, at most
NANO = 1_000_000  # of each event
OUTAGE = 10  # seconds
# Messages of a queue, unacked ones too. What the broker lists is up to 5 s old; this asks the queue itself.
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
            except (pika.exceptions.AMQPError, OSError):
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
            time.sleep(1)

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
            time.sleep(6)  # what was committed is still being acked
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
        self.hook = Webhook()
        self.fleet = EventFleet("faults", amqp_url=broker and broker.url,
                                environment={"TOLLWAY_LEDGER_URL": store.url, "TEST_HOOK": self.hook.url})
        self.replicas = replicas

    def __enter__(self):
        self.fleet.use_rules(rules.policy(9) + "notify_admin: {log: true, webhook_env: TEST_HOOK, ledger_lag: 5s}\n",
                             rules.costs())
        self.billing = [self.start() for _ in range(self.replicas)]
        self.alerts = alerts_of(self.fleet)
        self.publisher, self.watch = Publisher(self.fleet), Watch(self)
        self.publisher.start()
        self.watch.start()
        return self

    def __exit__(self, kind, fault, trace):
        self.publisher.stopping = self.watch.stopping = True
        self.publisher.join(PATIENCE)
        self.watch.join(PATIENCE)
        self.fleet.__exit__(kind, fault, trace)

    def start(self):
        address = {"TOLLWAY_HTTP": f"127.0.0.1:{random.randrange(30_000, 32_000)}"}
        process = self.fleet.start("billing", environment=address)
        self.fleet.wait_for_line(process, "probes listen")
        return process

    def queued(self):
        command = TOTAL.replace("QUEUE", self.fleet.name("costs.ledger"))
        try:
            done = subprocess.run([self.rabbitmqctl, "eval", command], capture_output=True, text=True, timeout=PATIENCE)
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

    def times(self, kind, state="raised"):
        """How often the webhook was told so."""
        return told(self.hook.bodies())[kind, "fleet", state]

    def through(self, name, fault, stopped, alert):
        """Goes through a fault. stopped: what it must bring to a standstill, as a function that counts; alert: the kind
        that the webhook must hear meanwhile, once."""
        before = self.rows() or 0
        wait_for("rows before the fault", PATIENCE, lambda: (self.rows() or 0) > before + RATE // 2)
        heard, begin = self.times(alert), time.monotonic()
        with fault():
            wait_for(f"{name}: a standstill", PATIENCE, lambda: stands_still(stopped))
            still = stopped()
            wait_for(f"{name}: an alert", PATIENCE, lambda: self.times(alert) > heard)
            after = time.monotonic() - begin
            time.sleep(max(0, OUTAGE - after))  # the outage itself, not a wait for something
            # What fits into pages that are there already can still be written to a full disk.
            moved = (stopped() or 0) - (still or 0)
            check(moved < SPILL, f"{name}: went on meanwhile, {moved} since {still}")
            check(self.times(alert) == heard + 1, f"{name}: {self.times(alert) - heard} alerts")
        healed, behind = time.monotonic(), len(self.publisher.confirmed) - (self.rows() or 0)
        wait_for(f"{name}: a lag under 1 s", 2 * PATIENCE, self.has_caught_up, pause=0.2)
        self.figures[name] = f"told after {after:.0f} s, {behind} behind, caught up after " \
                             f"{time.monotonic() - healed:.0f} s"
        wait_for(f"{name}: an alert at the exchange", PATIENCE, lambda: told(self.alerts())[alert, "fleet", "raised"])

    def is_over(self, alert, times):
        """Waits until webhook, exchange and log have been told so often that it is there and that it is over."""
        expected = {"raised": times, "recovered": times}
        for place, bodies in (("webhook", self.hook.bodies), ("exchange", self.alerts)):
            found = lambda: {state: told(bodies())[alert, "fleet", state] for state in expected}
            wait_for(f"the {place} to hear the end of {alert}", PATIENCE,
                     lambda: all(found()[state] >= times for state in expected), pause=0.3)
            check(found() == expected, f"the {place} heard {found()} of {alert}")
        logs = "".join(whole_lines(process.log) for process in self.fleet.processes)
        lines = logs.count(f" kind={alert} ")
        check(lines == 2 * times, f"the logs tell {lines} times of {alert}")

    def has_caught_up(self):
        for process in self.billing:
            check(process.poll() is None, f"billing ended with {process.returncode}: {process.log.read_text()[-500:]}")
        published, rows = len(self.publisher.confirmed), self.rows()
        return rows is not None and rows > published - RATE and self.lag() < 1

    def settle(self):
        """Everything has arrived, once; nobody ever acked too early."""
        self.publisher.stopping = True
        self.publisher.join(PATIENCE)
        published = set(self.publisher.confirmed)
        wait_for("every event in the ledger", PATIENCE, lambda: (self.rows() or 0) >= len(published))
        wait_for("an empty queue", PATIENCE, lambda: self.queued() == 0)
        booked = {name for name, in self.store.rows("SELECT event_id FROM usage_cost")}
        check(published <= booked, f"{len(published - booked)} events are lost: {sorted(published - booked)[:3]}")
        check(len(booked - published) <= self.publisher.connections, f"{len(booked - published)} rows nobody published")
        check(not self.store.rows("SELECT 1 FROM quarantined_event"), "something was quarantined")
        balance = sum(int(amount) for amount, in
                      self.store.rows("SELECT amount_nano_usd FROM balance WHERE scope = 'fleet'"))
        check(balance == len(booked) * NANO, f"the fleet's balance is {balance}, {len(booked)} events came")
        check(self.watch.looks > 3, f"only {self.watch.looks} looks")
        check(not self.watch.faults, f"{len(self.watch.faults)} of {self.watch.looks} looks: {self.watch.faults[:3]}")
        return {**self.figures, "events": len(booked), "looks": self.watch.looks}


def stands_still(count):
    before = count()
    time.sleep(4)  # long enough for a batch at this load, on a machine that stands still at times
    return count() == before
