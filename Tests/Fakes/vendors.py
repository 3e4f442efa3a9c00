#!/usr/bin/env python3
"""A provider in the wire shapes of several: Anthropic messages, ElevenLabs speech, Hugging Face inference, and whatever
else OpenAI-compatible that provider.py answers. For the tests of the adapters.

    vendors.py [--port 0] [--log FILE] [--api-key KEY]

Prints its port; with TOLLWAY_SOCKET in the environment it serves on that Unix socket instead, as a serving process
does, and ends with its standard input. An address may begin with /do/BEHAVIOUR, or the model be fault-BEHAVIOUR:
behaviours are those of provider_faults.py, and the names of refusals in vendor_shapes.py. Its log is that of
provider.py, with "vendor" and "query" in each line. Calls without the key, in the header where the provider wants it,
are refused. Ends on SIGTERM.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
import urllib.parse

import provider
import provider_answers as answers
import provider_faults as faults
import vendor_shapes as shapes


class VendorCall(provider.Call):
    vendor = None
    query = {}

    def answer(self, **options):
        return self.vendor.answer(self, **options) if self.vendor.answer else super().answer(**options)


class Vendors(provider.Provider):
    def __init__(self, log, api_key):
        super().__init__(log)
        self.api_key = api_key

    async def one(self, reader, writer, connection):
        """One request of a connection; false ends the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        target, _, query = target.partition("?")
        rest, behaviour = target.removeprefix("/"), "ok"
        if rest.startswith("do/"):
            _, behaviour, rest = rest.split("/", 2)
        vendor = next(vendor for vendor in shapes.VENDORS if rest.startswith(vendor.prefix))
        call = VendorCall(self, reader, writer, call=0, connection=connection, key=headers.get("idempotency-key", ""),
                          path=behaviour, endpoint=rest.removeprefix(vendor.prefix), vendor=vendor.name, query=query,
                          model=None)
        call.vendor, call.query = vendor, dict(urllib.parse.parse_qsl(query))
        raw = await reader.readexactly(min(int(headers.get("content-length") or 0), provider.MAXIMUM_BODY_BYTES))
        if method == "GET":
            return await self.look_up(call)
        call.body = json.loads(raw)
        model = call.about["model"] = str(call.body.get("model") or call.body.get("model_id") or call.endpoint)
        if model.startswith("fault-"):
            behaviour = model.removeprefix("fault-")
        if self.api_key and headers.get(vendor.key_header) != vendor.key_prefix + self.api_key:
            behaviour = "401"
        if any(name not in headers for name in vendor.required_headers):
            behaviour = "400"
        return await self.answer(call, None, behaviour)

    async def answer(self, call, script, behaviour):
        self.calls += 1
        call.about["call"] = self.calls
        call.begin(behaviour)
        try:
            refusal = call.vendor.refusal(behaviour)
            if refusal:
                return await refuse(call, *refusal)
            answer = call.answer() if behaviour == "ok" else None
            if isinstance(answer, shapes.HeadedAnswer):
                call.end(200, answer.usage)
                await call.send(faults.head(200, answer.content_type, len(answer.payload), answer.headers)
                                + answer.payload)
                return True
            if behaviour.startswith("stream-error") and call.vendor.stream_error:
                return await break_off(call)
            return await faults.behave(call, behaviour)
        finally:
            call.end(0)


async def refuse(call, status, document, extra=""):
    body = json.dumps(document).encode()
    call.end(status)
    await call.send(faults.head(status, length=len(body), extra=extra) + body)
    return True


async def break_off(call):
    """An error in the middle of a stream."""
    answer = call.answer(text=answers.SIXTY_TOKENS)
    await faults.stream_until(call, answer, 20)
    call.end(200, answer.usage)
    await call.send(faults.chunk(call.vendor.stream_error) + faults.LAST_CHUNK)
    return False


def end_with_input():
    sys.stdin.buffer.read()
    os._exit(0)


async def main():
    parser = argparse.ArgumentParser(description="A fake of several providers.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    parser.add_argument("--log", help="file that gets a line at the start and the end of each call")
    parser.add_argument("--api-key", help="calls without this key are refused")
    options = parser.parse_args()
    vendors = Vendors(options.log, options.api_key)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    if "TOLLWAY_SOCKET" in os.environ:
        threading.Thread(target=end_with_input, daemon=True).start()
        await asyncio.start_unix_server(vendors.serve, os.environ["TOLLWAY_SOCKET"], backlog=1024)
    else:
        listener = await asyncio.start_server(vendors.serve, "127.0.0.1", options.port, backlog=1024)
        print(listener.sockets[0].getsockname()[1], flush=True)
    await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main())
    sys.exit(0)
