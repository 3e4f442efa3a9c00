#!/usr/bin/env python3
"""Shows that provider.py behaves as it says, with a client of the standard library. Prints what does not."""

import http.client
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
MESSAGES = [{"role": "user", "content": "one two three"}]
FAILURES = []


def check(what, condition):
    if not condition:
        FAILURES.append(what)
        print(f"FAILED {what}", flush=True)


class Client:
    def __init__(self, port, path="", timeout=3):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.path = path

    def post(self, endpoint, body, key="job/run/1"):
        self.connection.request("POST", f"{self.path}/v1/{endpoint}", json.dumps(body), {"Idempotency-Key": key})
        return self.connection.getresponse()

    def get(self, endpoint):
        self.connection.request("GET", f"{self.path}/v1/{endpoint}")
        return self.connection.getresponse()


def chat(model="chat-1", stream=True, **more):
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return {"model": model, "messages": MESSAGES, **options, **more}


def control(port, **document):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    connection.request("POST", "/control", json.dumps(document))
    reply = connection.getresponse()
    reply.read()
    return reply.status


def events(body):
    return [part.removeprefix(b"data: ") for part in body.split(b"\n\n") if part.startswith(b"data: ")]


def text_of(parts):
    return "".join((json.loads(part)["choices"] or [{"delta": {}}])[0]["delta"].get("content", "")
                   for part in parts if part != b"[DONE]")


def until_the_end(reply):
    """The body, and what ended it: nothing, or the name of an exception."""
    body = b""
    try:
        while piece := reply.read1(65_536):
            body += piece
        return body, "IncompleteRead" if reply.length else None
    except (http.client.HTTPException, OSError, ValueError) as fault:
        return body, type(fault).__name__


def outcome(port, behaviour, timeout=3, endpoint="chat/completions", body=None):
    """(status or exception, headers, body, how it ended) of a call that behaves so."""
    client = Client(port, timeout=timeout)
    try:
        reply = client.post(endpoint, body or chat(f"fault-{behaviour}"))
    except (http.client.HTTPException, OSError) as fault:
        return type(fault).__name__, {}, b"", None
    return reply.status, reply.headers, *until_the_end(reply)


def healthy(port):
    client = Client(port)
    parts = events(client.post("chat/completions", chat()).read())
    check("a stream ends with its mark", parts[-1] == b"[DONE]")
    check("a stream says the whole text", text_of(parts) == "You said: one two three")
    usage = json.loads(parts[-2])
    check("its last chunk has no choices and the usage",
          usage["choices"] == [] and usage["usage"]["completion_tokens"] == 5 and usage["usage"]["prompt_tokens"] == 3)
    reply = json.loads(client.post("chat/completions", chat(stream=False)).read())
    check("chat without a stream", reply["choices"][0]["message"]["content"] == "You said: one two three")
    reply = json.loads(client.post("chat/completions", chat(stream=False, max_tokens=2)).read())
    check("the limit of tokens", reply["choices"][0]["finish_reason"] == "length")
    reply = json.loads(client.post("embeddings", {"model": "e", "input": ["a", "b c"]}).read())
    check("embeddings", len(reply["data"]) == 2 and reply["usage"]["prompt_tokens"] == 3)
    audio = client.post("audio/speech", {"model": "v", "input": "hello", "response_format": "wav"}).read()
    check("speech", audio[:4] == b"RIFF")
    parts = events(client.post("audio/speech", {"model": "v", "input": "hello", "stream_format": "sse"}).read())
    check("streamed speech", json.loads(parts[-1])["type"] == "speech.audio.done")
    reply = json.loads(client.post("images/generations", {"model": "p", "prompt": "a", "n": 2}).read())
    check("images", len(reply["data"]) == 2)
    check("an endpoint that does not exist", client.post("nothing", {"model": "m"}).status == 404)


def videos(port):
    client = Client(port, "/film")
    control(port, path="film", video_seconds=0.2)
    control(port, path="film", on="poll", script=["503", "ok"])
    video = json.loads(client.post("videos", {"model": "clip", "prompt": "a", "seconds": "8"}).read())
    check("a video is queued", (video["status"], video["seconds"]) == ("queued", "8"))
    first = client.get(f"videos/{video['id']}")
    first.read()
    check("a poll that fails", first.status == 503)
    early = client.get(f"videos/{video['id']}/content")
    early.read()
    check("content that is not ready", early.status == 404)
    time.sleep(0.25)
    check("a video that is ready", json.loads(client.get(f"videos/{video['id']}").read())["status"] == "completed")
    check("its content", client.get(f"videos/{video['id']}/content").read()[4:8] == b"ftyp")
    bad = json.loads(client.post("videos", {"model": "poll-fault-moderated", "prompt": "a"}).read())
    reply = json.loads(Client(port).get(f"videos/{bad['id']}").read())
    check("a video that was refused", (reply["status"], reply["error"]["code"]) == ("failed", "moderation_blocked"))


def statuses(port):
    codes = {"context": (400, "context_length_exceeded"), "policy": (400, "content_policy_violation"),
             "quota": (429, "insufficient_quota"), "404": (404, "model_not_found"), "401": (401, "invalid_api_key")}
    for behaviour in ("400", "402", "403", "408", "413", "422", "429", "500", "503", "529", *codes):
        status, headers, body, _ = outcome(port, behaviour)
        expected, code = codes.get(behaviour, (int(behaviour) if behaviour.isdigit() else 0, None))
        error = json.loads(body)["error"]
        check(f"{behaviour} answers with {expected}", status == expected and (code is None or error["code"] == code))
        check(f"{behaviour} names no time", "Retry-After" not in headers)
    check("429:2 names a time", outcome(port, "429:2")[1]["Retry-After"] == "2")
    check("a redirect", outcome(port, "redirect")[0] == 302)


def connections(port, resetting, tls):
    for behaviour in ("reset", "reset-early"):
        check(behaviour, outcome(port, behaviour)[0] == "ConnectionResetError")
    check("reset at once", outcome(resetting, "ok")[0] in ("ConnectionResetError", "BrokenPipeError"))
    control(port, path="early", script=["reset-early"])
    with socket.create_connection(("127.0.0.1", port), 3) as raw:
        raw.sendall(b"POST /early/v1/chat/completions HTTP/1.1\r\nContent-Length: 100\r\n\r\n")
        try:
            check("a reset before the body", raw.recv(1) == b"never")
        except ConnectionResetError:
            pass
    check("silent", outcome(port, "silent", timeout=1)[0] == "TimeoutError")
    control(port, path="headers", script=["slow-headers"])
    with socket.create_connection(("127.0.0.1", port), 3) as raw:
        raw.sendall(b"POST /headers/v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        time.sleep(1.2)
        check("a byte of the headers every half second", raw.recv(1000).endswith(b"x-slow: xx"))
    try:
        ssl.create_default_context().wrap_socket(
            socket.create_connection(("127.0.0.1", tls)), server_hostname="localhost")
        check("a certificate that nobody trusts", False)
    except ssl.SSLCertVerificationError:
        pass


def bodies(port):
    begin = time.monotonic()
    reply = Client(port).post("chat/completions", chat("fault-slow-body"))
    received = b"".join(reply.read1(1) for _ in range(2))
    check("a byte a second", len(received) == 2 and 0.9 < time.monotonic() - begin < 2)
    for behaviour in ("endless", "huge-chunked", "huge"):
        reply = Client(port).post("chat/completions", chat(f"fault-{behaviour}"))
        check(f"{behaviour} has 20 MB at least", len(reply.read(20 << 20)) == 20 << 20)
        reply.close()
    check("huge says so", reply.headers["Content-Length"] == str(2 << 30))
    _, headers, body, _ = outcome(port, "gzip")
    packer, size = zlib.decompressobj(31), 0
    while body:
        size += len(packer.decompress(body, 16 << 20))
        body = packer.unconsumed_tail
    check("a gzip bomb", headers["Content-Encoding"] == "gzip" and size == 1 << 30 and packer.eof)
    status, _, body, _ = outcome(port, "malformed")
    check("malformed", status == 200 and body.endswith(b": "))
    check("truncated", outcome(port, "truncated")[3] == "IncompleteRead")


def streams(port):
    _, _, body, fault = outcome(port, "cut:40")
    check("40 of 60 tokens", len(events(body)) == 41 and b"DONE" not in body and fault is None)
    _, _, body, fault = outcome(port, "cut-stated:40")
    check("40 tokens and their usage", json.loads(events(body)[-1])["usage"]["completion_tokens"] == 40 and fault is None)
    _, _, body, fault = outcome(port, "cut-hard:40")
    check("40 of 60 tokens, cut hard", len(events(body)) == 42 and fault == "IncompleteRead")
    _, _, body, fault = outcome(port, "stall:20", timeout=1)
    check("20 tokens, then silence", len(events(body)) == 21 and fault == "TimeoutError")
    _, _, body, fault = outcome(port, "no-done", timeout=1)
    check("no end mark", b'"stop"' in body and b"DONE" not in body and fault == "TimeoutError")
    begin = time.monotonic()
    parts = events(outcome(port, "first-token:1")[2])
    check("a late first token", time.monotonic() - begin > 0.9 and parts[-1] == b"[DONE]")
    parts = events(outcome(port, "bad-event")[2])
    check("one bad event", len(parts) == 65 and parts[21] == b'{"choices": [{"delta": {"content": ')
    check("an error inside", b"server_error" in outcome(port, "stream-error:3")[2])
    check("no usage", b"total_tokens" not in outcome(port, "no-usage")[2])
    check("another reason to end", b"content_filter" in outcome(port, "finish:content_filter")[2])


def refusals(port):
    body = {"model": "fault-poison", "input": ["a", "poison", "b"]}
    check("a poisoned batch", outcome(port, "poison", endpoint="embeddings", body=body)[0] == 400)
    body["input"] = ["a", "b"]
    check("a clean one", outcome(port, "poison", endpoint="embeddings", body=body)[0] == 200)
    prefilled = chat("fault-prefill")
    prefilled["messages"] = MESSAGES + [{"role": "assistant", "content": "so far"}]
    check("a prefilled answer", outcome(port, "prefill", body=prefilled)[0] == 400)
    check("one that is not", outcome(port, "prefill")[0] == 200)


def scripts(port):
    def ask(path, key="a/r/1"):
        reply = Client(port, "/" + path).post("chat/completions", chat(), key)
        reply.read()
        return reply.status
    control(port, path="one", script=["503", "429:2", "ok"])
    check("a script", [ask("one") for _ in range(4)] == [503, 429, 200, 200])
    control(port, path="two", script=["500", "ok"], per="job")
    check("a script for each job", [ask("two", key) for key in ("a/r/1", "b/r/1", "a/r/2", "b/r/2")] ==
          [500, 500, 200, 200])
    control(port, path="three", script=[{"do": "503", "until": 0.5}])
    check("for a time", ask("three") == 503 and ask("three") == 503)
    time.sleep(0.5)
    check("and then no more", ask("three") == 200)
    reply = [Client(port).post("chat/completions", chat("fault-500,ok"), key).status for key in ("x/r/1", "x/r/2")]
    check("a script in a model's name", reply == [500, 200])
    control(port, path="slow", latency=0.3)
    begin = time.monotonic()
    ask("slow")
    check("a latency", 0.25 < time.monotonic() - begin < 0.6)
    check("a behaviour that does not exist", control(port, path="x", script=["nonsense"]) == 400)


def log(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    calls = {}
    for line in lines:
        if line["event"] != "poll":
            calls.setdefault(line["call"], []).append(line)
    check("each call has a start and an end", all([line["event"] for line in pair] == ["start", "end"]
                                                  for pair in calls.values() if pair[0]["do"] != "slow-headers"))
    check("calls are numbered", sorted(calls) == list(range(1, len(calls) + 1)))
    cut = next(pair[1] for pair in calls.values() if pair[0]["do"] == "cut:40")
    check("40 tokens are charged", cut["usage"]["completion_tokens"] == 40)
    check("a reset has no status", all(pair[1]["status"] == 0 for pair in calls.values() if pair[0]["do"] == "reset"))
    check("polls are no calls", sum(line["event"] == "poll" for line in lines) == 5)
    huge = [pair[1]["sent"] for pair in calls.values() if pair[0]["do"] == "huge"]
    check("what was sent is counted", 20 << 20 < huge[0] < 60 << 20)


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "log"
        process = subprocess.Popen([sys.executable, str(HERE / "provider.py"), "--tls", "--log", str(path)],
                                   stdout=subprocess.PIPE, text=True)
        try:
            port, resetting, tls = (int(process.stdout.readline()) for _ in range(3))
            for part in (healthy, videos, statuses, streams, refusals, scripts, bodies):
                part(port)
            connections(port, resetting, tls)
        finally:
            process.terminate()
            process.wait(10)
        log(path)
    print(f"{len(FAILURES)} failed" if FAILURES else "provider.py behaves as it says")
    sys.exit(1 if FAILURES else 0)


if __name__ == "__main__":
    main()
