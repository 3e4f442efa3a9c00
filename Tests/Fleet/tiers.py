"""Tiers: a scenario for each attribute of the policy file, end to end. Each fails where its attribute is ignored."""

import collections
import contextlib
import datetime
import json
import time

import rules
from fleet import PATIENCE, Fleet, check, main, medians, one_end_each, running_counts, wait_for, whole_lines

# By the name of the quota: limit of the month, what each job uses of it, how many jobs that is enough for.
QUOTAS = {"tokens": (1000, {"input_tokens": 100, "output_tokens": 50}, 6),
          "audio_seconds": (60, {"audio_seconds": 9.5}, 6),
          "video_minutes": (2, {"video_seconds": 25}, 4),
          "jobs": (5, {"requests": 1}, 5)}
EMBEDDINGS = 60  # of each tier: more than one wave, so that one of them is full on a slow machine too


@contextlib.contextmanager
def fleet_with(tiers=None, latency="100", slots=48, extra_prices=None, **options):
    """A worker and billing under a policy with these changes of tiers."""
    with Fleet("tiers") as fleet:
        fleet.start_provider("--latency-ms", latency)
        fleet.write_policy = lambda **changed: (fleet.directory / "policy.yml").write_text(
            rules.policy(fleet.provider_port, **{"tiers": tiers, **options, **changed}))
        fleet.use_rules(rules.policy(fleet.provider_port, tiers=tiers, **options), rules.costs(prices=extra_prices))
        fleet.worker = fleet.start_worker(slots)
        fleet.start_billing()
        fleet.results.listen()
        yield fleet


def jobs(count, user, tier=None, task="llm", first=0, **payload):
    claim = {"userTier": tier} if tier else {}
    return [{"id": f"{user}-{number}", "userId": user, "taskType": task, "payload": payload or {"prompt": "hello"},
             **claim} for number in range(first, first + count)]


def user_of(job):
    return job.rpartition("-")[0]


def run(fleet, published, seconds=PATIENCE, lane=None):
    """Publishes them and waits until each ended, once; the result events by job."""
    fleet.publish(published, lane=lane)
    ids = [job["id"] for job in published]
    results = fleet.results.wait(ids, seconds)
    one_end_each(results, ids)
    return {job: results[job][0] for job in ids}


def statuses(results):
    """user -> how its jobs ended, with the code of what was not well."""
    counted = collections.defaultdict(collections.Counter)
    for job, event in results.items():
        counted[user_of(job)][(event["error"] or {}).get("code") or event["status"]] += 1
    return counted


def starts(fleet, user):
    return sorted(call["begin"] for call in fleet.calls().values() if user_of(call["key"].split("/")[0]) == user)


def admissions(results, user):
    """When each of the user's jobs was admitted, in seconds by Redis' clock, by which rates are judged."""
    return sorted(datetime.datetime.fromisoformat(event["startedAt"].replace("Z", "+00:00")).timestamp()
                  for job, event in results.items() if user_of(job) == user)


def crowds(fleet, user):
    """Of each call of the user, in their order: when it began, and how many ran then, this one included."""
    calls = sorted((call["begin"], call.get("end", float("inf"))) for call in fleet.calls().values()
                   if user_of(call["key"].split("/")[0]) == user)
    return [(begin, sum(1 for other, end in calls if other <= begin < end)) for begin, _ in calls]


def reload(fleet, **changed):
    count = whole_lines(fleet.worker.log).count("policy file changed and is in force")
    fleet.write_policy(**changed)
    fleet.wait_for_line(fleet.worker, "policy file changed and is in force", count=count + 1)


def within_rate(times, rps, burst):
    """No window has more admissions than a bucket of this size gives."""
    for first, begin in enumerate(times):
        for last in range(first, len(times)):
            allowed = burst + rps * (times[last] - begin + 0.002)  # the times are whole milliseconds
            check(last - first + 1 <= allowed,
                  f"{last - first + 1} starts within {times[last] - begin:.3f} s at {rps} a second, burst {burst}")


def concurrency():
    with fleet_with(latency="700", limits=(1, 3, 10, 20)) as fleet:
        published = jobs(8, "single", "tier1") + jobs(12, "triple", "tier2")
        run(fleet, published)
        highest = running_counts(fleet, user_of)
        check(highest == {"single": 1, "triple": 3}, f"running at once: {dict(highest)}, the limits are 1 and 3")


def priority():
    """FREE and ENTERPRISE have changed lanes: the jobs of FREE go first, whatever came first."""
    swapped = {"FREE": {"priority": "critical"}, "ENTERPRISE": {"priority": "low"}}
    with fleet_with(swapped, latency="20", slots=1, limits=(20, 5, 10, 20)) as fleet:
        # It holds the only slot until all have arrived in their lanes.
        fleet.publish(jobs(1, "plug", "tier2", "echo", sleepMs=15_000))
        fleet.wait_for_line(fleet.worker, "job=plug-0")
        run(fleet, jobs(15, "enterprise", "tier4") + jobs(15, "free", "tier1"), lane="of-no-lane")
        order = [user_of(call["key"].split("/")[0])
                 for call in sorted(fleet.calls().values(), key=lambda call: call["begin"])]
        first = order[:15].count("free")
        check(first >= 14, f"{first} of the first 15 starts are of the tier in the highest lane")  # low has a share
        return f"{first} of 15"


def monthly(name):
    """Of ten jobs those run that the quota is enough for; the rest is blocked, a tier without the quota is not."""
    limit, usage, enough = QUOTAS[name]
    with fleet_with({"FREE": {"quotas": {"monthly": {name: limit}}}}) as fleet:
        published = jobs(10, "limited", "tier1", "echo", usage=usage) + jobs(10, "free", "tier2", "echo", usage=usage)
        results = run(fleet, published)
        ended = statuses(results)
        check(ended["limited"] == {"succeeded": enough, "quota_exceeded": 10 - enough},
              f"{limit} {name}: {dict(ended['limited'])}, enough for {enough}")
        check(ended["free"] == {"succeeded": 10}, f"a tier without the quota: {dict(ended['free'])}")
        blocked = {job: event for job, event in results.items() if event["error"]}
        for event in blocked.values():
            message = event["error"]["message"]
            check(event["status"] == "blocked", f"status {event['status']}")
            check(name.replace("_", " ") in message and str(limit) in message and "release" in message,
                  f"the message does not say which quota and what releases the job: {message}")
        letters = fleet.drain("jobs.blocked")
        check({json.loads(body)["id"] for _, body in letters} == set(blocked), "jobs.blocked holds others")
        check(all(properties.headers["x-tollway-reason"] == "quota_exceeded" for properties, _ in letters),
              "another reason on a letter")
        wait_for("a row of each that ran", PATIENCE, lambda: len(fleet.rows()) >= enough + 10)
        booked = sum(1 for row in fleet.rows() if row["user_id"] == "limited")
        check(booked == enough, f"{booked} rows of the limited user")


def monthly_tokens():
    return monthly("tokens")


def monthly_audio_seconds():
    return monthly("audio_seconds")


def monthly_video_minutes():
    return monthly("video_minutes")


def monthly_jobs():
    return monthly("jobs")


def released_after_a_raise():
    """Blocked jobs start again on command, as far as the raised limit goes; without a raise they are blocked again."""
    with fleet_with({"FREE": {"quotas": {"monthly": {"jobs": 5}}}}) as fleet:
        published = jobs(10, "u", "tier1", "echo", usage={"requests": 1})
        run(fleet, published)

        def ends():
            """A run's end may be announced twice, in the same words."""
            return {(job, event["run"]) for job, events in fleet.results.by_job().items() for event in events}

        def release(expected):
            before = len(ends())
            wait_for("the blocked letters", PATIENCE, lambda: fleet.depth("jobs.blocked") == 5)
            fleet.command("blocked", "release", "--all", "--user", "u")
            wait_for("another end of each released job", PATIENCE, lambda: len(ends()) == before + 5)
            last = collections.Counter(max(events, key=lambda event: event["finishedAt"])["status"]
                                       for events in fleet.results.by_job().values())
            check(last == expected, f"after the release {dict(last)}, not {expected}")
        release({"succeeded": 5, "blocked": 5})
        fleet.assign("u", jobs=8)
        release({"succeeded": 8, "blocked": 2})
        check(len(ends()) == 20, f"20 ends are of {len(ends())} runs: each release is a new one")


def rpm():
    """The sixth start of a minute waits for the minute; a raised rate wakes it at once."""
    with fleet_with({"FREE": {"quotas": {"rateLimit": {"rpm": 6}}}}, limits=(20, 5, 10, 20)) as fleet:
        published = jobs(10, "u", "tier1")
        fleet.publish(published)
        wait_for("six starts", PATIENCE, lambda: len(starts(fleet, "u")) >= 6)
        time.sleep(1.5)  # in which nothing may start
        check(len(starts(fleet, "u")) == 6, f"{len(starts(fleet, 'u'))} starts at 6 a minute")
        wait_for("four to wait for the rate", 30, lambda: next(
            lane for lane in fleet.command("lanes")["lanes"] if lane["lane"] == "low")["waiting"].get("rate") == 4)
        fleet.assign("u", rpm=100)
        # Long before the minute is over.
        wait_for("the rest to start after the rate was raised", 25, lambda: len(starts(fleet, "u")) == 10)


def rps():
    """Five a second, and as many at once, which is the default burst."""
    with fleet_with({"FREE": {"quotas": {"rateLimit": {"rps": 5}}}}, latency="10", limits=(20, 5, 10, 20)) as fleet:
        def round_of(number):
            times = admissions(run(fleet, jobs(15, f"u{number}", "tier1")), f"u{number}")
            within_rate(times, 5, 5)
            return (times[-1] - times[0],)
        took, = medians(round_of)
        # Without a burst they take 2.8.
        check(1.9 <= took <= 2.7, f"15 starts took {took:.2f} s, 2.0 at 5 a second behind 5 at once")
        return f"{took:.3f} s, computed 2.000"


def burst():
    tiers = {"FREE": {"quotas": {"rateLimit": {"rps": 5, "burst": 1}}},
             "PRO": {"quotas": {"rateLimit": {"rps": 2, "burst": 6}}}}
    with fleet_with(tiers, latency="10", limits=(20, 20, 10, 20)) as fleet:
        def round_of(number):
            users = f"even{number}", f"bursting{number}"
            results = run(fleet, jobs(8, users[0], "tier1") + jobs(8, users[1], "tier2"))
            even, bursting = (admissions(results, user) for user in users)
            within_rate(even, 5, 1)
            within_rate(bursting, 2, 6)
            return even[-1] - even[0], bursting[5] - bursting[0], bursting[7] - bursting[0]
        even, six, eight = medians(round_of)
        # At half of the rate the first is 2.8; without its burst the second is 2.5, and the third 3.5.
        check(even <= 2.4, f"8 starts took {even:.2f} s, 1.4 at 5 a second")
        check(six <= 1.2, f"a burst of 6 took {six:.2f} s")
        check(eight <= 2.2, f"8 starts took {eight:.2f} s, 1.0 are computed")


def alerts_of(fleet):
    """Binds a queue to the alerts; what came until it is called."""
    with fleet.connection() as connection:
        channel = connection.channel()
        channel.queue_declare(fleet.name("test-alerts"), durable=True, arguments={"x-expires": 60_000})
        channel.queue_bind(fleet.name("test-alerts"), fleet.name("alerts"), "#")
    seen = []

    def read():
        seen.extend(json.loads(body) for _, body in fleet.drain("test-alerts"))
        return list(seen)
    return read


def cap(hard):
    """Thirty images of 0.04 USD under a cap of 1 USD; what ran, what ended how, and the alerts."""
    caps = {"FREE": {"cost_caps": {"monthlyUsd": 1, "hardStop": hard}}}
    with fleet_with(caps, limits=(10, 5, 10, 20)) as fleet:
        heard = alerts_of(fleet)
        alerts = lambda: sorted((alert for alert in heard() if alert["kind"] == "cost_cap"),
                                key=lambda alert: alert["threshold"])
        results = run(fleet, jobs(30, "u", "tier1", "image", prompt="a booth"))
        wait_for("a row for each call", PATIENCE, lambda: len(fleet.rows()) == len(fleet.calls()))
        wait_for("an alert of the whole cap", PATIENCE, lambda: any(alert["threshold"] == 100 for alert in alerts()))
        fleet.publish(jobs(1, "other", "tier1", "image", prompt="one more"))
        fleet.results.wait(["other-0"], PATIENCE)
        check([alert["threshold"] for alert in alerts()] == [50, 80, 95, 100], f"{len(alerts())} alerts: {alerts()}")
        return statuses(results)["u"], len(fleet.calls()) - 1, results, alerts()[-1]


def cap_hard():
    ended, calls, results, alert = cap(hard=True)
    check(ended == {"succeeded": 25, "cost_cap_reached": 5}, f"under a hard cap of 25 images: {dict(ended)}")
    check(calls == 25, f"{calls} calls")
    fault = next(event["error"] for event in results.values() if event["error"])
    check("1" in fault["message"] and "release" in fault["message"], f"the message: {fault['message']}")
    check((alert["kind"], alert["severity"], alert["userId"], alert["hardStop"]) == ("cost_cap", "error", "u", True),
          f"the alert: {alert}")


def cap_soft():
    ended, calls, _, alert = cap(hard=False)
    check(ended == {"succeeded": 30} and calls == 30, f"under a soft cap: {dict(ended)}, {calls} calls")
    check((alert["kind"], alert["severity"], alert["userId"], alert["hardStop"]) == ("cost_cap", "warning", "u", False),
          f"the alert: {alert}")
    check(float(alert["capUsd"]) == 1 and float(alert["amountUsd"]) >= 1, f"the alert: {alert}")


def default_tier():
    """Without a tier, with an unknown one, and with any where messages are not trusted: the default tier."""
    with fleet_with() as fleet:
        def tier_of(job, tier=None):
            return run(fleet, jobs(1, job, tier, "echo", a=1), lane="of-no-lane")[f"{job}-0"]["tier"]
        check(tier_of("a") == "FREE" and tier_of("b", "platinum") == "FREE", "the most restrictive tier by default")
        check(tier_of("c", "tier3") == "BUSINESS", "a claimed tier")
        reload(fleet, default_tier="PRO")
        check(tier_of("d") == "PRO" and tier_of("e", "platinum") == "PRO", "another default tier")
        reload(fleet, trust=False)
        check(tier_of("f", "tier4") == "FREE", "a claimed tier where messages are not trusted")


def aliases():
    with fleet_with(aliases={"gold": "BUSINESS", "tier1": "PRO"}) as fleet:
        published = [job for name in ("gold", "tier1", "ENTERPRISE", "tier4")
                     for job in jobs(1, f"as-{name}", name, "echo", a=1)]
        results = run(fleet, published, lane="of-no-lane")
        tiers = {job.split("-")[1]: event["tier"] for job, event in results.items()}
        expected = {"gold": "BUSINESS", "tier1": "PRO", "ENTERPRISE": "ENTERPRISE", "tier4": "FREE"}
        check(tiers == expected, f"tiers {tiers}")


def overrides():
    """Each kind of limit laid down for a user of its own, under a tier that has none of them but two at once."""
    with fleet_with(latency="1000", limits=(2, 5, 10, 20)) as fleet:
        echo = lambda user, count, **usage: jobs(count, user, "tier1", "echo", usage=usage)
        images = lambda user: jobs(5, user, "tier1", "image", prompt="a booth")
        table = {  # user: what is laid down, jobs, how they end
            "by-concurrency": ({"concurrency": 6}, jobs(18, "by-concurrency", "tier1"), {"succeeded": 18}),
            "by-tier": ({"tier": "BUSINESS"}, echo("by-tier", 1, requests=1), {"succeeded": 1}),
            "by-tokens": ({"tokens": 300}, echo("by-tokens", 5, input_tokens=100, output_tokens=50),
                          {"succeeded": 2, "quota_exceeded": 3}),
            "by-audio": ({"audio_seconds": 30}, echo("by-audio", 5, audio_seconds=9.5),
                         {"succeeded": 3, "quota_exceeded": 2}),
            "by-video": ({"video_minutes": 1}, echo("by-video", 5, video_seconds=25),
                         {"succeeded": 2, "quota_exceeded": 3}),
            "by-jobs": ({"jobs": 3}, echo("by-jobs", 5, requests=1), {"succeeded": 3, "quota_exceeded": 2}),
            "by-money": ({"monthly_usd": 0.1}, images("by-money"), {"succeeded": 2, "cost_cap_reached": 3}),
            "by-softness": ({"monthly_usd": 0.1, "hard_stop": "false"}, images("by-softness"), {"succeeded": 5}),
            "by-rps": ({"concurrency": 20, "rps": 3}, jobs(9, "by-rps", "tier1"), {"succeeded": 9}),
            "by-burst": ({"concurrency": 20, "rps": 1, "burst": 5}, jobs(7, "by-burst", "tier1"), {"succeeded": 7}),
        }
        minute = jobs(6, "by-rpm", "tier1")
        fleet.assign("by-rpm", concurrency=20, rpm=3)
        for user, (limits, _, _) in table.items():
            fleet.assign(user, **limits)
        time.sleep(1)  # after which they have to count
        fleet.publish(minute)
        results = run(fleet, [job for _, published, _ in table.values() for job in published], lane="of-no-lane")
        ended = statuses(results)
        for user, (limits, _, expected) in table.items():
            check(ended[user] == expected, f"{limits}: {dict(ended[user])}, not {expected}")
        peak = running_counts(fleet, user_of)["by-concurrency"]
        check(peak == 6, f"{peak} at once, 6 are laid down")
        check(results["by-tier-0"]["tier"] == "BUSINESS", "the tier that was laid down")
        within_rate(admissions(results, "by-rps"), 3, 3)
        early = admissions(results, "by-burst")
        within_rate(early, 1, 5)
        check(early[4] - early[0] <= 3, f"a burst of 5 took {early[4] - early[0]:.2f} s, 4 without the override")
        check(len(starts(fleet, "by-rpm")) == 3, f"{len(starts(fleet, 'by-rpm'))} starts at 3 a minute")
        taken_back = fleet.run("users", "unset", "by-rpm", "--by", "test")
        check(taken_back.returncode == 0, f"users unset: {taken_back.stderr}")
        fleet.results.wait([job["id"] for job in minute], 40)  # less than what is left of the minute, mostly


def begin_one_by_one(fleet, user, count):
    """Jobs of a user of tier1, whose limit is one: two have begun, one after the other."""
    published = jobs(count, user, "tier1")
    fleet.publish(published)
    wait_for("the first jobs to run and the others to wait", PATIENCE, lambda: len(starts(fleet, user)) >= 2)
    check(max(count for _, count in crowds(fleet, user)) == 1, "more than the tier's one job at once")
    return [job["id"] for job in published]


def eight_at_once(fleet, user, since):
    """Waits for it; how long after that moment it was so, by the provider's log."""
    def crowded():
        return [begin for begin, count in crowds(fleet, user) if count == 8]
    return wait_for("eight jobs at once", PATIENCE, crowded)[0] - since


def raised_override():
    """More at once within a second of the command, by the jobs that wait already; fewer likewise."""
    with fleet_with(latency="1500", limits=(1, 5, 10, 20)) as fleet:
        def raised(number):
            user = f"u{number}"
            published = begin_one_by_one(fleet, user, 60 if number == 0 else 20)
            fleet.assign(user, concurrency=8)
            took = eight_at_once(fleet, user, time.monotonic())
            if number == 0:
                fleet.assign(user, concurrency=2)
                settled = time.monotonic() + 1.5  # from then on it has to count, and who began before is called

                def later():
                    return [count for begin, count in crowds(fleet, user) if begin > settled]
                wait_for("starts after the limit was lowered", PATIENCE, lambda: len(later()) >= 4)
                check(max(later()) <= 2, f"{max(later())} at once a second after the limit was lowered to 2")
                fleet.assign(user, concurrency=20)
            fleet.results.wait(published, PATIENCE)
            return (took,)
        took, = medians(raised)
        # One after another, as slots come free, they would take several calls' time.
        check(took <= 2, f"eight jobs ran at once {took:.2f} s after the limit was raised")
        return f"{took:.2f} s"


def raised_policy():
    """A changed policy file wakes the jobs that wait already."""
    with fleet_with(latency="1500", limits=(1, 5, 10, 20)) as fleet:
        def raised(number):
            published = begin_one_by_one(fleet, f"u{number}", 20)
            begin = time.monotonic()
            fleet.write_policy(limits=(8, 5, 10, 20))
            took = eight_at_once(fleet, f"u{number}", begin)
            fleet.results.wait(published, PATIENCE)
            reload(fleet, limits=(1, 5, 10, 20))
            return (took,)
        took, = medians(raised)
        check(took <= 3, f"eight jobs ran at once {took:.2f} s after the policy was changed")
        return f"{took:.2f} s"


def changed_tier():
    """Waiting jobs follow their user into another tier and its lane."""
    with fleet_with(latency="1000", limits=(1, 5, 10, 20)) as fleet:
        found = collections.Counter()

        def moved(number):
            user = f"u{number}"
            published = begin_one_by_one(fleet, user, 20)
            fleet.assign(user, tier="ENTERPRISE")
            begin = time.monotonic()
            results = fleet.results.wait(published, PATIENCE)
            one_end_each(results, published)
            tiers = collections.Counter(results[each][0]["tier"] for each in published)
            check(tiers["ENTERPRISE"] >= 10, f"tiers of the results: {dict(tiers)}")
            found.update(tiers)
            return (starts(fleet, user)[-1] - begin,)
        took, = medians(moved)
        # Twenty at once of a second each; one after the other they would take eighteen.
        check(took <= 6, f"the last of 20 jobs began {took:.2f} s after their user's tier was changed")
        return dict(found)


def visibility():
    """Beta and unverified models are for the tiers that may see them."""
    models = [{"provider": "fake", "task": "llm", "model": "chat-beta", "stage": "beta", "verified": True},
              {"provider": "fake", "task": "tts", "model": "voice-new", "stage": "stable", "verified": False}]
    prices = {"chat-beta": rules.PRICES["chat-1"], "voice-new": rules.PRICES["voice-1"]}
    seen = {"PRO": {"visibility": {"showBetaModels": True, "allowUnverified": False}},
            "BUSINESS": {"visibility": {"showBetaModels": False, "allowUnverified": True}}}
    with fleet_with(seen, extra_models=models, extra_prices=prices) as fleet:
        published = [{"id": f"{tier}-{task}", "userId": tier, "taskType": task, "userTier": tier, "payload": payload}
                     for tier in ("tier1", "tier2", "tier3")
                     for task, payload in (("llm", {"prompt": "hello"}), ("tts", {"text": "hello"}))]
        found = {job: event["model"] for job, event in run(fleet, published).items()}
        expected = {"tier1-llm": "chat-1", "tier1-tts": "voice-1", "tier2-llm": "chat-beta", "tier2-tts": "voice-1",
                    "tier3-llm": "chat-1", "tier3-tts": "voice-new"}
        check(found == expected, f"models {found}")


def batch():
    """Embedding jobs that start together travel in calls of at most the tier's batch size, never with another tier."""
    sizes = {"tier1": 3, "tier2": 5, "tier3": 10, "tier4": 15}
    with fleet_with(latency="500", slots=128, limits=(None, None, None, None)) as fleet:
        fleet.stop(fleet.worker)  # so that all of them are there when one comes
        published = [{"id": f"{tier}-{number}", "userId": f"{tier}-user", "userTier": tier, "taskType": "embedding",
                      "payload": {"input": "word"}} for number in range(EMBEDDINGS) for tier in sizes]
        fleet.publish(published)
        fleet.start_worker(128)
        results = fleet.results.wait([job["id"] for job in published], PATIENCE)
        one_end_each(results, [job["id"] for job in published])
        carried = collections.defaultdict(list)
        for call in fleet.calls().values():  # a word is a token
            carried[call["key"].split("-")[0]].append(call["usage"]["prompt_tokens"])
        for tier, size in sizes.items():
            check(sum(carried[tier]) == EMBEDDINGS,
                  f"{sum(carried[tier])} inputs of {tier} in calls of its own, {EMBEDDINGS} were sent")
            check(max(carried[tier]) == size, f"the largest call of {tier} carried {max(carried[tier])}, not {size}")
        rows = wait_for("a row for each job", PATIENCE, lambda: len(fleet.rows()) == len(published) and fleet.rows())
        check(sum(row["amount_nano_usd"] for row in rows) == 20 * len(published), "the shares do not add up")
        return {tier: f"{len(calls)} calls for {EMBEDDINGS} jobs" for tier, calls in carried.items()}


if __name__ == "__main__":
    main(concurrency, batch, priority, monthly_tokens, monthly_audio_seconds, monthly_video_minutes, monthly_jobs,
         released_after_a_raise, rpm, rps, burst, cap_hard, cap_soft, default_tier, aliases, overrides,
         raised_override, raised_policy, changed_tier, visibility)
