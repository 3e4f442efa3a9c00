"""What is counted from outside for scenarios and benchmarks: by the broker, by Redis, by the workers' own metrics."""

import os
import subprocess
import urllib.request

from fleet import PATIENCE, check, whole_lines

# Counted by the broker since it started, over all quorum queues: deliveries and answered gets together, how many of them
# were repetitions, and gets that found nothing. Deliveries of an at-least-once dead-lettering are not among them.
COUNTS = """#{messages_delivered_total := Delivered, messages_redelivered_total := Again, messages_get_empty_total := Empty} =
    maps:get([{protocol, amqp091}, {queue_type, rabbit_quorum_queue}], rabbit_global_counters:overview()),
  [Delivered, Again, Empty]."""


class BrokerCount:
    """Deliveries and answered gets of the broker since this was made. The broker must have no other users meanwhile."""

    def __init__(self, rabbitmqctl=None):
        self.rabbitmqctl = rabbitmqctl or os.environ["TOLLWAY_TEST_RABBITMQCTL"]
        self.begin = self._read()

    def _read(self):
        done = subprocess.run([self.rabbitmqctl, "eval", COUNTS], capture_output=True, text=True, timeout=PATIENCE)
        check(done.returncode == 0, f"rabbitmqctl: {done.stderr}")
        return [int(number) for number in done.stdout.strip().strip("[]").split(",")]

    def since(self):
        """(deliveries and answered gets, how many of them repeat an earlier one, gets that found nothing)"""
        return tuple(now - before for now, before in zip(self._read(), self.begin))


class RedisCount:
    """What a Redis did since this was made. It must have no other users meanwhile."""

    def __init__(self, client):
        self.client = client
        self.begin = self._read()

    def _read(self):
        calls = self.client.info("commandstats")
        return {"commands": self.client.info("stats")["total_commands_processed"],
                "calls": sum(calls.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval")),
                "memory": self.client.info("memory")["used_memory"]}

    def since(self):
        """commands: all, those inside of scripts too; calls: of scripts; memory: bytes more than before."""
        now = self._read()
        return {name: now[name] - before for name, before in self.begin.items()}


def metrics(process):
    """What a worker that was started with http=True says of itself: name with labels, as in the text format -> value."""
    line = next(line for line in whole_lines(process.log).splitlines() if " probes listen" in line)
    address = next(word for word in line.split() if word.startswith("address=")).removeprefix("address=")
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=PATIENCE) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def histogram_quantile(processes, name, quantile):
    """The upper bound of the bucket that holds the quantile, over several workers."""
    buckets = {}
    for process in processes:
        for series, value in metrics(process).items():
            if series.startswith(name + "_bucket{"):
                bound = float(series.partition('le="')[2].partition('"')[0])
                buckets[bound] = buckets.get(bound, 0) + value
    total = max(buckets.values(), default=0)
    return next((bound for bound, count in sorted(buckets.items()) if count >= quantile * total), None)


def percentile(values, percent):
    """Nearest rank."""
    ordered = sorted(values)
    check(ordered, "no values to take a percentile of")
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def jain(shares):
    """1 when all have the same share, 1/n when one has everything."""
    return sum(shares) ** 2 / (len(shares) * sum(share * share for share in shares))
