"""A whole fleet for scenarios: worker and billing processes, a provider of its own, and foreign clients (pika, redis-py,
sqlite3) that know nothing but the contract. Servers come from the environment: TOLLWAY_TEST_AMQP_URL,
TOLLWAY_TEST_REDIS_URL; the executable from TOLLWAY_BIN. Each fleet has a namespace of its own and removes it again."""

import collections
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import statistics
import string
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

import pika
import redis

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIERS = {"tier1": ("FREE", "low", 2), "tier2": ("PRO", "standard", 5), "tier3": ("BUSINESS", "high", 10),
         "tier4": ("ENTERPRISE", "critical", 20)}
ENDS = ("succeeded", "failed", "blocked", "cancelled")
PATIENCE = 120  # seconds for a state whose time is no figure of the scenario: a busy machine may take some


class Failure(Exception):
    """What a scenario found wrong, as a sentence."""


def check(condition, sentence):
    if not condition:
        raise Failure(sentence)


def wait_for(what, seconds, condition, pause=0.05):
    """Polls until the condition holds and returns its value; a named failure after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(pause)


def whole_lines(path):
    """A file that somebody writes, without its last line where that is in the middle of being written."""
    whole, end, _ = path.read_bytes().rpartition(b"\n")
    return (whole + end).decode(errors="replace")


def medians(measure, rounds=3):
    """Of each figure that `measure(number)` returns: a round that the machine held up says nothing about a bound."""
    return [statistics.median(figures) for figures in zip(*(measure(number) for number in range(rounds)))]


class Fleet:
    def __init__(self, name, amqp_url=None, redis_url=None, environment=None):
        self.namespace = f"{name}-{''.join(random.choices(string.ascii_lowercase + string.digits, k=6))}"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"tollway-{name}-"))
        self.amqp_url = amqp_url or os.environ["TOLLWAY_TEST_AMQP_URL"]
        self.redis_url = redis_url or os.environ["TOLLWAY_TEST_REDIS_URL"]
        self.binary = os.environ.get("TOLLWAY_BIN") or str(ROOT / ".build/debug/tollway")
        self.ledger = self.directory / "ledger.db"
        self.processes = []
        self.has_ledger = False
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.directory), "TOLLWAY_AMQP_URL": self.amqp_url,
            "TOLLWAY_REDIS_URL": self.redis_url, "TOLLWAY_LEDGER_URL": f"sqlite://{self.ledger}",
            "TOLLWAY_ARTIFACTS": str(self.directory / "artifacts"), "TOLLWAY_NAMESPACE": self.namespace,
            "TOLLWAY_HTTP": "off", **(environment or {})}
        self.results = Results(self)

    def __enter__(self):
        return self

    def __exit__(self, kind, fault, trace):
        if fault:
            self.show_logs()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.results.stop()
        self.remove_namespace()
        shutil.rmtree(self.directory, ignore_errors=True)

    def name(self, base):
        return f"{self.namespace}.{base}"

    # Processes

    def start(self, *arguments, log=None, environment=None):
        log = log or arguments[0]
        number = sum(1 for process in self.processes if process.log.name.startswith(log))
        path = self.directory / f"{log}-{number}.log"
        with open(path, "wb") as output:
            process = subprocess.Popen(
                [self.binary, *map(str, arguments)], env={**self.environment, **(environment or {})}, cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        process.log = path
        self.processes.append(process)
        return process

    def start_worker(self, slots=16, environment=None, arguments=(), http=False):
        """http: serve metrics, on a free port that its log names."""
        address = {"TOLLWAY_HTTP": f"127.0.0.1:{random.randrange(30_000, 32_000)}"} if http else {}
        process = self.start("worker", "--slots", slots, *arguments, environment={**address, **(environment or {})})
        self.wait_for_line(process, "connected to the broker", count=2)
        if http:
            self.wait_for_line(process, "probes listen")
        return process

    def start_billing(self):
        process = self.start("billing")
        self.wait_for_line(process, "billing starts")  # before that SIGTERM ends it as any program
        self.wait_for_line(process, "connected to the broker")
        return process

    def start_provider(self, *arguments):
        """The OpenAI-compatible process; its log is the truth about what was called."""
        self.provider_log = self.directory / "provider.ndjson"
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "Tests/Fakes/openai_server.py"), "--port", "0", "--log",
             str(self.provider_log), *map(str, arguments)], stdout=subprocess.PIPE, text=True)
        process.log = self.provider_log
        self.processes.append(process)
        self.provider_port = int(process.stdout.readline())
        return process

    def wait_for_line(self, process, text, count=1, seconds=PATIENCE):
        def found():
            lines = whole_lines(process.log)
            check(process.poll() is None, f"{process.log.stem} ended: {lines[-2000:]}")
            return lines.count(text) >= count
        wait_for(f"'{text}' in {process.log.stem}", seconds, found)

    def use_rules(self, policy, costs):
        """Policy and prices of processes started from now on."""
        for variable, name, text in (("TOLLWAY_POLICY", "policy.yml", policy), ("TOLLWAY_COSTS", "costs.yml", costs)):
            (self.directory / name).write_text(text)
            self.environment[variable] = str(self.directory / name)

    def stop(self, process, seconds=PATIENCE):
        process.send_signal(signal.SIGTERM)
        process.wait(seconds)
        return process.returncode

    def run(self, *arguments, seconds=PATIENCE, input=None):
        return subprocess.run([self.binary, *map(str, arguments)], env=self.environment, cwd=ROOT, timeout=seconds,
                              capture_output=True, text=True, input=input)

    def command(self, *arguments):
        """Runs a command that has to succeed; its JSON."""
        done = self.run(*arguments, "--format", "json")
        check(done.returncode == 0, f"tollway {' '.join(map(str, arguments))}: {done.stderr}")
        return json.loads(done.stdout)

    def make_ledger(self):
        """For commands that want one where no billing process has made it, or not yet."""
        if not self.has_ledger:
            made = self.run("ledger", "init")
            check(made.returncode == 0, f"tollway ledger init: {made.stderr}")
            self.has_ledger = True

    def assign(self, user, **limits):
        """What `tollway users set` lays down: assign("u", tier="PRO", monthly_usd=5)."""
        self.make_ledger()
        options = [part for name, value in limits.items() for part in ("--" + name.replace("_", "-"), str(value))]
        return self.command("users", "set", user, *options, "--by", "test", "--reason", "scenario")

    def show_logs(self):
        for process in self.processes:
            if process.log.suffix == ".log" and process.log.exists():
                lines = process.log.read_text(errors="replace").splitlines()
                notable = [line for line in lines if " info " not in line][-25:]
                print(f"--- {process.log.name} ({len(lines)} lines)", *notable, *lines[-8:], sep="\n",
                      file=sys.stderr)

    # The broker

    def connection(self):
        """One that the broker keeps, however long nobody looks after it."""
        parameters = pika.URLParameters(self.amqp_url)
        parameters.heartbeat = 0
        parameters.socket_timeout = parameters.stack_timeout = PATIENCE
        return pika.BlockingConnection(parameters)

    def publish(self, jobs, lane=None, confirm=True):
        """Publishes (job, lane) pairs, or jobs to the lane of their tier; returns when all are confirmed."""
        with self.connection() as connection:
            channel = connection.channel()
            if confirm:
                channel.confirm_delivery()
            for job in jobs:
                key = lane or TIERS[job.get("userTier", "tier1")][1]
                self.publish_raw(channel, key, json.dumps(job).encode())

    def publish_raw(self, channel, key, body, **properties):
        properties.setdefault("content_type", "application/json")
        channel.basic_publish(self.name("jobs"), key, body,
                              pika.BasicProperties(delivery_mode=2, **properties), mandatory=True)

    def depth(self, queue):
        with self.connection() as connection:
            return connection.channel().queue_declare(self.name(queue), passive=True).method.message_count

    def drain(self, queue):
        """All messages of a queue: (properties, body)."""
        letters = []
        with self.connection() as connection:
            channel = connection.channel()
            while True:
                method, properties, body = channel.basic_get(self.name(queue), auto_ack=True)
                if method is None:
                    return letters
                letters.append((properties, body))

    def bays(self):
        """Messages by bay, of those that exist. They are made in turn; one may be missing where its maker died."""
        found, missing, number = {}, 0, 1
        with self.connection() as connection:
            channel = connection.channel()
            while missing < 3:
                try:
                    declared = channel.queue_declare(self.name(f"jobs.parking.{number:03}"), passive=True)
                    found[number], missing = declared.method.message_count, 0
                except pika.exceptions.ChannelClosedByBroker:
                    channel, missing = connection.channel(), missing + 1
                number += 1
        return found

    def remove_namespace(self):
        rungs = [f"jobs.delay.{2 ** n}s" for n in range(11)]
        lanes = [f"jobs.{lane}" for lane in ("critical", "high", "standard", "low", "intake", "dead", "blocked")]
        try:
            bays = [f"jobs.parking.{number:03}" for number in self.bays()]
            with self.connection() as connection:
                channel = connection.channel()
                for queue in lanes + rungs + bays + ["costs.ledger"]:
                    channel.queue_delete(self.name(queue))
                for exchange in ["jobs", "jobs.unrouted", "jobs.keyed", "costs", "results", "alerts"] + rungs + bays:
                    channel.exchange_delete(self.name(exchange))
        except (pika.exceptions.AMQPError, OSError) as error:
            print(f"namespace {self.namespace} not removed: {error!r}", file=sys.stderr)
        client = self.redis()
        for key in client.scan_iter(self.namespace + ".*"):
            client.delete(key)

    # Redis, ledger, provider

    def redis(self):
        """Of a Redis behind sentinels the primary of this moment."""
        url = urllib.parse.urlsplit(self.redis_url)
        if url.scheme == "redis":
            return redis.Redis.from_url(self.redis_url)
        sentinels = [address.split(":") for address in url.netloc.split(",")]
        return redis.Sentinel(sentinels).master_for(url.path.split("/")[1])

    def keys(self):
        return [key.decode() for key in self.redis().scan_iter(self.namespace + ".*")]

    def rows(self, query="select * from usage_cost"):
        if not self.ledger.exists():
            return []
        connection = sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True, timeout=PATIENCE)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(query)]
        except sqlite3.OperationalError:
            return []
        finally:
            connection.close()

    def calls(self):
        """The provider's own log: call number -> its lines put together; status and usage are None until it has ended."""
        calls = {}
        for line in whole_lines(self.provider_log).splitlines():
            entry = json.loads(line)
            calls.setdefault(entry["call"], {"status": None, "usage": None}).update(
                {k: v for k, v in entry.items() if k not in ("event", "mono", "wall")}
                | ({"begin": entry["mono"]} if entry["event"] == "start" else {}))
        return calls


class Results:
    """Collects every result event of a fleet on a thread of its own, bound before anything is published."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.events = []
        self.stopping = False
        self.thread = None
        self.ready = threading.Event()

    def listen(self):
        # The exchange exists once a worker runs, or the topology was applied.
        self.thread = threading.Thread(target=self._collect, daemon=True)
        self.thread.start()
        check(self.ready.wait(PATIENCE), "the results could not be listened to")
        return self

    def _collect(self):
        queue = self.fleet.name("test-results")
        while not self.stopping:
            try:
                connection = self.fleet.connection()
                channel = connection.channel()
                channel.queue_declare(queue, durable=True, arguments={"x-expires": 600_000})
                channel.queue_bind(queue, self.fleet.name("results"), "#")
                self.ready.set()
                for method, _, body in channel.consume(queue, inactivity_timeout=0.2):
                    if method:
                        self.events.append(json.loads(body))
                        channel.basic_ack(method.delivery_tag)
                    if self.stopping:
                        channel.queue_delete(queue)
                        break
                connection.close()
            except (pika.exceptions.AMQPError, OSError):
                time.sleep(0.3)  # the broker is being restarted; pace the attempts

    def stop(self):
        self.stopping = True
        if self.thread:
            self.thread.join(10)

    def by_job(self):
        grouped = collections.defaultdict(list)
        for event in list(self.events):
            grouped[event["jobId"]].append(event)
        return grouped

    def wait(self, ids, seconds):
        """Until each of these jobs has a result; returns them by job."""
        ids = set(ids)
        missing = lambda: len(ids - set(self.by_job()))
        try:
            wait_for("a result of every job", seconds, lambda: missing() == 0)
        except Failure:
            raise Failure(f"{missing()} of {len(ids)} jobs have no result after {seconds} s")
        return self.by_job()


def one_end_each(results, ids):
    """Every job ended once: one run, and repeated announcements are identical."""
    for job in ids:
        events = results[job]
        distinct = {json.dumps(event, sort_keys=True) for event in events}
        check(len(distinct) == 1, f"job {job} ended in {len(distinct)} different ways: {sorted(distinct)[:2]}")
        check(events[0]["status"] in ENDS, f"job {job} has status {events[0]['status']}")


def ledger_equals_calls(fleet, seconds=PATIENCE):
    """One row for each call, and for each row a call (a row of outcome unknown may have no call: the crash came first)."""
    def difference():
        calls = collections.Counter(call["key"] for call in fleet.calls().values())
        rows = {row["event_id"]: row for row in fleet.rows() if row["corrects"] is None}
        missing = [key for key in calls if key not in rows]
        extra = [key for key, row in rows.items() if key not in calls and row["outcome"] != "unknown"]
        twice = [key for key, count in calls.items() if count > 1]
        return missing, extra, twice
    end = time.monotonic() + seconds
    while True:
        missing, extra, twice = difference()
        if not missing and not extra:
            break
        check(time.monotonic() < end,
              f"ledger and provider differ: {len(missing)} calls without a row {missing[:3]}, "
              f"{len(extra)} rows without a call {extra[:3]}")
        time.sleep(0.2)
    check(not twice, f"attempts called more than once: {twice[:3]}")


def running_counts(fleet, user_of):
    """Largest number of calls of each user at once, by the provider's own log."""
    edges = []
    for call in fleet.calls().values():
        user = user_of(call["key"].split("/")[0])
        edges.append((call["begin"], 1, user))
        edges.append((call.get("end", float("inf")), -1, user))
    running, highest = collections.Counter(), collections.Counter()
    for _, change, user in sorted(edges, key=lambda edge: (edge[0], edge[1])):
        running[user] += change
        highest[user] = max(highest[user], running[user])
    return highest


def quiet(fleet, seconds=2 * PATIENCE):
    """Nothing waits, nothing is held, no copy lies in a bay, and the bays were given back: all by itself."""
    def leftovers():
        lanes = fleet.command("lanes")["lanes"]
        found = {lane["lane"]: lane["waiting"] for lane in lanes if sum(lane["waiting"].values())}
        client = fleet.redis()
        for key in fleet.keys():
            is_room = ":room:" in key and client.hexists(key, "bay")
            if is_room or ":leases:" in key or ":due:" in key:
                found[key] = client.hgetall(key) if is_room else client.zrange(key, 0, -1, withscores=True)
        return found | {bay: f"{count} messages" for bay, count in fleet.bays().items() if count}
    end = time.monotonic() + seconds
    while found := leftovers():
        check(time.monotonic() < end, f"{seconds} s after the last job there are still {found}")
        time.sleep(0.3)


def together(scenarios, at_once=14):
    """Runs fleets side by side that mostly wait for a lease to run out: name -> figures, by name -> function."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        running = {name: pool.submit(scenario) for name, scenario in scenarios.items()}
        figures, failures = {}, []
        for name, future in running.items():
            try:
                figures[name] = future.result()
            except Failure as failure:
                failures.append(f"{name}: {failure}")
        check(not failures, "; ".join(failures))
        return figures


def main(*scenarios, by_name_only=()):
    """Runs the scenarios that the command line names, or all but those that are part of others; exit code 1 and a
    sentence when one fails. Words with an equals sign are whole numbers for the scenario before them:
    `heavy_user jobs=3000 latency=200`."""
    by_name = {scenario.__name__: scenario for scenario in (*scenarios, *by_name_only)}
    wanted = []
    for word in sys.argv[1:] or [scenario.__name__ for scenario in scenarios]:
        name, _, value = word.partition("=")
        if value:
            wanted[-1][1][name] = int(value)
        else:
            wanted.append((by_name[name], {}))
    for scenario, parameters in wanted:
        begin = time.monotonic()
        try:
            figures = scenario(**parameters)
        except Exception as fault:
            if not isinstance(fault, Failure):
                traceback.print_exc()
            print(f"FAILED {scenario.__name__}: {fault if isinstance(fault, Failure) else repr(fault)}")
            return sys.exit(1)
        print(f"passed {scenario.__name__} in {time.monotonic() - begin:.1f} s {figures or ''}", flush=True)
