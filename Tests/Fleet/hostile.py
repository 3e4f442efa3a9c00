"""A corpus of hostile messages: the worker stays up, its memory flat, each message ends as a dead letter with the right
reason, Redis holds no key that should not be there, and no log line is forged."""

import datetime
import json
import re

import pika

from fleet import PATIENCE, Fleet, check, main, wait_for, whole_lines

GOOD = {"userId": "u", "taskType": "echo", "payload": {}}


def text(**members):
    return json.dumps({**GOOD, **members}).encode()


def nested_headers(depth):
    table = {"end": "x"}
    for _ in range(depth):
        table = {"t": table}
    return table


def corpus():
    """(what it is, body, expected reason, properties)"""
    whole = text(id="whole")
    invalid = [
        ("empty", b""), ("not json", b"hello"), ("only a bracket", b"{"), ("an array", b"[1,2]"), ("a number", b"5"),
        ("truncated", whole[:-1]), ("byte order mark", b"\xef\xbb\xbf" + whole), ("after the end", whole + b"x"),
        ("two objects", whole + whole), ("NUL", b"\0" + whole), ("bad UTF-8", text(id="a").replace(b'"u"', b'"\xff\xfe"')),
        ("overlong UTF-8", text(id="a").replace(b'"u"', b'"\xc0\xaf"')),
        ("lone surrogate", b'{"id":"a","userId":"u","taskType":"echo","payload":{"x":"\\ud800"}}'),
        ("NaN", b'{"id":"a","userId":"u","taskType":"echo","payload":{"x":NaN}}'),
        ("Infinity", b'{"id":"a","userId":"u","taskType":"echo","payload":{"x":1e400}}'),
        ("duplicate key", b'{"id":"a","userId":"u","userId":"v","taskType":"echo","payload":{}}'),
        ("duplicate escaped key", b'{"id":"a","userId":"u","user\\u0049d":"v","taskType":"echo","payload":{}}'),
        ("deep array", b'{"id":"a","userId":"u","taskType":"echo","payload":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"),
        ("deep object", b'{"id":"a","userId":"u","taskType":"echo","payload":' + b'{"a":' * 33 + b"1" + b"}" * 33 + b"}"),
        ("many values", b'{"id":"a","userId":"u","taskType":"echo","payload":{"x":[' + b"1," * 200_000 + b"1]}}"),
        ("no user", json.dumps({"id": "a", "taskType": "echo", "payload": {}}).encode()),
        ("no task", json.dumps({"id": "a", "userId": "u", "payload": {}}).encode()),
        ("no payload", json.dumps({"id": "a", "userId": "u", "taskType": "echo"}).encode()),
        ("payload is text", text(id="a", payload="x")), ("id is a number", text(id=5)), ("id is empty", text(id="")),
        ("id too long", text(id="x" * 129)), ("task is a number", text(id="a", taskType=1)),
        ("metadata is text", text(id="a", metadata="x")), ("deadline is no time", text(id="a", deadline="tomorrow")),
        ("negative cost", text(id="a", maxCostUsd=-1)), ("parent of itself", text(id="a", after=["a"])),
        ("tier with a line end", text(id="a", userTier="tier1\nerror forged: line")),
        ("series with an escape", text(id="a", seriesId="\u001b[31mred")),
        ("sleep is text", text(id="a", payload={"sleepMs": "5"})), ("sleep is negative", text(id="a", payload={"sleepMs": -1})),
        ("speech without text", text(id="a", taskType="tts", payload={})),
    ]
    users = ["a b", "a\r\nb", "a\0b", "}{", "{x}", "*", "../../etc/passwd", "%00", "\u202eabc", "\u001b[2J", "x" * 129,
             "x" * 100_000, "ünïcode", "a/b", "a;b", "a'b", 'a"b', "", " ", "$(id)", "{tollway}:epoch"]
    invalid += [(f"user {user[:12]!r}", text(id="a", userId=user)) for user in users]
    cases = [(name, body, "invalid_message", {}) for name, body in invalid]
    cases += [("oversize", b'{"x":"' + b"y" * 3_000_000 + b'"}', "invalid_message", {}),
              ("unknown task", text(id="unknown-task", taskType="dance"), "unknown_task", {}),
              ("nested headers", text(id="nested-headers"), "invalid_message", {"headers": nested_headers(12)}),
              ("very nested headers", text(id="a"), "invalid_message", {"headers": nested_headers(200)}),
              ("a thousand headers", text(id="many-headers"), "invalid_message",
               {"headers": {f"h{n}": "x" * 100 for n in range(1000)}}),
              ("a header of 100 KB", text(id="large-header"), "invalid_message", {"headers": {"h": "x" * 100_000}}),
              ("wrong content type", text(id="a"), "invalid_message", {"content_type": "text/plain"}),
              ("reply to our own queue", text(id="a"), "invalid_message", {"reply_to": "OWN"})]
    # The id of each is its own, so that none is taken for another.
    return cases


def memory(process):
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1])


def hostile_messages():
    with Fleet("hostile") as fleet:
        worker = fleet.start_worker(8)
        fleet.results.listen()
        cases = corpus()
        rounds = 5
        peaks = []
        for round_number in range(rounds):
            with fleet.connection() as connection:
                channel = connection.channel()
                channel.confirm_delivery()
                for name, body, reason, properties in cases:
                    properties = dict(properties)
                    if properties.get("reply_to") == "OWN":
                        properties["reply_to"] = fleet.name("costs.ledger")
                    fleet.publish_raw(channel, "standard", body, **properties)
            wait_for(f"{len(cases)} dead letters", PATIENCE, lambda: fleet.depth("jobs.dead") >= len(cases))
            letters = fleet.drain("jobs.dead")
            check(len(letters) == len(cases), f"{len(letters)} letters for {len(cases)} messages")
            peaks.append(memory(worker))
        reasons = sorted(letter.headers["x-tollway-reason"] for letter, _ in letters)
        check(reasons == sorted(reason for _, _, reason, _ in cases), f"reasons differ: {set(reasons)}")
        oversize = [(p, b) for p, b in letters if "x-tollway-body-bytes" in p.headers]
        check(len(oversize) == 1, f"{len(oversize)} oversize letters")
        check(len(oversize[0][1]) == 4096 and oversize[0][0].headers["x-tollway-body-bytes"] == 3_000_008,
              "the oversize letter does not have its first 4 KiB and its size")
        log = whole_lines(worker.log)
        check("outcome=unknown_task" in log and "job=nested-headers" in log, "dead letters are not in the log")
        check(len(oversize[0][0].headers["x-tollway-body-sha256"]) == 64, "the oversize letter lacks its digest")
        for properties, _ in letters:
            for header in ("x-tollway-reason", "x-tollway-detail", "x-tollway-attempts", "x-tollway-first-seen"):
                check(header in properties.headers, f"a letter lacks {header}")
            check(not any(key.startswith("x-death") for key in properties.headers), "a letter has an x-death header")
        check(peaks[-1] <= peaks[0] + 8192, f"memory grew: {peaks} KiB")
        # Those of the fleet itself have no id behind their name.
        allowed = re.compile(re.escape(fleet.namespace) + r"\.\{tollway\.[^}]*\}:[a-z_]+$")
        strange = [key for key in fleet.keys() if not allowed.match(key)]
        check(not strange, f"unexpected keys: {strange[:5]}")
        line = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (trace|debug|info|notice|warning|error|critical) worker: ")
        for logged in worker.log.read_bytes().rpartition(b"\n")[0].decode().split("\n"):
            check(not logged or line.match(logged), f"a forged log line: {logged[:80]!r}")
            check("\x1b" not in logged, "an escape sequence in the log")
        # And it still works.
        fleet.publish([{**GOOD, "id": "alive"}], lane="standard")
        fleet.results.wait(["alive"], PATIENCE)
        events = fleet.results.by_job()["unknown-task"]
        check(events and events[0]["error"]["code"] == "unknown_task", "no result for the unknown task")
        return {"messages": rounds * len(cases), "memory KiB": peaks}


def forged_headers():
    """Headers that only the fleet should write, further routing keys, and properties of every kind change nothing."""
    with Fleet("forged") as fleet:
        worker = fleet.start_worker(8)
        fleet.start_billing()
        fleet.results.listen()
        forged = {"x-tollway-trips": 2**63 - 1, "x-tollway-first-seen": -5, "x-tollway-replays": "other",
                  "x-tollway-run": "x", "x-delivery-count": 99, "x-death": [{"count": 5, "queue": "q"}], "CC": ["low"]}
        soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)).isoformat()
        with fleet.connection() as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            fleet.publish_raw(channel, "standard", text(id="forged", userTier="tier2", notBefore=soon), headers=forged,
                              expiration="600000", priority=200, timestamp=2**62, user_id="guest", reply_to="no.such.queue",
                              correlation_id="c", type="t", app_id="a")
            fleet.publish_raw(channel, "x" * 255, text(id="long-key", userTier="tier2"))
        results = fleet.results.wait(["forged", "long-key"], PATIENCE)
        check(results["forged"][0]["status"] == "succeeded", f"{results['forged'][0]['error']}")
        check(worker.poll() is None, "the worker died of a header")
        wait_for("both rows", PATIENCE, lambda: len(fleet.rows()) == 2)


def same_id_again():
    """The same message again is announced again; another body under the id is a dead letter and changes nothing."""
    with Fleet("twice") as fleet:
        fleet.start_worker(8)
        fleet.start_billing()
        fleet.results.listen()
        job = {**GOOD, "id": "one", "payload": {"sleepMs": 300}}
        fleet.publish([job, job], lane="standard")
        fleet.results.wait(["one"], PATIENCE)
        fleet.publish([job], lane="standard")
        wait_for("a repeated announcement", PATIENCE, lambda: len(fleet.results.by_job()["one"]) >= 2)
        fleet.publish([{**job, "payload": {"sleepMs": 1}}, {**job, "userId": "other"}], lane="standard")
        # Nobody who waits for the job may be told that it failed.
        fleet.publish([{**job, "userId": "other", "taskType": "dance"}, {**job, "payload": 1}], lane="standard")
        wait_for("four letters", PATIENCE, lambda: fleet.depth("jobs.dead") == 4)
        reasons = sorted(letter.headers["x-tollway-reason"] for letter, _ in fleet.drain("jobs.dead"))
        check(reasons == ["id_conflict", "id_conflict", "invalid_message", "unknown_task"], f"letters: {reasons}")
        wait_for("its row", PATIENCE, lambda: fleet.rows())
        wait_for("the duplicate on the ladder to come back", PATIENCE,
                 lambda: len({json.dumps(e, sort_keys=True) for e in fleet.results.by_job()["one"]}) == 1
                 and len(fleet.results.by_job()["one"]) >= 3)
        check(len(fleet.rows()) == 1, f"{len(fleet.rows())} rows for one job")


if __name__ == "__main__":
    main(hostile_messages, forged_headers, same_id_again)
