"""Medians and ratios of the lines that `measure` printed.

    report.py RESULTS.ndjson [--check]

--check exits with 1 unless the worker reaches the bounds: half the rate of the plain C loop, at most 60 microseconds of
CPU a job, at most 60 MB resident.
"""

import json
import statistics
import sys

COLUMNS = [("jobs_per_second", "jobs/s", ".0f"), ("cpu_us_per_job", "CPU us/job", ".1f"), ("peak_mib", "peak MiB", ".1f")]


def main(path: str, check: bool) -> int:
    with open(path) as lines:
        results = [json.loads(line) for line in lines]
    medians = {}
    print(f"{'':14}" + "".join(f"{title:>12}" for _, title, _ in COLUMNS))
    for name in ("plain C loop", "tollway"):
        mine = [result for result in results if result["name"] == name]
        for result in mine:
            print(f"{name:14}" + "".join(f"{result[key]:>12{form}}" for key, _, form in COLUMNS))
        medians[name] = {key: statistics.median(result[key] for result in mine) for key, _, _ in COLUMNS}
    for name, values in medians.items():
        print(f"median {name}: " + ", ".join(f"{values[key]:{form}} {title}" for key, title, form in COLUMNS))
    plain, worker = medians["plain C loop"], medians["tollway"]
    ratio = worker["jobs_per_second"] / plain["jobs_per_second"]
    print(f"rate of tollway / rate of the plain C loop: {ratio:.2f}")
    print(f"CPU of tollway / CPU of the plain C loop: {worker['cpu_us_per_job'] / plain['cpu_us_per_job']:.2f}")
    if not check:
        return 0
    megabytes = worker["peak_mib"] * 1.048576
    misses = [
        text
        for text, missed in (
            (f"the rate is {ratio:.2f} of the C loop's, not 0.5", ratio < 0.5),
            (f"{worker['cpu_us_per_job']:.1f} us of CPU a job, more than 60", worker["cpu_us_per_job"] > 60),
            (f"{megabytes:.1f} MB resident, more than 60", megabytes > 60),
        )
        if missed
    ]
    print("bounds: " + ("all met" if not misses else "; ".join(misses)))
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--check" in sys.argv[2:]))
