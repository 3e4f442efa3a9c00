"""2,000 jobs of 40 users of the four tiers on three worker processes, against a provider that keeps its own log."""

import collections

import rules
from fleet import TIERS, Fleet, check, ledger_equals_calls, main, one_end_each, running_counts

USERS_OF_TIER = 10
JOBS_OF_USER = 50
SLOTS = 16
WORKERS = 3
# Of 20 grants under saturation (DESIGN "Lanes and slots"); critical has what is left.
SHARES = {"critical": 15, "high": 2, "standard": 2, "low": 1}


def jobs():
    """The tiers mixed. Within a tier first the users in turn, so that no limit keeps a lane from being full, then user
    after user, so that one user can fill its limit."""
    half = JOBS_OF_USER // 2
    in_turn = [(user, number) for number in range(half) for user in range(USERS_OF_TIER)]
    one_by_one = [(user, number) for user in range(USERS_OF_TIER) for number in range(half, JOBS_OF_USER)]
    return [{"id": f"{tier}-{user}-{number}", "userId": f"{tier}-user{user}", "userTier": tier, "taskType": "llm",
             "payload": {"prompt": f"number {number}"}}
            for user, number in in_turn + one_by_one for tier in TIERS]


def grants_while_full(fleet, published):
    """Starts by lane as the provider saw them, as long as no limit held a lane back: until the first of them had been
    given the half of its jobs in which the users take turns. The first of each slot do not count: until then a worker
    takes from the lanes that have come in."""
    lane_of = {job["id"]: TIERS[job["userTier"]][1] for job in published}
    starts = sorted((call["begin"], lane_of[call["key"].split("/")[0]]) for call in fleet.calls().values())
    given, counts = collections.Counter(), collections.Counter()
    for number, (_, lane) in enumerate(starts):
        if given[lane] >= len(published) // 8:
            break
        given[lane] += 1
        counts[lane] += number >= WORKERS * SLOTS
    return counts


def two_thousand_jobs():
    with Fleet("load") as fleet:
        # Long enough that a slow machine keeps all slots busy too, and the lanes full.
        fleet.start_provider("--latency-ms", "700-900")
        fleet.use_rules(rules.policy(fleet.provider_port), rules.costs())
        fleet.start_billing()
        fleet.results.listen()
        published = jobs()
        ids = [job["id"] for job in published]
        # Every lane is full before the first worker comes.
        fleet.publish(published)
        workers = [fleet.start_worker(SLOTS) for _ in range(WORKERS)]
        results = fleet.results.wait(ids, 900)
        one_end_each(results, ids)
        failed = [job for job in ids if results[job][0]["status"] != "succeeded"]
        check(not failed, f"{len(failed)} jobs did not succeed: {results[failed[0]] if failed else ''}")
        ledger_equals_calls(fleet)
        highest = running_counts(fleet, lambda job: job.rsplit("-", 1)[0])
        for tier, (_, _, limit) in TIERS.items():
            peaks = [count for user, count in highest.items() if user.startswith(tier)]
            check(max(peaks) <= limit, f"a user of {tier} had {max(peaks)} jobs running, the limit is {limit}")
            check(max(peaks) == limit, f"no user of {tier} reached its limit of {limit}: {max(peaks)}")
        grants = grants_while_full(fleet, published)
        total = sum(grants.values())
        for lane, share in SHARES.items():
            wanted = total * share / 20
            check(abs(grants[lane] - wanted) <= max(0.2 * wanted, 3),
                  f"lane {lane} had {grants[lane]} of {total} grants, {wanted:.0f} is its share: {dict(grants)}")
        for worker in workers:
            check(fleet.stop(worker) == 0, "a worker did not drain cleanly")
        leases = [key for key in fleet.keys() if ":leases:" in key]
        check(not leases, f"leases remain: {leases}")
        return {"grants while full": dict(grants), "calls": len(fleet.calls()),
                "highest": {tier: max(c for u, c in highest.items() if u.startswith(tier)) for tier in TIERS}}


if __name__ == "__main__":
    main(two_thousand_jobs)
