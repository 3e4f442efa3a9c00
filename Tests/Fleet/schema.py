"""The gateway against the OpenAPI document that it serves: schemathesis makes up requests, good and bad ones, and what is
answered must be documented. And what a key may not see it does not see, whichever path is asked."""

import contextlib
import json
import os
import re
import subprocess
import sys

import rules
from fleet import PATIENCE, ROOT, Fleet, check, main, wait_for
from gateway import job, make_key, send, start_gateway, submit, until_asked

REQUESTS = 12  # of one kind, for each operation
TOO_LONG = 300  # seconds that one run of schemathesis may take on a busy machine
STARTS = {"/v1/jobs": "jobs", "/v1/stories": "stories", "/v1/users": "users", "/v1/admin/users": "users"}
STORY = {"script": {"scenes": [{"narration": "Once upon a time."}]}}


@contextlib.contextmanager
def fleet_with_past():
    """A fleet in which ana has a job that succeeded, one that failed, one with a file and a story; nothing goes on."""
    with Fleet("schema") as fleet:
        fleet.start_provider("--latency-ms", "5")
        fleet.use_rules(rules.policy(fleet.provider_port, limits=(None, None, None, None)), rules.costs())
        fleet.start_worker(32)
        fleet.start_billing()
        fleet.results.listen()
        fleet.gateway = start_gateway(fleet)
        fleet.known = {"users": ["ana"], "jobs": past_jobs(fleet.gateway), "stories": [past_story(fleet.gateway)]}
        fleet.results.wait(fleet.known["jobs"], PATIENCE)
        path = f"/v1/stories/{fleet.known['stories'][0]}"
        wait_for("the story is over", 2 * PATIENCE, lambda: send(fleet.gateway, "GET", path).json["status"] == "failed")
        _, fleet.admin = make_key(fleet, scopes="admin", name="admin")
        _, fleet.stranger = make_key(fleet, scopes="submit,read", users="studio-*", name="studio")
        until_asked(fleet.gateway)
        yield fleet


def past_jobs(gateway):
    ids = [submit(gateway, job("ana", name, prompt=prompt)).json["id"]
           for name, prompt in (("good", "hi"), ("bad", "fault-filter hi"))]
    speech = {"id": "spoken", "userId": "ana", "taskType": "tts", "payload": {"text": "Once upon a time."}}
    return ids + [submit(gateway, speech).json["id"]]


def past_story(gateway):
    """No provider makes a film here: it fails."""
    answer = send(gateway, "POST", "/create-story", body={**STORY, "userId": "ana"})
    check(answer.status == 202, f"the story: {answer.status} {answer.text}")
    return answer.json["storyId"]


def schemathesis(fleet, secret, seed):
    """The number of requests it sent; a failure with its report when something was answered that is not documented."""
    known = {start: fleet.known[kind] for start, kind in STARTS.items()}
    environment = {"PATH": os.environ["PATH"], "HOME": str(fleet.directory), "PYTHONPATH": str(ROOT / "Tests/Fleet"),
                   "SCHEMATHESIS_HOOKS": "known_ids", "TOLLWAY_KNOWN_IDS": json.dumps(known)}
    base = f"http://127.0.0.1:{fleet.gateway.port}"
    checks = ["not_a_server_error", "status_code_conformance", "content_type_conformance",
              "response_headers_conformance", "response_schema_conformance", "unsupported_method",
              "allow_header_conformance", "ignored_auth"]
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{base}/openapi.json", "--no-color", "--seed", str(seed),
         "--header", f"Authorization: Bearer {secret}", "--checks", ",".join(checks), "--warnings", "off",
         "--max-examples", str(REQUESTS), "--request-timeout", "30", "--continue-on-failure", "--no-shrink",
         "--generation-database", "none"],
        env=environment, cwd=fleet.directory, capture_output=True, text=True, timeout=TOO_LONG)
    check(done.returncode == 0, f"schemathesis with the seed {seed}:\n{done.stdout[-12_000:]}{done.stderr[-2000:]}")
    check(fleet.gateway.poll() is None, "the gateway ended")
    return done.stdout


def sent(report):
    """How many requests stand in the report."""
    found = re.search(r"(\d+) generated", report)
    return int(found[1]) if found else 0


def as_documented(seed=7):
    """With an admin's key, and with the key of other users: nothing fails inside, and no answer is undocumented. Another
    seed asks for other things: `as_documented seed=8`."""
    with fleet_with_past() as fleet:
        requests = [sent(schemathesis(fleet, secret, seed)) for secret in (fleet.admin, fleet.stranger)]
        log = fleet.gateway.log.read_text()
        check("request failed" not in log, "a request failed inside the gateway: its log tells")
        check(min(requests) > 100, f"only {requests} requests were sent")
        return f"{requests[0]} and {requests[1]} requests, seed {seed}"


def not_for_strangers():
    """Every path that is documented, asked about ana with a key that is not for her: nothing is told of her, and nothing
    of hers is changed."""
    with fleet_with_past() as fleet:
        document = send(fleet.gateway, "GET", "/openapi.json").json
        asked = 0
        for path, methods in document["paths"].items():
            start = next((start for start in STARTS if path.startswith(start + "/{id}")), None)
            names = fleet.known[STARTS[start]] if start else ["ana"] if path.startswith("/v1/admin") else []
            for name in names:
                for method in (method.upper() for method in methods if method in ("get", "put", "post", "delete")):
                    body = {"reason": "scenario"} if method in ("PUT", "POST") else None
                    answer = send(fleet.gateway, method, path.replace("{id}", name), fleet.stranger, body)
                    refusal = (403, "forbidden") if path.startswith("/v1/admin") else (404, "not-found")
                    check((answer.status, answer.problem) == refusal, f"{method} {path} of {name}: {answer.status}")
                    asked += 1
        for path, body in (("/v1/jobs", job("ana", "foreign")), ("/create-story", {**STORY, "userId": "ana"})):
            answer = send(fleet.gateway, "POST", path, fleet.stranger, body)
            check(answer.status == 403 and answer.problem == "forbidden", f"POST {path}: {answer.status}")
        check(asked >= 16, f"only {asked} requests were made")
        states = [send(fleet.gateway, "GET", f"/v1/jobs/{name}", fleet.admin).json["status"]
                  for name in fleet.known["jobs"]]
        check(states == ["succeeded", "failed", "succeeded"], f"ana's jobs are {states}")
        return f"{asked} requests"


if __name__ == "__main__":
    main(as_documented, not_for_strangers)
