#!/usr/bin/env python3
"""An OpenAI-compatible provider to test against: a process of its own that keeps its own log.

    openai_server.py [--host 127.0.0.1] [--port 0] [--latency-ms 50 | 20-200] [--log FILE] [--api-key KEY]

Prints the port on standard output, ends on SIGTERM. Endpoints under /v1: models, chat/completions, embeddings,
audio/speech, images/generations. Answers are small, valid and a function of the request.

The log has a line when a call starts and one when it ends, each written at once, so that it survives a kill of anybody:

    {"event": "start", "call": 7, "key": "<Idempotency-Key>", "endpoint": "chat/completions", "model": "...",
     "mono": 12.345678, "wall": 1763740000.123}
    {"event": "end", "call": 7, "key": ..., "endpoint": ..., "model": ..., "start": <mono>, "end": <mono>,
     "wall": ..., "status": 200, "usage": {...}}

The end is written before the answer is sent, so calls that follow one another never seem to overlap. `status` is 0
where no answer was sent. Seconds; `mono`, `start` and `end` are CLOCK_MONOTONIC, comparable within one machine. A call
runs to its end even if the caller is gone, as the work of a real provider does (a hanging one ends with its caller).

Faults, by model name or as the first word of the text: `fault-NAME`, or `fault-NAME-once` (the first call of each job
only; the job is what stands before the first slash of the Idempotency-Key). NAME is a status (`fault-500`, `fault-429`
with Retry-After: 2, ...), `quota` (429 without money), `filter` (content refused), `reset`, `malformed`, `cut`, `huge`,
`hang`, `redirect`, `badusage`.
"""

import argparse
import asyncio
import base64
import json
import math
import os
import random
import signal
import struct
import sys
import time
import zlib

MAXIMUM_BODY_BYTES = 8 << 20
REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
           429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}


def png(side=16):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    rows = b"".join(b"\0" + b"".join(bytes((x * 16, y * 16, 128)) for x in range(side)) for y in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def wav(seconds, rate=8000):
    count = max(1, int(seconds * rate))
    samples = b"".join(struct.pack("<h", int(9000 * math.sin(2 * math.pi * 440 * i / rate))) for i in range(rate // 20))
    data = (samples * (count * 2 // len(samples) + 1))[:count * 2]
    return (b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate,
            rate * 2, 2, 16) + b"data" + struct.pack("<I", len(data)) + data)


PICTURE = base64.b64encode(png()).decode()


def text_of(body):
    """The text of a request, whichever endpoint it is for."""
    for name in ("input", "prompt"):
        value = body.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, list) and value and isinstance(value[0], str):
            return value[0]
    messages = body.get("messages")
    content = messages[-1].get("content") if isinstance(messages, list) and messages else ""
    return content if isinstance(content, str) else ""


class Fake:
    def __init__(self, options):
        low, _, high = options.latency_ms.partition("-")
        self.latency = (float(low) / 1000, float(high or low) / 1000)
        self.api_key = options.api_key
        self.log = os.open(options.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644) if options.log else None
        self.calls = 0
        self.failed_once = set()

    def write(self, **line):
        if self.log is not None:
            os.write(self.log, (json.dumps(line) + "\n").encode())

    async def serve(self, reader, writer):
        try:
            while await self.one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError, IndexError):
            pass
        finally:
            writer.close()

    async def one(self, reader, writer):
        """One request of a connection; false ends the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length") or 0)
        if length > MAXIMUM_BODY_BYTES:
            return False
        raw = await reader.readexactly(length)
        endpoint = path.partition("/v1/")[2]
        if method == "GET" and endpoint == "models":
            models = {"object": "list", "data": [{"id": "fake", "object": "model"}]}
            writer.write(self.message(200, json.dumps(models).encode()))
            await writer.drain()
            return True
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            writer.write(self.error(400, "invalid_request_error")[2])
            await writer.drain()
            return True
        return await self.call(reader, writer, endpoint, headers, body)

    async def call(self, reader, writer, endpoint, headers, body):
        self.calls += 1
        call, key, model = self.calls, headers.get("idempotency-key", ""), str(body.get("model"))
        start = time.monotonic()
        about = {"call": call, "key": key, "endpoint": endpoint, "model": model}
        self.write(event="start", **about, mono=start, wall=time.time())
        fault = self.fault(model, text_of(body), key)
        if fault == "hang":
            await reader.read(1)
            status, usage, message = 0, None, b""
        else:
            await asyncio.sleep(random.uniform(*self.latency))
            status, usage, message = self.answer(endpoint, headers, body, fault)
        # Before the answer: whoever has it may start the next call, which must not seem to overlap this one.
        self.write(event="end", **about, start=start, end=time.monotonic(), wall=time.time(), status=status,
                   usage=usage)
        if status == 0:
            writer.transport.abort()
            return False
        writer.write(message)
        await writer.drain()
        return fault != "cut"

    def fault(self, model, text, key):
        for source in (model, text.partition(" ")[0]):
            if source.startswith("fault-"):
                name, once, _ = source[len("fault-"):].partition("-once")
                if once:
                    job = (source, key.partition("/")[0])
                    if job in self.failed_once:
                        return None
                    self.failed_once.add(job)
                return name
        return None

    def answer(self, endpoint, headers, body, fault):
        """The status, what was used, and the bytes to send."""
        if self.api_key and headers.get("authorization") != f"Bearer {self.api_key}":
            return self.error(401, "invalid_api_key")
        if fault and fault.isdigit():
            return self.error(int(fault), "server_error" if int(fault) >= 500 else "refused")
        if fault == "quota":
            return self.error(429, "insufficient_quota")
        if fault == "filter":
            return self.error(400, "content_policy_violation")
        if fault == "redirect":
            return 302, None, self.message(302, b"", extra="Location: http://127.0.0.1:9/elsewhere\r\n")
        if fault == "reset":
            return 0, None, b""
        if fault == "malformed":
            return 200, None, self.message(200, b'{"choices": [{"message": ')
        if fault == "huge":
            return 200, None, self.message(200, b" " * (66 << 20))
        made = self.make(endpoint, body)
        if made is None:
            return self.error(404, "not_found")
        content_type, payload, usage = made
        if fault == "badusage":
            payload = payload.replace(b'"cached_tokens": 0', b'"cached_tokens": 999999')
        message = self.message(200, payload, content_type)
        return 200, usage, message[:len(message) - len(payload) // 2] if fault == "cut" else message

    def make(self, endpoint, body):
        model, text = body.get("model"), text_of(body)
        if endpoint == "chat/completions":
            prompt = sum(len(str(m.get("content")).split()) for m in body.get("messages", []))
            answer = "You said: " + text
            limit = body.get("max_completion_tokens") or body.get("max_tokens") or 4096
            words = answer.split(" ")
            reason = "length" if len(words) > limit else "stop"
            answer = " ".join(words[:limit])
            usage = {"prompt_tokens": prompt, "completion_tokens": len(answer.split(" ")),
                     "total_tokens": prompt + len(answer.split(" ")), "prompt_tokens_details": {"cached_tokens": 0}}
            return self.document({
                "id": "chatcmpl-fake", "object": "chat.completion", "created": int(time.time()), "model": model,
                "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": reason}],
                "usage": usage}, usage)
        if endpoint == "embeddings":
            inputs = body.get("input")
            inputs = inputs if isinstance(inputs, list) else [inputs]
            dimensions = 1536 if "large" in str(model) else 8
            tokens = sum(max(1, len(str(each).split())) for each in inputs)
            seeds = [zlib.crc32(str(each).encode()) for each in inputs]
            data = [{"object": "embedding", "index": index,
                     "embedding": [(seed >> (k % 24) & 255) / 255 for k in range(dimensions)]}
                    for index, seed in enumerate(seeds)]
            usage = {"prompt_tokens": tokens, "total_tokens": tokens}
            return self.document({"object": "list", "data": data, "model": model, "usage": usage}, usage)
        if endpoint == "audio/speech":
            seconds = min(0.05 * len(text), 10)
            if body.get("response_format") == "wav":
                return "audio/wav", wav(seconds), {"characters": len(text)}
            return "audio/mpeg", b"\xff\xfb\x90\x00" + b"\0" * int(2000 * seconds), {"characters": len(text)}
        if endpoint == "images/generations":
            count = int(body.get("n") or 1)
            usage = {"input_tokens": len(text.split()), "output_tokens": 100 * count,
                     "input_tokens_details": {"text_tokens": len(text.split()), "image_tokens": 0}}
            return self.document({"created": int(time.time()), "data": [{"b64_json": PICTURE}] * count,
                                  "usage": usage}, {**usage, "images": count})
        return None

    @staticmethod
    def document(value, usage):
        return "application/json", json.dumps(value).encode(), usage

    def error(self, status, code):
        document = {"error": {"message": "SECRET provider text", "type": code, "param": None, "code": code}}
        extra = "Retry-After: 2\r\n" if status == 429 else ""
        return status, None, self.message(status, json.dumps(document).encode(), extra=extra)

    @staticmethod
    def message(status, payload, content_type="application/json", extra=""):
        return (f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\nContent-Type: {content_type}\r\n"
                f"Content-Length: {len(payload)}\r\n{extra}\r\n").encode() + payload


async def main():
    parser = argparse.ArgumentParser(description="A fake OpenAI-compatible provider.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    parser.add_argument("--latency-ms", default="0", help="of each call: 50, or 20-200 for a random one")
    parser.add_argument("--log", help="file that gets a line at the start and the end of each call")
    parser.add_argument("--api-key", help="calls without this key are refused")
    options = parser.parse_args()
    fake = Fake(options)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    server = await asyncio.start_server(fake.serve, options.host, options.port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stopped.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
    sys.exit(0)
