"""Which version of a model a job gets, and what moves it: pins, trials, the emergency freeze, providers taken out by
hand. By the results, and by the provider's own log of what it was asked for, where each version has a name of its own.
"""

import collections
import json
import signal
import time

import rules
from crashes import with_own_server
from fault_cases import LONGER
from faulty import MODELS, PRICES, FaultyFleet, job
from fleet import PATIENCE, check, ledger_equals_calls, main, one_end_each, together, wait_for, whole_lines


def listing(version, task="llm", provider="first", stage="stable", verified=True):
    return {"provider": provider, "task": task, "model": MODELS[task], "version": version,
            "id": f"{MODELS[task]}-{version}", "stage": stage, "verified": verified}


def trial(version, percent, provider="first"):
    return {"provider": provider, "task": "llm", "model": MODELS["llm"], "version": version, "percent": percent}


def tier(routing="latest", pins=(), canary=False, beta=False, unverified=False, order=("first",)):
    """pins: versions of the text model at the first provider."""
    pinned = [{"provider": "first", "model": MODELS["llm"], "version": version} for version in pins]
    return {"priority": "standard",
            "model_policy": {"defaultRouting": routing, "canary": canary, "pinned": {"llm": pinned} if pins else {},
                             "providers": {task: list(order) for task in MODELS}},
            "visibility": {"showBetaModels": beta, "allowUnverified": unverified}}


class VersionFleet(FaultyFleet):
    """One provider process that plays `first` and `second`, and a policy file that can be changed."""

    def begin(self, tiers, models, canaries=(), workers=1, billing=False, **options):
        self.tiers, self.options = tiers, options
        self.start_provider()
        self.use_rules(self.policy(tiers, models, canaries), rules.costs(("first", "second"), PRICES))
        if billing:
            self.start_billing()
        self.workers = [self.start_worker(16) for _ in range(workers)]
        self.results.listen()

    def policy(self, tiers, models, canaries):
        providers = {name: {"kind": "openai", "base_url": f"http://127.0.0.1:{self.provider_port}/{name}/v1",
                            **self.options} for name in ("first", "second")}
        return json.dumps({"version": 1, "default_tier": next(iter(tiers)), "tiers": tiers, "providers": providers,
                           "models": models, "canaries": list(canaries)})  # JSON is YAML

    def change_file(self, models, canaries=(), meanwhile=lambda: None, **tiers):
        """Until every worker goes by it. meanwhile: while they find out."""
        line = "policy file changed and is in force"
        counts = [(worker, whole_lines(worker.log).count(line)) for worker in self.workers]
        (self.directory / "policy.yml").write_text(self.policy({**self.tiers, **tiers}, models, canaries))
        meanwhile()
        for worker, count in counts:
            self.wait_for_line(worker, line, count + 1)

    def tell(self, *words):
        """Runs a command that has to succeed; when it ended."""
        done = self.run(*words)
        check(done.returncode == 0, f"tollway {' '.join(words)}: {done.stderr}")
        return time.monotonic()

    def finish(self, jobs, seconds=2 * PATIENCE):
        """Publishes them; how each ended."""
        self.publish(jobs, lane="standard")
        ids = [each["id"] for each in jobs]
        events = self.results.wait(ids, seconds)
        one_end_each(events, ids)
        return {each: events[each][0] for each in ids}

    def asked_for(self):
        """job -> what providers were asked for on its behalf, in turn: (provider, model by the provider's name)."""
        return {name: [(call["path"], call["model"]) for call in calls]
                for name, calls in self.calls_by("job").items()}

    def serving(self, prefix):
        """The workers that took jobs whose ids begin so."""
        return [worker for worker in self.workers if f"job={prefix}" in whole_lines(worker.log)]

    def stays(self, expected, name, seconds):
        """Jobs of each tier for so long, by every worker: tier -> where all of them go."""
        found, _ = self._stream(name, list(expected), seconds)
        moved = {each: where for each, where in found.items() if where != expected[each.split("-")[1]]}
        check(not moved, f"{name}: {len(moved)} of {len(found)} moved: {dict(list(moved.items())[:3])}")
        check(len(self.serving(name)) == len(self.workers), f"{name}: not every worker took part")

    def follows(self, command, expected, name):
        """The command, then jobs of each tier: by one second later all go where they are expected. How late it was."""
        done = self.tell(*command)
        found, begins = self._stream(name, list(expected), 2.5)
        others = {each: where for each, where in found.items() if where != expected[each.split("-")[1]]}
        late = max((begins[each] - done for each in others), default=0)
        check(late < 1, f"{late:.2f} s after {command} jobs still go elsewhere: {list(others.items())[-2:]}")
        check(len(self.serving(name)) == len(self.workers), f"{name}: not every worker took part")
        return round(late, 2)

    def _stream(self, name, tiers, seconds):
        begins, end, number = {}, time.monotonic() + seconds, 0
        while time.monotonic() < end or number < 8:  # enough for each worker, however long it takes to publish them
            batch = [{**job(number, each), "id": f"{name}-{each}-{number}"} for each in tiers]
            begins |= {each["id"]: time.monotonic() for each in batch}
            self.publish(batch, lane="standard")
            number += 1
            time.sleep(0.05)  # twenty a second
        events = self.results.wait(begins, PATIENCE)
        one_end_each(events, begins)
        asked = self.asked_for()
        for each in begins:
            event = events[each][0]
            check(event["status"] == "succeeded", f"{each}: {event['error']}")
            said = (event["provider"], f"{event['model']}-{event['modelVersion']}")
            check(asked[each][-1] == said, f"{each}: the result says {said}, the provider {asked[each]}")
        return {each: (events[each][0]["provider"], events[each][0]["modelVersion"]) for each in begins}, begins


def skipped(event):
    """version -> why it was passed over before the first attempt."""
    return {skip["version"]: skip["reason"] for skip in event["attempts"][0].get("skipped", [])}


def pins_and_versions():
    """The version of each routing, by semantic versions, days and words; what a tier may not see is no version."""
    models = [listing("1.9.0"), listing("1.10.0"), listing("1.2.0"), listing("2.1.0", stage="beta"), listing("2.0.0"),
              listing("2.2.0", verified=False), listing("3.0.0", stage="retired"),
              *(listing(version, "embedding") for version in ("2025-08-07", "20251101", "2025-01-31")),
              *(listing(version, "image") for version in ("winter", "summer"))]
    tiers = {"newest": tier(), "curious": tier(beta=True), "brave": tier(unverified=True),
             "minor": tier("allow_minor"), "minorOfTwo": tier("allow_minor", ["2.0.0"]),
             "minorWithBeta": tier("allow_minor", ["2.0.0"], beta=True), "pinned": tier("pinned", ["1.2.0"]),
             "secondPin": tier("pinned", ["2.1.0", "1.9.0"]),
             "retired": tier("pinned", ["3.0.0"])}
    expected = {"newest": "2.0.0", "curious": "2.1.0", "brave": "2.2.0", "minor": "1.10.0", "minorOfTwo": "2.0.0",
                "minorWithBeta": "2.1.0", "pinned": "1.2.0", "secondPin": "1.9.0", "retired": "3.0.0"}
    others = {("newest", "embedding"): "20251101", ("minor", "embedding"): "20251101", ("newest", "image"): "summer",
              ("minor", "image"): "winter"}
    reasons = {"newest": {"1.9.0": "pin", "1.10.0": "pin", "1.2.0": "pin", "2.1.0": "visibility",
                          "2.2.0": "visibility", "3.0.0": "visibility"},
               "curious": {"2.0.0": "pin", "2.2.0": "visibility"}, "brave": {"2.1.0": "visibility"},
               "minor": {"2.0.0": "pin", "2.1.0": "visibility"}, "pinned": {"1.10.0": "pin", "2.0.0": "pin"},
               "secondPin": {"1.10.0": "pin"}}
    with VersionFleet("versions") as fleet:
        fleet.begin(tiers, models)
        wanted = {(name, "llm"): version for name, version in expected.items()} | others
        published = [{**job(0, name, task), "id": f"{name}-{task}"} for name, task in wanted]
        events = fleet.finish([*published, job(1, "pinned", "embedding")])
        asked = fleet.asked_for()
        for (name, task), version in wanted.items():
            event = events[f"{name}-{task}"]
            check(event["modelVersion"] == version, f"{name}, {task}: {event['modelVersion']}, not {version}")
            check(asked[f"{name}-{task}"] == [("first", f"{MODELS[task]}-{version}")],
                  f"{name}, {task}: the provider was asked for {asked[f'{name}-{task}']}")
        for name, wanted_reasons in reasons.items():
            found = skipped(events[f"{name}-llm"])
            check(found.items() >= wanted_reasons.items(), f"{name}: skipped {found}, not {wanted_reasons}")
        unpinned = events["pinned-1"]["error"]
        check(unpinned and unpinned["code"] == "no_route", f"a pinned tier without a pin for the task: {unpinned}")


def canary(users=100, rounds=5):
    """At half of the users, each stays on one side, in whichever worker; a larger share keeps everybody who was in."""
    models = [listing("1.0.0"), listing("2.0.0")]
    tiers = {"BUSINESS": tier(canary=True), "PRO": tier(canary=False)}
    with VersionFleet("canary") as fleet:
        fleet.begin(tiers, models, [trial("2.0.0", 50)], workers=2)

        def sides(name, count):
            """tier -> user -> the versions that the user got, by the results and by the provider."""
            published = [{**job(0, code), "id": f"{name}-{code}-{user}-{number}", "userId": f"{code}-{user}"}
                         for number in range(count) for code in tiers for user in range(users)]
            events = fleet.finish(published, 3 * PATIENCE)
            found, asked = {code: collections.defaultdict(set) for code in tiers}, fleet.asked_for()
            for each in published:
                event = events[each["id"]]
                check(event["status"] == "succeeded", f"{each['id']}: {event['error']}")
                version, places = event["modelVersion"], asked[each["id"]]
                found[each["userTier"]][each["userId"]] |= {version}
                check(places == [("first", f"chat-1-{version}")],
                      f"{each['id']}: version {version}, but the provider was asked for {places}")
                other = "1.0.0" if version == "2.0.0" else "2.0.0"
                check(skipped(event).get(other) == "canary", f"{each['id']}: skipped {skipped(event)}")
            return found
        found = sides("half", rounds)
        check(len(fleet.serving("half")) == 2, "one worker took all jobs")
        both = [user for user, versions in found["BUSINESS"].items() if len(versions) > 1]
        check(not both, f"{len(both)} of {users} users were on both sides: {both[:3]}")
        cohort = {user for user, versions in found["BUSINESS"].items() if versions == {"2.0.0"}}
        check(0.35 * users <= len(cohort) <= 0.65 * users, f"{len(cohort)} of {users} users get the version on trial")
        check(all(versions == {"1.0.0"} for versions in found["PRO"].values()), "a tier without trials got one")
        fleet.change_file(models, [trial("2.0.0", 75)])
        larger = {user for user, versions in sides("more", 1)["BUSINESS"].items() if versions == {"2.0.0"}}
        check(cohort < larger, f"{len(cohort - larger)} users left the trial when its share grew, {len(larger)} are in")
        return f"{len(cohort)} of {users}, then {len(larger)}"


BEFORE, AFTER = [listing("1.0.0")], [listing("3.0.0"), listing("1.0.0"), listing("2.0.0")]
NEW = {"models": AFTER, "canaries": [trial("3.0.0", 100)], "pinned": tier("pinned", ["2.0.0"])}


def freeze():
    """While it lasts nothing in the file moves a version, in no worker; a second after its end the file counts."""
    tiers = {"newest": tier(), "trying": tier(canary=True), "minor": tier("allow_minor"),
             "pinned": tier("pinned", ["1.0.0"])}
    held = {name: ("first", "1.0.0") for name in tiers}
    with VersionFleet("freeze") as fleet:
        fleet.make_ledger()
        fleet.begin(tiers, BEFORE, workers=2)
        fleet.stays(held, "before", 0.3)
        fleet.tell("freeze", "on", "--by", "test", "--reason", "scenario")
        fleet.change_file(**NEW, meanwhile=lambda: fleet.stays(held, "changing", 1))
        fleet.stays(held, "frozen", 1)
        event = fleet.results.by_job()["frozen-newest-0"][0]
        check(skipped(event) == {"2.0.0": "freeze", "3.0.0": "freeze"}, f"skipped {skipped(event)}")
        status = fleet.command("freeze", "status")
        check((status["state"], status["redis"]) == ("on", "agrees"), f"the status is {status}")
        # No version of a higher major number, and the only tier that takes part in trials gets the one on trial.
        free = {"newest": ("first", "2.0.0"), "trying": ("first", "3.0.0"), "minor": ("first", "1.0.0"),
                "pinned": ("first", "2.0.0")}
        return {"off after": fleet.follows(("freeze", "off", "--by", "test"), free, "free")}


def held_through_a_loss():
    """Redis forgets everything while the fleet is frozen and a provider is held: billing says so again before the next
    job starts, also to a worker that never knew."""
    models = [listing("1.0.0", provider=name) for name in ("first", "second")]
    newer = models + [listing("2.0.0", provider=name) for name in ("first", "second")]

    def body(server):
        with VersionFleet("heldlong", redis_url=server.url) as fleet:
            fleet.begin({"newest": tier(order=["first", "second"])}, models, billing=True)
            fleet.tell("freeze", "on", "--by", "test")
            fleet.tell("providers", "hold", "first", "--by", "test")
            fleet.change_file(newer)
            fleet.stays({"newest": ("second", "1.0.0")}, "before", 0.3)
            fleet.redis().flushall()
            lost = time.monotonic()
            fleet.stop(fleet.workers.pop())
            fleet.workers.append(fleet.start_worker(16))
            events = fleet.finish([job(number, "newest") for number in range(20)])
            back = time.monotonic() - lost
            found = {(event["provider"], event["modelVersion"]) for event in events.values()}
            check(found == {("second", "1.0.0")}, f"after the loss jobs went to {found}")
            check(fleet.command("freeze", "status")["redis"] == "agrees", "Redis was not told of the freeze")
            return {"jobs after": round(back, 1)}
    return with_own_server("redis", body)


def hold():
    """A provider that is taken out by hand gets no job a second later, and one that is released gets them again."""
    models = [listing("1.0.0", provider=name) for name in ("first", "second")]
    with VersionFleet("hold") as fleet:
        fleet.make_ledger()
        fleet.begin({"single": tier(order=["first", "second"])}, models, workers=2)
        first, second = ({"single": (name, "1.0.0")} for name in ("first", "second"))
        fleet.stays(first, "before", 0.3)
        out = fleet.follows(("providers", "hold", "first", "--by", "test", "--reason", "scenario"), second, "held")
        last = max(fleet.results.by_job().items(), key=lambda item: item[1][0]["finishedAt"])[1][0]
        trail = [(skip["provider"], skip["reason"]) for skip in last["attempts"][0].get("skipped", [])]
        check(trail == [("first", "breaker")], f"skipped {trail}")
        row = next(row for row in fleet.command("providers") if row["provider"] == "first")
        check((row["state"], row["by"], row["note"]) == ("held", "test", "scenario"), f"tollway providers: {row}")
        back = fleet.follows(("providers", "release", "first", "--by", "test"), first, "released")
        return {"held after": out, "released after": back}


def canary_gone(users=20):
    """The provider does not have the version on trial: users of the stable one never notice."""
    models = [listing("1.0.0"), listing("2.0.0"), listing("1.0.0", provider="second")]
    with VersionFleet("gone") as fleet:
        fleet.begin({"BUSINESS": tier(canary=True, order=["first", "second"])}, models, [trial("2.0.0", 50)], workers=2)

        def run(name):
            return fleet.finish([{**job(0, "BUSINESS"), "id": f"{name}-{user}", "userId": f"user-{user}"}
                                 for user in range(users)])
        cohort = {each.partition("-")[2] for each, event in run("well").items() if event["modelVersion"] == "2.0.0"}
        check(0 < len(cohort) < users, f"{len(cohort)} of {users} users are in the trial")
        fleet.control(model="chat-1-2.0.0", script=["404"])
        for number in range(4):
            for each, event in run(f"round{number}").items():
                places = fleet.asked_for()[each]
                if each.partition("-")[2] in cohort:
                    check(event["status"] == "succeeded" and event["provider"] == "second",
                          f"{each}, in the trial: {event['status']} at {event['provider']}, {event['error']}")
                else:
                    check(places == [("first", "chat-1-1.0.0")], f"{each}, not in the trial, went to {places}")
        tried = [call for call in fleet.calls().values() if call["model"] == "chat-1-2.0.0" and call["status"] == 404]
        check(len(tried) <= len(cohort), f"{len(tried)} calls of a version that the provider does not have")
        states = {(row["model"], row["state"]) for row in fleet.command("providers") if row["provider"] == "first"}
        check((None, "serving") in states, f"the provider as a whole: {states}")
        return {"in the trial": len(cohort), "calls of it": len(tried)}


def continued_after_failure(jobs=2):
    """A video whose first attempt failed and whose second is polled when the worker dies: it goes on, and both attempts
    have their rows. Fewer jobs than a breaker counts."""
    with VersionFleet("continued") as fleet:
        fleet.begin({"buyer": tier()}, [listing("1.0.0", "video")], billing=True, **LONGER)
        fleet.control(path="first", script=["503", "ok"], per="job", video_seconds=20)
        published = [job(number, "buyer", "video") for number in range(jobs)]
        fleet.publish(published, lane="standard")
        wait_for("all clips to be polled", PATIENCE, lambda: len({line["of"] for line in fleet.lines()
                                                           if line["event"] == "poll"}) == jobs)
        doomed = fleet.workers.pop()
        doomed.send_signal(signal.SIGKILL)
        doomed.wait()
        check(not fleet.results.events, f"a job had ended already: {fleet.results.events[:1]}")
        fleet.workers.append(fleet.start_worker(4))
        ids = [each["id"] for each in published]
        events = fleet.results.wait(ids, 2 * PATIENCE)
        one_end_each(events, ids)
        ledger_equals_calls(fleet)
        outcomes = ["failed", "success"]
        for each in ids:
            event = events[each][0]
            tried = [attempt["outcome"] for attempt in event["attempts"]]
            check(tried == outcomes, f"{each}: {event['status']}, its attempts are {tried}")
            rows = sorted((row for row in fleet.rows() if row["job_id"] == each), key=lambda row: row["attempt"])
            check([row["outcome"] for row in rows] == outcomes, f"{each}: rows {[row['outcome'] for row in rows]}")
        bought = [call for call in fleet.calls().values() if call["status"] == 200]
        check(len(bought) == jobs, f"{len(bought)} clips were bought, {jobs} are wanted")
        wait_for("billing to book all that was reserved", PATIENCE,
                 lambda: not [key for key in fleet.keys() if ":open:" in key])


TURNS = [pins_and_versions, canary, freeze, hold, canary_gone]
LONG = [held_through_a_loss, continued_after_failure]  # mostly waits for half a minute to pass


def versions():
    """All of it: those that measure time one after the other, beside those that wait."""
    return together({scenario.__name__: scenario for scenario in LONG + TURNS}, at_once=len(LONG) + 1)


if __name__ == "__main__":
    main(versions, by_name_only=LONG + TURNS)
