#!/usr/bin/env python3
"""A provider that can be told how to misbehave: an OpenAI-compatible process (chat, streamed or not, embeddings,
speech, images, videos) over plain HTTP/1.1, and a log of its own that is the truth about what was called and charged.

    provider.py [--port 0] [--log FILE] [--tls]

Prints on standard output the port; then the port of a listener that resets every connection at once; with --tls also
that of one with a self-signed certificate. Ends on SIGTERM. Only on loopback.

What stands in front of /v1/ in an address is its path: one process plays as many providers as there are base addresses,
http://127.0.0.1:PORT/PATH/v1. How a call is answered (the behaviours are listed in provider_faults.py):

  by control   POST /control {"path": "s04", "script": ["503", "503", "ok"]}, or "model" instead of "path". One
               behaviour per call, the last one from then on; {"do": "503", "until": 60} stays until 60 s after the
               request. With "per": "job" each job has the script for itself (a job is what stands before the first
               slash of the Idempotency-Key). "on": "poll" or "content" means the requests for videos that exist.
               Further members: "latency": seconds of every call, "at_once": calls that are answered at the same time,
               others wait; "video_seconds": until a video is ready (0.3).
  by model     `fault-503`, `fault-503,503,ok`: a script for each job; `poll-fault-...`, `content-fault-...`.
  otherwise    ok.

The log has a line when a call starts and one when it ends, each written at once:

    {"event": "start", "call": 7, "connection": 3, "key": "<Idempotency-Key>", "path": "s04", "endpoint":
     "chat/completions", "model": "...", "do": "503", "mono": 12.345678, "wall": 1763740000.123}
    {"event": "end", "call": 7, ..., "start": <mono>, "end": <mono>, "status": 200, "usage": {...}, "stated": null,
     "sent": 512}

`usage` is what is charged, null for nothing; `stated` what a stream said of it; `status` 0 where no answer was sent; `sent` counts bytes up to this line.
The end of a whole answer is written before its last bytes are sent, so calls that follow one another never seem to
overlap. Requests for a video that exists have lines with "event": "poll" and "video". GET /log answers all of it.
"""

import argparse
import asyncio
import json
import os
import signal
import ssl
import subprocess
import tempfile
import time

import provider_answers as answers
import provider_faults as faults

MAXIMUM_BODY_BYTES = 8 << 20
REQUEST_FAULTS = (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ssl.SSLError, TimeoutError)


class Script:
    def __init__(self, steps, per_job=True, latency=0, at_once=None, video_seconds=0.3):
        self.steps = [step if isinstance(step, dict) else {"do": step} for step in steps]
        for step in self.steps:
            if not faults.is_known(step["do"]):
                raise ValueError(f"no behaviour is called {step['do']}")
        self.per_job, self.latency, self.video_seconds = per_job, latency, video_seconds
        self.permits = asyncio.Semaphore(at_once) if at_once else None
        self.begin = time.monotonic()
        self.positions = {}

    def next(self, job):
        who = job if self.per_job else None
        position = self.positions.get(who, 0)
        while position < len(self.steps):
            step = self.steps[position]
            if "until" in step:
                if time.monotonic() - self.begin < step["until"]:
                    return step["do"]
                position += 1
                continue
            self.positions[who] = min(position + 1, len(self.steps) - 1)
            return step["do"]
        return "ok"


class Call:
    """A request under way."""

    def __init__(self, provider, reader, writer, **about):
        self.provider, self.reader, self.writer, self.about = provider, reader, writer, about
        self.start = time.monotonic()
        self.body = {}
        self.sent = 0
        self.charged = self.stated = None
        self.has_ended = False

    @property
    def endpoint(self):
        return self.about["endpoint"]

    def begin(self, behaviour):
        self.about["do"] = behaviour
        self.provider.write(event="start", **self.about, mono=self.start, wall=time.time())

    def end(self, status, charged=None):
        """Once; what comes later is not the provider's doing."""
        if not self.has_ended:
            self.has_ended = True
            self.provider.write(event="end", **self.about, start=self.start, end=time.monotonic(), wall=time.time(),
                                status=status, usage=charged or self.charged, stated=self.stated,
                                sent=self.sent)

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0)  # drain alone lets nobody else run as long as the caller reads fast
        self.sent += len(data)

    def answer(self, **options):
        """The healthy one; None for an endpoint that does not exist."""
        make = answers.ENDPOINTS.get(self.endpoint)
        if make is None and self.endpoint == "videos":
            return self.provider.new_video(self)
        return make and make(self.body, **options)


class Provider:
    def __init__(self, log):
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644) if log else None
        self.lines = []
        self.scripts = {}
        self.videos = {}
        self.calls = self.connections = 0

    def write(self, **line):
        self.lines.append((json.dumps(line) + "\n").encode())
        if self.log is not None:
            os.write(self.log, self.lines[-1])

    def script(self, path, model, step):
        """The one in force for a path, or for a model where it is known; None where all is well."""
        found = self.scripts.get(("path", path, step)) or self.scripts.get(("model", model, step))
        prefix = "fault-" if step == "create" else f"{step}-fault-"
        if found is None and model and model.startswith(prefix):
            found = self.scripts[("model", model, step)] = Script(model.removeprefix(prefix).split(","))
        return found

    # Connections

    async def serve(self, reader, writer):
        self.connections += 1
        connection = self.connections
        try:
            while await self.one(reader, writer, connection):
                pass
        except REQUEST_FAULTS:
            pass
        finally:
            writer.close()

    async def one(self, reader, writer, connection):
        """One request of a connection; false ends the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        path, _, endpoint = target.partition("?")[0].removeprefix("/").rpartition("v1/")
        path = path.removesuffix("/")
        key = headers.get("idempotency-key", "")
        script = self.script(path, None, "create") if method == "POST" else None
        call = Call(self, reader, writer, call=0, connection=connection, key=key, path=path, endpoint=endpoint,
                    model=None)
        behaviour = script.next(key.partition("/")[0]) if script and endpoint else None
        if behaviour == "reset-early":
            return await self.answer(call, script, behaviour)
        length = int(headers.get("content-length") or 0)
        if length > MAXIMUM_BODY_BYTES:
            return False
        raw = await reader.readexactly(length)
        if target in ("/control", "/log"):
            return await self.steer(target, raw, writer)
        if method == "GET":
            return await self.look_up(call)
        try:
            call.body = json.loads(raw)
            call.about["model"] = str(call.body.get("model"))
        except (ValueError, AttributeError):
            return await self.answer(call, None, "400")
        if behaviour is None:
            script = self.script(path, call.about["model"], "create")
            behaviour = script.next(key.partition("/")[0]) if script else "ok"
        return await self.answer(call, script, behaviour)

    async def answer(self, call, script, behaviour):
        self.calls += 1
        call.about["call"] = self.calls
        call.begin(behaviour)
        try:
            if script and script.permits:
                async with script.permits:
                    await asyncio.sleep(script.latency)
            elif script:
                await asyncio.sleep(script.latency)
            return await faults.behave(call, behaviour)
        finally:
            call.end(0)

    async def steer(self, target, raw, writer):
        status, reply = 200, b"{}"
        if target == "/log":
            reply = b"".join(self.lines)
        else:
            try:
                wish = json.loads(raw)
                kind = "path" if "path" in wish else "model"
                options = {name: wish[name] for name in ("latency", "at_once", "video_seconds") if name in wish}
                self.scripts[(kind, wish[kind], wish.get("on", "create"))] = Script(
                    wish.get("script", ["ok"]), wish.get("per", "all") == "job", **options)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                status, reply = 400, json.dumps({"error": str(error)}).encode()
        writer.write(faults.head(status, length=len(reply)) + reply)
        await writer.drain()
        return True

    # Videos

    def new_video(self, call):
        number = len(self.videos) + 1
        script = self.script(call.about["path"], call.about["model"], "create")
        record = {"id": f"video_{number}", "model": call.about["model"], "seconds": str(call.body.get("seconds", "4")),
                  "size": call.body.get("size", "1280x720"), "created": int(time.time())}
        self.videos[record["id"]] = {
            **record, "key": call.about["key"], "path": call.about["path"],
            "ready": time.monotonic() + (script.video_seconds if script else 0.3)}
        return answers.document(answers.video(record, "queued"), {"video_seconds": record["seconds"]})

    async def look_up(self, call):
        """GET models, videos/ID, videos/ID/content."""
        if call.endpoint == "models":
            return await self.reply(call, {"object": "list", "data": [{"id": "fake", "object": "model"}]})
        _, _, rest = call.endpoint.partition("videos/")
        name, _, tail = rest.partition("/")
        video = self.videos.get(name)
        step = "content" if tail == "content" else "poll"
        script = self.script(call.about["path"], video and video["model"], step)
        behaviour = script.next((video or {}).get("key", "").partition("/")[0]) if script else "ok"
        call.has_ended = True  # it is no call of its own
        self.write(event="poll", video=name, of=video and video["key"], step=step, path=call.about["path"],
                   do=behaviour, mono=call.start, wall=time.time())
        if behaviour in ("failed", "moderated"):
            code = "moderation_blocked" if behaviour == "moderated" else "server_error"
            fault = {"code": code, "message": "SECRET provider text"}
            return await self.reply(call, {**answers.video(video, "failed"), "error": fault})
        if behaviour != "ok":
            return await faults.behave(call, behaviour)
        is_ready = video is not None and time.monotonic() >= video["ready"]
        if video is None or (step == "content" and not is_ready):
            return await faults.error(call, "404", 404)
        if step == "content":
            await call.send(faults.head(200, "video/mp4", len(answers.CLIP)) + answers.CLIP)
            return True
        return await self.reply(call, answers.video(video, "completed" if is_ready else "in_progress"))

    async def reply(self, call, document):
        body = json.dumps(document).encode()
        await call.send(faults.head(200, length=len(body)) + body)
        return True


async def reset_at_once(reader, writer):
    faults.reset_now(writer)


def self_signed():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as directory:
        key, certificate = f"{directory}/key.pem", f"{directory}/certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        context.load_cert_chain(certificate, key)
    return context


async def main():
    parser = argparse.ArgumentParser(description="A fake provider that can be told how to misbehave.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    parser.add_argument("--log", help="file that gets a line at the start and the end of each call")
    parser.add_argument("--tls", action="store_true", help="listen also with a self-signed certificate")
    options = parser.parse_args()
    provider = Provider(options.log)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    listeners = [await asyncio.start_server(provider.serve, "127.0.0.1", options.port, backlog=1024),
                 await asyncio.start_server(reset_at_once, "127.0.0.1", 0, backlog=1024)]
    if options.tls:
        listeners.append(await asyncio.start_server(provider.serve, "127.0.0.1", 0, ssl=self_signed()))
    for listener in listeners:
        print(listener.sockets[0].getsockname()[1], flush=True)
    await stopped.wait()
    os._exit(0)  # calls that hang would have to be waited for


if __name__ == "__main__":
    asyncio.run(main())
