"""The whole way by the contract alone: Debian's amqp-tools and Python clients put jobs in and take results, cost events
and ledger rows out, and hold every message against its JSON Schema."""

import datetime
import hashlib
import json
import pathlib
import subprocess
import time

import jsonschema
import pika

import rules
from fleet import PATIENCE, ROOT, Fleet, check, main, wait_for, whole_lines


def schema(name):
    return json.loads((ROOT / "docs/schemas" / f"{name}.schema.json").read_text())


def conforms(message, name):
    try:
        jsonschema.validate(message, schema(name))
    except jsonschema.ValidationError as fault:
        check(False, f"a {name} does not fit its schema: {fault.json_path}: {fault.message[:200]}")


def by_amqp_tools():
    """A shell is enough: amqp-publish in, amqp-get out."""
    with Fleet("tools") as fleet:
        fleet.start_worker(4)
        fleet.start_billing()
        url = fleet.amqp_url
        queue = fleet.name("shell-results")
        def tool(*arguments, body=None):
            return subprocess.run(arguments, input=body, capture_output=True, timeout=PATIENCE, check=False)
        tool("amqp-declare-queue", f"--url={url}", "-d", "-q", queue)
        with fleet.connection() as connection:
            connection.channel().queue_bind(queue, fleet.name("results"), "echo.*")
        job = {"id": "from-a-shell", "userId": "ana@example.org", "taskType": "echo", "payload": {"hello": "wörld"},
               "seriesId": "s1", "metadata": {"any": "string"}}
        sent = tool("amqp-publish", f"--url={url}", "-e", fleet.name("jobs"), "-r", "low", "-p", "-C",
                    "application/json", body=json.dumps(job).encode())
        check(sent.returncode == 0, f"amqp-publish failed: {sent.stderr}")
        got = wait_for("the result", PATIENCE, lambda: tool("amqp-get", f"--url={url}", "-q", queue).stdout)
        event = json.loads(got)
        conforms(event, "result-event")
        check(event["output"] == {"echo": {"hello": "wörld"}}, f"another output: {event['output']}")
        check(event["metadata"] == {"any": "string"} and event["seriesId"] == "s1", "metadata or series were lost")
        check(event["tier"] == "FREE" and event["status"] == "succeeded", f"{event['tier']} {event['status']}")
        row = wait_for("the ledger row", PATIENCE, lambda: fleet.rows())[0]
        check(row["event_id"] == f"from-a-shell/{event['run']}/1" and row["series_id"] == "s1", f"the row: {row}")
        with fleet.connection() as connection:
            connection.channel().queue_delete(queue)


def by_pika():
    """Every task type that a provider here serves, with reply_to, cost events and ledger rows, and all lanes."""
    with Fleet("pika") as fleet:
        fleet.start_provider("--latency-ms", "10")
        fleet.use_rules(rules.policy(fleet.provider_port), rules.costs())
        fleet.start_worker(8)
        fleet.start_billing()
        payloads = {"echo": {"a": 1}, "llm": {"messages": [{"role": "user", "content": "hello there"}]},
                    "tts": {"text": "Once upon a time"}, "embedding": {"input": ["one", "two"]},
                    "image": {"prompt": "a toll booth", "size": "1024x1024"}}
        with fleet.connection() as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            costs = channel.queue_declare("", exclusive=True).method.queue
            channel.queue_bind(costs, fleet.name("costs"), "business.*.*")
            replies = channel.queue_declare("", exclusive=True).method.queue
            for task, payload in payloads.items():
                job = {"id": f"by-pika-{task}", "userId": "u-1", "taskType": task, "payload": payload,
                       "userTier": "tier3"}
                conforms(job, "job")
                fleet.publish_raw(channel, "high", json.dumps(job).encode(), reply_to=replies,
                                  correlation_id=f"c-{task}", message_id=f"m-{task}")
            answers = {}
            def collect():
                method, properties, body = channel.basic_get(replies, auto_ack=True)
                if method:
                    answers[properties.correlation_id] = (properties, json.loads(body))
                return len(answers) == len(payloads)
            wait_for("an answer to each job", PATIENCE, collect)
            events = {}
            def collect_costs():
                method, properties, body = channel.basic_get(costs, auto_ack=True)
                if method:
                    events[properties.message_id] = (method, properties, json.loads(body))
                return len(events) == len(payloads)
            wait_for("a cost event of each job", PATIENCE, collect_costs)
        for task in payloads:
            properties, event = answers[f"c-{task}"]
            conforms(event, "result-event")
            check(event["status"] == "succeeded", f"{task}: {event['status']} {event['error']}")
            check(properties.message_id == f"by-pika-{task}/{event['run']}", "message-id of the result")
            method, properties, cost = events[f"by-pika-{task}/{event['run']}/1"]
            conforms(cost, "cost-event")
            check(properties.content_type == "application/cloudevents+json", "content type of the cost event")
            check(properties.delivery_mode == 2, "the cost event is not persistent")
            check(cost["id"] == properties.message_id and cost["subject"] == "u-1", "id or subject of the cost event")
            provider = "echo" if task == "echo" else "fake"
            check(method.routing_key == f"business.{task}.{provider}", f"routing key {method.routing_key}")
            if task in ("tts", "image"):
                artifact = event["output"]["artifact"]
                content = pathlib.Path(artifact["path"]).read_bytes()
                check(len(content) == artifact["bytes"], "size of the artifact")
                check(hashlib.sha256(content).hexdigest() == artifact["sha256"], "digest of the artifact")
        rows = wait_for("five ledger rows", PATIENCE, lambda: len(fleet.rows()) == 5 and fleet.rows())
        spent = sum(row["amount_nano_usd"] for row in rows)
        month = fleet.rows("select * from user_month")[0]
        check(month["amount_nano_usd"] == spent and month["jobs"] == 5, f"user_month {month} is not the sum {spent}")
        speech = next(row for row in rows if row["task_type"] == "tts")
        check(speech["amount_nano_usd"] == 16 * 15_000, f"16 characters at 15 USD a million cost {speech}")
        report = json.loads(fleet.run("ledger", "report", "--by", "tier", "--format", "json").stdout)
        check("BUSINESS" in json.dumps(report), f"the report lacks the tier: {report}")


def ids_tiers_and_intake():
    """A message without an id gets one; another routing key lands in the intake and moves to the tier's lane; a tier
    in a lane above its own moves down."""
    with Fleet("intake") as fleet:
        fleet.start_worker(4)
        fleet.start_billing()
        fleet.results.listen()
        with fleet.connection() as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            body = {"userId": "u", "taskType": "echo", "payload": {}}
            fleet.publish_raw(channel, "low", json.dumps(body).encode())
            fleet.publish_raw(channel, "low", json.dumps(body).encode(), message_id="from-the-property")
            fleet.publish_raw(channel, "somewhere.else", json.dumps({**body, "id": "astray", "userTier": "tier2"}).encode())
            fleet.publish_raw(channel, "critical", json.dumps({**body, "id": "climber", "userTier": "FREE"}).encode())
        wait_for("four results", PATIENCE, lambda: len(fleet.results.by_job()) == 4)
        results = {job: events[0] for job, events in fleet.results.by_job().items()}
        check("from-the-property" in results, "the message-id did not stand in for the id")
        check(results["astray"]["tier"] == "PRO" and results["climber"]["tier"] == "FREE", "tiers of the moved jobs")
        log = "".join(whole_lines(process.log) for process in fleet.processes if "worker" in process.log.name)
        lane = {line.split("job=")[1].split()[0]: line.split("lane=")[1].split()[0]
                for line in log.splitlines() if " admitted " in line}
        check(lane["astray"] == "standard" and lane["climber"] == "low", f"lanes: {lane}")
        assigned = fleet.run("users", "set", "u", "--tier", "ENTERPRISE", "--by", "test", "--reason", "scenario")
        check(assigned.returncode == 0, f"users set: {assigned.stderr}")
        fleet.publish([{**body, "id": "promoted"}], lane="low")
        fleet.results.wait(["promoted"], PATIENCE)
        check(fleet.results.by_job()["promoted"][0]["tier"] == "ENTERPRISE", "the assigned tier did not count")


def policy_is_reloaded():
    """A changed policy file counts within a second; one that is wrong is refused and the old one stays."""
    with Fleet("reload") as fleet:
        fleet.use_rules(rules.policy(1, limits=(2, 5, 10, 20)), rules.costs())
        worker = fleet.start_worker(4)
        fleet.results.listen()
        path = fleet.directory / "policy.yml"

        def limit_of(job):
            fleet.publish([{"id": job, "userId": "u", "taskType": "echo", "payload": {}}])
            fleet.results.wait([job], PATIENCE)
            line = next(line for line in whole_lines(worker.log).splitlines() if f"job={job} " in line and " admitted " in line)
            return line.split("active=")[1].split()[0]

        check(limit_of("before") == "1/2", "the limit of the first policy")
        path.write_text(rules.policy(1, limits=(7, 5, 10, 20)))
        fleet.wait_for_line(worker, "policy file changed and is in force")
        check(limit_of("after") == "1/7", "the changed limit does not count")
        path.write_text("version: 1\ntiers: 5\n")
        fleet.wait_for_line(worker, "policy file changed and was refused")
        check(limit_of("still") == "1/7", "a wrong policy came into force")


def not_before_and_deadline():
    with Fleet("times") as fleet:
        fleet.start_worker(4)
        fleet.start_billing()
        fleet.results.listen()
        now = datetime.datetime.now(datetime.timezone.utc)
        iso = lambda seconds: (now + datetime.timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
        body = {"userId": "u", "taskType": "echo", "payload": {}}
        begin = time.time()
        fleet.publish([{**body, "id": "later", "notBefore": iso(3)}, {**body, "id": "late", "deadline": iso(-1)},
                       {**body, "id": "cut", "deadline": iso(1), "payload": {"sleepMs": 20_000}}])
        results = fleet.results.wait(["later", "late", "cut"], PATIENCE)
        check(results["late"][0]["error"]["code"] == "deadline_exceeded", f"{results['late'][0]['error']}")
        check(results["cut"][0]["error"]["code"] == "deadline_exceeded", f"{results['cut'][0]['error']}")
        check(not fleet.drain("jobs.dead"), "a job past its deadline became a letter")
        started = datetime.datetime.fromisoformat(results["later"][0]["startedAt"].replace("Z", "+00:00"))
        check(started.timestamp() >= begin + 2.9, "a job started before its time")
        check(started.timestamp() <= begin + 60, "a job started long after its time")


if __name__ == "__main__":
    main(by_amqp_tools, by_pika, ids_tiers_and_intake, policy_is_reloaded, not_before_and_deadline)
