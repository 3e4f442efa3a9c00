"""What `run` measures: jobs a second through the gateway, and through a bare handler, both driven by wrk.

    doors.py [--seconds N] [--connections N] [--rounds N] [--check]

A round measures both, in turn the one and the other first, each with queues of its own. The gateway has its keys and its
log as always, and the policy that is shipped: jobs of 1,000 users of the tier BUSINESS, none of whom is beyond a limit. No
worker runs. Every request that was answered 202 must lie in the lane at the end. Latency is wrk's. CPU and peak memory are
those of the process that is measured.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "Tests/Fleet"))

from fleet import PATIENCE, Failure, Fleet, check, wait_for  # noqa: E402
from gateway import make_key, start_gateway, until_asked  # noqa: E402

LEAST_RATIO = 0.5  # of the bare handler's rate
LANE = "high"  # of BUSINESS
COLUMNS = [("rate", "jobs/s", ".0f"), ("p50", "p50 ms", ".1f"), ("p99", "p99 ms", ".1f"),
           ("cpu", "CPU us/job", ".0f"), ("peak", "peak MiB", ".1f")]


@contextlib.contextmanager
def gateway():
    with fresh_fleet() as fleet:
        process = start_gateway(fleet)
        _, secret = make_key(fleet)
        until_asked(process)
        yield fleet, process, secret


@contextlib.contextmanager
def bare_handler():
    with fresh_fleet() as fleet:
        path = fleet.directory / "bare.log"
        with open(path, "wb") as output:
            process = subprocess.Popen(
                [os.environ["TOLLWAY_BARE_DOOR"], "127.0.0.1:0", fleet.name("jobs"), LANE], env=fleet.environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        process.log = path
        fleet.processes.append(process)
        fleet.wait_for_line(process, "bare door listens")
        process.port = int(re.search(r"listens: 127.0.0.1:(\d+)", path.read_text())[1])
        yield fleet, process, "none"


@contextlib.contextmanager
def fresh_fleet():
    with Fleet("bench") as fleet:
        fleet.use_rules((ROOT / "deploy/policy.yml").read_text(), (ROOT / "provider_costs.yml").read_text())
        check(fleet.run("topology", "apply").returncode == 0, "the topology could not be applied")
        fleet.make_ledger()
        yield fleet


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mebibytes(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def wrk(process, secret, start, seconds, connections):
    done = subprocess.run(
        ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--timeout", "30s",
         "--script", str(ROOT / "Benchmarks/gateway/jobs.lua"), f"http://127.0.0.1:{process.port}/v1/jobs", "--",
         start, secret], capture_output=True, text=True, timeout=seconds + 60)
    check(done.returncode == 0, f"wrk: {done.stderr or done.stdout}")
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    check(figures["wrong"] == 0, f"{figures['wrong']} of {figures['requests']} requests went wrong")
    return figures


def measure(door, seconds, connections):
    with door() as (fleet, process, secret):
        warm = wrk(process, secret, "warm", 2, connections)["requests"]
        cpu = cpu_seconds(process)
        found = wrk(process, secret, "job", seconds, connections)
        cpu = cpu_seconds(process) - cpu
        answered = warm + found["requests"]
        # wrk leaves without those that are under way
        depth = wait_for("the jobs in the lane", PATIENCE, lambda: reached(fleet, answered))
        check(depth <= answered + 2 * connections, f"{depth} jobs in the lane, {answered} requests were answered")
        return {"rate": found["requests"] * 1e6 / found["microseconds"], "p50": found["p50"] / 1000,
                "p99": found["p99"] / 1000, "cpu": cpu * 1e6 / found["requests"], "peak": peak_mebibytes(process)}


def reached(fleet, count):
    depth = fleet.depth(f"jobs.{LANE}")
    return depth if depth >= count else None


def row(title, figures):
    cells = (f"{figures[key]:>{len(name) + 3}{form}}" for key, name, form in COLUMNS)
    print(f"{title:24}" + "".join(cells), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    print(f"{'':24}" + "".join(f"{name:>{len(name) + 3}}" for _, name, _ in COLUMNS), flush=True)
    doors = {"bare handler": bare_handler, "gateway": gateway}
    rounds = {name: [] for name in doors}
    for number in range(options.rounds):
        for name in list(doors)[::-1 if number % 2 else 1]:
            figures = measure(doors[name], options.seconds, options.connections)
            rounds[name].append(figures)
            row(f"{name}, round {number + 1}", figures)
    middles = {name: {key: statistics.median(figures[key] for figures in found) for key, _, _ in COLUMNS}
               for name, found in rounds.items()}
    for name, middle in middles.items():
        row(f"{name}, median", middle)
    ratio = middles["gateway"]["rate"] / middles["bare handler"]["rate"]
    print(f"gateway / bare handler: {ratio:.2f}; bound: at least {LEAST_RATIO}"
          f"{'' if ratio >= LEAST_RATIO else ', not met'}")
    return 1 if options.check and ratio < LEAST_RATIO else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"failed: {failure}")
