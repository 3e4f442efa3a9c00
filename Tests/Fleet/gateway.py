"""The gateway: whole processes, keys made by the command, jobs sent by Python's own HTTP client."""

import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import re
import time

import rules
from fleet import PATIENCE, Fleet, check, main, wait_for, whole_lines

HOLD = 30  # seconds for which a Redis that lost its memory says nothing


@contextlib.contextmanager
def fleet_with(tiers=None, billing=True, **options):
    with Fleet("gateway") as fleet:
        fleet.start_provider("--latency-ms", "20")
        fleet.use_rules(rules.policy(fleet.provider_port, tiers=tiers, **options), rules.costs())
        fleet.worker = fleet.start_worker(48)
        if billing:
            fleet.start_billing()
        fleet.results.listen()
        yield fleet


def start_gateway(fleet, address="127.0.0.1:0", **environment):
    process = fleet.start("gateway", environment={"TOLLWAY_GATEWAY": address, **environment})
    fleet.wait_for_line(process, "gateway listens")
    process.port = int(re.search(r"gateway listens.*address=\S*?:(\d+)", whole_lines(process.log))[1])
    return process


def make_key(fleet, scopes="submit,read", users="*", name="scenario"):
    """(id, secret)"""
    made = fleet.command("keys", "create", "--name", name, "--scopes", scopes, "--users", users, "--by", "test")
    return made["key"]["id"], made["secret"]


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def problem(self):
        check(self.headers.get("content-type") == "application/problem+json", f"{self.status} is no problem: {self.text}")
        return self.json["type"].removeprefix("urn:tollway:problem:")


def send(gateway, method, path, secret=None, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE)
    try:
        if secret:
            headers["Authorization"] = f"Bearer {secret}"
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(body)
        connection.request(method, path, body=body, headers=headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def submit(gateway, job, secret=None, **headers):
    return send(gateway, "POST", "/v1/jobs", secret, job, **headers)


def job(user, name=None, tier=None, **payload):
    claim = {"userTier": tier} if tier else {}
    return {**({"id": name} if name else {}), "userId": user, "taskType": "llm", "payload": payload or {"prompt": "hi"},
            **claim}


def until_asked(gateway):
    wait_for("a key is asked for", PATIENCE, lambda: submit(gateway, job("ana")).status == 401)


def from_request_to_bill():
    """A job that comes in by HTTP runs once and is booked once; sent again it is the same job."""
    with fleet_with() as fleet:
        gateway = start_gateway(fleet)
        first = submit(gateway, job("ana", tier="tier3"))
        check(first.status == 202, f"{first.status} {first.text}")
        check(first.json["lane"] == "high" and first.json["tier"] == "BUSINESS" and first.json["priority"] == 3,
              f"accepted as {first.text}")
        check(first.headers["location"] == f"/v1/jobs/{first.json['id']}", f"location {first.headers.get('location')}")
        again = [submit(gateway, job("ana"), **{"Idempotency-Key": "order 7"}) for _ in range(3)]
        ids = {answer.json["id"] for answer in again}
        check([answer.status for answer in again] == [202] * 3 and len(ids) == 1, f"the same request became {ids}")
        ids |= {first.json["id"]}
        results = fleet.results.wait(ids, PATIENCE)
        check({results[name][0]["status"] for name in ids} == {"succeeded"}, f"{results}")
        wait_for("each is booked once", PATIENCE, lambda: sorted(row["job_id"] for row in fleet.rows()) == sorted(ids))
        other = submit(gateway, job("ana", first.json["id"], prompt="another"))
        check(other.status == 409 and other.problem == "id-conflict", f"another body: {other.status} {other.text}")
        check(fleet.stop(gateway) == 0, "the gateway did not end as it should")


def keys_decide():
    """What a key may do and for whom; a revoked one is refused within a second, by every gateway."""
    with fleet_with() as fleet:
        gateways = [start_gateway(fleet) for _ in range(2)]
        check(submit(gateways[0], job("ana")).status == 202, "without keys the local operator is refused")
        identity, studio = make_key(fleet, users="studio-*")
        _, reader = make_key(fleet, scopes="read")
        for gateway in gateways:
            until_asked(gateway)
        check(submit(gateways[0], job("studio-1"), studio).status == 202, "the key's own user is refused")
        foreign = submit(gateways[0], job("ana"), studio)
        check(foreign.status == 403 and foreign.problem == "forbidden", f"another user: {foreign.status}")
        check(submit(gateways[0], job("studio-1"), reader).status == 403, "a key that may only read sends jobs")
        wrong = submit(gateways[0], job("studio-1"), studio[:-1] + ("a" if studio[-1] != "a" else "b"))
        check(wrong.status == 401 and wrong.headers["www-authenticate"] == "Bearer", f"a wrong secret: {wrong.status}")
        for gateway in gateways:  # so that both have it in mind
            check(submit(gateway, job("studio-1"), studio).status == 202, "the key is refused too early")
        revoked = fleet.run("keys", "revoke", identity, "--reason", "scenario")
        begin = time.monotonic()
        check(revoked.returncode == 0, revoked.stderr)
        taken, slowest = [0], 0

        def is_refused(gateway):
            nonlocal slowest
            asked = time.monotonic() - begin
            status = submit(gateway, job("studio-1"), studio).status
            slowest = max(slowest, time.monotonic() - begin - asked)
            taken.append(asked if status == 202 else 0)
            return status == 401

        for gateway in gateways:
            wait_for("the revoked key is refused", PATIENCE, lambda: is_refused(gateway), pause=0.02)
        # What a gateway knows is a second old, and as much older as Redis took to say it.
        check(max(taken) <= 1 + slowest, f"a request of {max(taken):.2f} s after the key was revoked was taken")
        check(fleet.run("keys", "revoke", "nobody").returncode == 1, "an unknown key was revoked")
        listed = fleet.command("keys", "list")
        check([row["revoked"] is not None for row in listed if row["id"] == identity] == [True], f"the list: {listed}")
        logs = "".join(gateway.log.read_text() for gateway in gateways)
        check(studio not in logs and studio[-43:] not in logs and reader[-43:] not in logs, "a log has a secret")
        check(identity in logs, "the log does not say which key it was")
        return f"the last one taken came {max(taken):.2f} s after the command"


def redis_forgets():
    """FLUSHALL: no grants and no keys until the hold ends, then the same keys as before; a revoked one stays revoked."""
    with fleet_with() as fleet:
        gateway = start_gateway(fleet)
        _, secret = make_key(fleet)
        gone, leaked = make_key(fleet)
        until_asked(gateway)
        check(fleet.run("keys", "revoke", gone).returncode == 0, "not revoked")
        for key in fleet.keys():
            fleet.redis().delete(key)
        begin = time.monotonic()
        wait_for("the gateway says that it cannot tell", PATIENCE, lambda: submit(gateway, job("ana")).status == 503)
        answer = submit(gateway, job("ana"), secret)
        if answer.status == 503:  # it is the hold that says so, and for how long
            check(1 <= int(answer.headers["retry-after"]) <= HOLD, f"Retry-After {answer.headers.get('retry-after')}")
        wait_for("the key is known again", HOLD + PATIENCE, lambda: submit(gateway, job("ana"), secret).status == 202)
        took = time.monotonic() - begin
        check(took > HOLD - 5, f"it came in after {took:.0f} s, within the hold")
        check(submit(gateway, job("ana")).status == 401, "without a key it comes in")
        check(submit(gateway, job("ana"), leaked).status == 401, "the revoked key is back")
        return f"after {took:.1f} s"


def nobody_says():
    """Redis and its memory of the keys are gone and nobody copies them: a gateway that starts then does not take that for
    a fleet without keys. One of a fleet that never had a key goes on."""
    with fleet_with(billing=False) as fleet:
        gateway = start_gateway(fleet)
        check(submit(gateway, job("ana")).status == 202, "a fleet without keys and without billing does not work")

        def forget():
            for key in fleet.keys():
                fleet.redis().delete(key)
            wait_for("the hold is noticed", PATIENCE, lambda: submit(gateway, job("ana")).status == 503)

        forget()
        wait_for("the local operator is let in again", HOLD + PATIENCE, lambda: submit(gateway, job("ana")).status == 202)
        _, secret = make_key(fleet)
        until_asked(gateway)
        forget()
        fleet.stop(gateway)
        gateway = start_gateway(fleet)
        wait_for("the hold is over", HOLD + PATIENCE, lambda: "Redis has lost the API keys" in
                 (submit(gateway, job("ana")), gateway.log.read_text())[1])
        for answer in (submit(gateway, job("ana")), submit(gateway, job("ana"), secret)):
            check(answer.status == 503 and answer.problem == "unavailable", f"{answer.status} {answer.text}")
        fleet.start_billing()
        wait_for("billing has copied the key", PATIENCE, lambda: submit(gateway, job("ana"), secret).status == 202)
        check(submit(gateway, job("ana")).status == 401, "without a key it comes in")


def where_it_listens():
    """Without keys nowhere but on this machine, and only for those who call it by its own name."""
    with fleet_with(billing=False) as fleet:
        refused = fleet.run("gateway", "--address", "0.0.0.0:0")
        check(refused.returncode == 2 and "tollway keys create" in refused.stderr, f"{refused.returncode} {refused.stderr}")
        gateway = start_gateway(fleet)
        check(submit(gateway, job("ana"), Host="tollway.example").status == 421, "it answers to a foreign name")
        check(fleet.run("gateway", "--address", f"127.0.0.1:{gateway.port}").returncode == 1, "a port was given twice")
        _, secret = make_key(fleet)
        everywhere = start_gateway(fleet, "0.0.0.0:0")
        check(submit(everywhere, job("ana"), secret, Host="tollway.example").status == 202, "the key is refused")
        check(submit(everywhere, job("ana")).status == 401, "without a key it comes in")


def door():
    """Of 200 requests at once those come in that burst and rate allow; each other gets 429 and the time to wait."""
    burst, rps = 20, 2
    tiers = {"PRO": {"quotas": {"concurrency": 5, "rateLimit": {"rps": rps, "burst": burst}}}}
    with fleet_with(tiers) as fleet:
        gateways = [start_gateway(fleet) for _ in range(2)]
        _, secret = make_key(fleet)
        for gateway in gateways:
            until_asked(gateway)
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            answers = list(pool.map(
                lambda n: submit(gateways[n % 2], job("crowd", f"crowd-{n}", "tier2"), secret), range(200)))
        took = time.monotonic() - begin
        taken = [answer for answer in answers if answer.status == 202]
        refused = [answer for answer in answers if answer.status == 429]
        check(len(taken) + len(refused) == 200, f"{sorted({answer.status for answer in answers})}")
        check(burst <= len(taken) <= burst + rps * took + 1, f"{len(taken)} came in within {took:.1f} s")
        check(all(answer.problem == "rate-limited" and int(answer.headers["retry-after"]) >= 1 for answer in refused),
              "a refusal does not say how long to wait")
        check('"rps";q=2' in refused[0].headers["ratelimit-policy"], f"{refused[0].headers}")
        ids = [answer.json["id"] for answer in taken]
        fleet.results.wait(ids, 2 * PATIENCE)
        wait_for("those that came in are booked", PATIENCE,
                 lambda: sorted(row["job_id"] for row in fleet.rows()) == sorted(ids))
        return f"{len(taken)} of 200 in {took:.1f} s"


def cannot_be_read():
    """A message that no worker can read ends the job that came in with these very bytes, and no other: it is not
    shown as queued for ever, and its stream ends."""
    with Fleet("gateway") as fleet:
        fleet.start_provider("--latency-ms", "20")
        fleet.use_rules(rules.policy(fleet.provider_port), rules.costs())
        gateway = start_gateway(fleet)
        names = ["spoiled", "whole", "grown"]
        for name in names:
            accepted = submit(gateway, job("ana", name))
            check(accepted.status == 202, f"{name}: {accepted.status} {accepted.text}")
            check(accepted.json["expectedStart"] is None, f"without a worker it starts at {accepted.json}")
        letters = {json.loads(body)["id"]: (properties, body) for properties, body in fleet.drain("jobs.low")}
        huge = b" " * (1 << 20) + letters["grown"][1]
        mark = next(key for key in fleet.keys() if key.endswith("door:job:grown"))
        words = fleet.redis().get(mark).split()
        words[1] = hashlib.sha256(huge).hexdigest()[:32].encode()
        fleet.redis().set(mark, b" ".join(words), keepttl=True)
        with fleet.connection() as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            text = "application/json"
            spoiled = letters["spoiled"][1]
            for name, body, kind in (("spoiled", spoiled, "text/plain"), ("whole", b"{", text), ("grown", huge, text)):
                fleet.publish_raw(channel, "low", body, message_id=name, content_type=kind)
        fleet.worker = fleet.start_worker(4)
        for name in ("spoiled", "grown"):
            path = f"/v1/jobs/{name}"
            wait_for(f"{name} is dead", PATIENCE, lambda: send(gateway, "GET", path).json["status"] == "dead")
            status = send(gateway, "GET", path).json
            check(status["error"]["code"] == "invalid_message" and status["userId"] == "ana", f"{name}: {status}")
            events = send(gateway, "GET", f"{path}/events").text
            check("event: result" in events, f"the stream of {name} ended with {events[-300:]}")
        wait_for("three letters", PATIENCE, lambda: fleet.depth("jobs.dead") == 3)
        other = send(gateway, "GET", "/v1/jobs/whole").json
        check(other["status"] == "queued", f"a foreign message ended the job: {other}")


if __name__ == "__main__":
    main(from_request_to_bill, keys_decide, redis_forgets, nobody_says, where_it_listens, door, cannot_be_read)
