"""How the fake provider misbehaves. Used by provider.py.

Each fault is a coroutine over one call, whose request has been read (except by `reset-early`). It says with `call.end`
what was answered and charged, before the last byte goes out, and answers whether the connection may be used again.
Behaviours are written NAME or NAME:ARGUMENT:

  ok                 the healthy answer
  NNN                that status with its error document; 429:2 and 503:2 with Retry-After: 2
  context policy     400 context_length_exceeded, 400 content_policy_violation
  quota              429 insufficient_quota: no money left
  prefill            400 if the last message is the assistant's, else ok
  poison             400 if an input contains "poison", else ok
  reset-early reset  TCP reset before the request's body was read; after it was
  silent             never answers
  slow-headers       a byte of the headers every half second
  slow-body          the headers, then a byte a second
  endless            an answer, or a stream, that never ends, as fast as it is read
  huge huge-chunked  2 GB, announced or not
  gzip               1 GB of zeros in a content coding that nobody asked for
  malformed          half a JSON document, as if it were whole
  truncated          half of the announced bytes, then the end of the connection
  redirect           302 to a link-local address
  latency:S          ok after S seconds
  first-token:S      a stream whose first content comes after S seconds
  cut:N cut-hard:N   a stream of 60 tokens that ends after N without an end mark; cut-hard: in the middle of a chunk
  cut-stated:N       cut:N behind a chunk that states what was used, as servers do that count along
  stall:N            the same, but silent after N, with the connection open
  bad-event          one event of a good stream is no JSON
  stream-error:N     an error document as an event after N tokens
  no-done            a whole stream without its end mark, the connection left open
  no-usage           a stream that does not say what was used
  finish:REASON      a stream with another finish_reason
  failed moderated   of polls: the video failed, or was refused
"""

import asyncio
import functools
import socket
import struct
import zlib

import provider_answers as answers
from provider_wire import ERRORS, LAST_CHUNK, LONGEST_HOLD, chunk, error, head, hold, ok, stream_until

HUGE = 2 << 30


def refusal_of(word):
    async def refuse(call, argument):
        texts = call.body.get("input") if word == "poison" else call.body.get("messages")
        refused = word in str(texts) if word == "poison" else texts[-1].get("role") == "assistant"
        return await error(call, word, 400) if refused else await ok(call)
    return refuse


def reset_now(writer):
    """So that the other side sees a reset and no end."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def reset(call, argument):
    call.end(0)
    reset_now(call.writer)
    return False


async def silent(call, argument):
    await hold(call, float(argument or LONGEST_HOLD))
    return False


async def slow_headers(call, argument):
    await call.send(b"HTTP/1.1 200 OK\r\nx-slow: ")
    for _ in range(2 * LONGEST_HOLD):
        await asyncio.sleep(0.5)
        await call.send(b"x")
    return False


async def slow_body(call, argument):
    answer = call.answer()
    await call.send(head(200, answer.content_type, len(answer.body)))
    for at in range(min(LONGEST_HOLD, len(answer.body))):
        await call.send(answer.body[at:at + 1])
        await asyncio.sleep(1)
    return False


async def endless(call, argument):
    answer = call.answer(text="x" * 4096) if call.endpoint == "chat/completions" else call.answer()
    piece = answer.stream.tokens[0] if answer.stream else answer.payload
    await call.send(head(200, answer.content_type))
    while True:
        await call.send(chunk(piece))
        await asyncio.sleep(0)  # a caller who reads fast does not starve the others


async def huge(call, argument):
    await call.send(head(200, length=HUGE))
    for _ in range(HUGE >> 16):
        await call.send(b" " * 65_536)
        await asyncio.sleep(0)
    return False


async def huge_chunked(call, argument):
    await call.send(head(200))
    for _ in range(HUGE >> 16):
        await call.send(chunk(b" " * 65_536))
        await asyncio.sleep(0)
    return False


@functools.cache
def bomb():
    """A gzip file of 1 GB: a compressed MiB, again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    part = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(1024):
        checksum = zlib.crc32(bytes(1 << 20), checksum)
    tail = b"\x03\0" + struct.pack("<II", checksum, 1 << 30)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + part * 1024 + tail


async def gzip(call, argument):
    packed = await asyncio.to_thread(bomb)  # a second of work; other calls go on
    await call.send(head(200, length=len(packed), extra="Content-Encoding: gzip\r\n") + packed)
    call.end(200)
    return True


async def malformed(call, argument):
    body = b'{"choices": [{"message": '
    call.end(200, call.answer().usage)
    await call.send(head(200, length=len(body)) + body)
    return True


async def truncated(call, argument):
    answer = call.answer()
    call.end(200, answer.usage)
    await call.send(head(200, answer.content_type, len(answer.body)) + answer.body[:len(answer.body) // 2])
    return False


async def redirect(call, argument):
    call.end(302)
    await call.send(head(302, length=0, extra="Location: http://169.254.169.254/latest/meta-data/\r\n"))
    return True


async def latency(call, argument):
    await asyncio.sleep(float(argument))
    return await ok(call)


async def first_token(call, argument):
    answer = call.answer()
    await call.send(head(200, answer.content_type) + chunk(answer.stream.opening))
    await asyncio.sleep(float(argument))
    for token in answer.stream.tokens:
        await call.send(chunk(token))
    call.end(200, answer.usage)
    await call.send(chunk(answer.stream.closing + answer.stream.mark) + LAST_CHUNK)
    return True


async def sixty(call, count):
    answer = call.answer(text=answers.SIXTY_TOKENS)
    await stream_until(call, answer, count)
    return answer


async def cut(call, argument):
    answer = await sixty(call, int(argument or 40))
    call.end(200, answer.usage_after(int(argument or 40)))
    await call.send(LAST_CHUNK)
    return True


async def cut_stated(call, argument):
    answer = await sixty(call, int(argument or 40))
    call.stated = answer.usage_after(int(argument or 40))
    await call.send(chunk(answers.event({"object": "chat.completion.chunk", "choices": [], "usage": call.stated})))
    call.end(200, call.stated)
    await call.send(LAST_CHUNK)
    return True


async def cut_hard(call, argument):
    answer = await sixty(call, int(argument or 40))
    call.end(200, answer.usage_after(int(argument or 40)))
    await call.send(b"400\r\ndata: {")
    return False


async def stall(call, argument):
    answer = await sixty(call, int(argument or 20))
    call.charged = answer.usage_after(int(argument or 20))
    await hold(call)
    return False


async def bad_event(call, argument):
    answer = await sixty(call, 20)
    await call.send(chunk(b'data: {"choices": [{"delta": {"content": \n\n'))
    for token in answer.stream.tokens[20:]:
        await call.send(chunk(token))
    call.end(200, answer.usage)
    await call.send(chunk(answer.stream.closing + answer.stream.mark) + LAST_CHUNK)
    return True


async def stream_error(call, argument):
    answer = await sixty(call, int(argument or 20))
    call.end(200, answer.usage_after(int(argument or 20)))
    kind, code = ERRORS["503"]
    fault = {"error": {"message": "SECRET provider text", "type": kind, "param": None, "code": code}}
    await call.send(chunk(answers.event(fault)) + LAST_CHUNK)
    return True


async def no_done(call, argument):
    answer = call.answer()
    await stream_until(call, answer, len(answer.stream.tokens))
    call.end(200, answer.usage)
    await call.send(chunk(answer.stream.closing))
    await hold(call)
    return False


async def no_usage(call, argument):
    return await ok(call, with_usage=False)


async def finish(call, argument):
    return await ok(call, finish=argument)


FAULTS = {"ok": ok, "poison": refusal_of("poison"), "prefill": refusal_of("prefill"), "reset": reset,
          "reset-early": reset, "silent": silent, "slow-headers": slow_headers, "slow-body": slow_body,
          "endless": endless, "huge": huge, "huge-chunked": huge_chunked, "gzip": gzip, "malformed": malformed,
          "truncated": truncated, "redirect": redirect, "latency": latency, "first-token": first_token, "cut": cut,
          "cut-stated": cut_stated, "cut-hard": cut_hard, "stall": stall, "bad-event": bad_event, "stream-error": stream_error,
          "no-done": no_done, "no-usage": no_usage, "finish": finish}
# Of these only streams can suffer; who did not ask for one is refused.
STREAMED = {"first-token", "cut", "cut-stated", "cut-hard", "stall", "bad-event", "stream-error", "no-done"}
STATUS_OF = {"context": 400, "policy": 400, "quota": 429}


async def behave(call, behaviour):
    name, _, argument = behaviour.partition(":")
    if name.isdigit() or name in STATUS_OF:
        return await error(call, name, STATUS_OF.get(name) or int(name), argument)
    if name in STREAMED and not call.answer().stream:
        return await error(call, "400", 400)
    return await FAULTS[name](call, argument)


def is_known(behaviour):
    name = behaviour.partition(":")[0]
    return name.isdigit() or name in STATUS_OF or name in FAULTS or name in ("failed", "moderated")
