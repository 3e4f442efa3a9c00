"""What the fake provider puts on the wire: heads, chunks, errors, the healthy answer. Part of provider_faults.py."""

import asyncio
import json

REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required",
           403: "Forbidden", 404: "Not Found", 408: "Request Timeout", 413: "Content Too Large",
           422: "Unprocessable Content", 429: "Too Many Requests", 500: "Internal Server Error",
           503: "Service Unavailable"}
# type and code of the error document
ERRORS = {"context": ("invalid_request_error", "context_length_exceeded"),
          "policy": ("invalid_request_error", "content_policy_violation"),
          "quota": ("insufficient_quota", "insufficient_quota"),
          "poison": ("invalid_request_error", "invalid_input"), "prefill": ("invalid_request_error", None),
          "401": ("invalid_request_error", "invalid_api_key"), "402": ("billing_error", None),
          "403": ("permission_error", None), "404": ("invalid_request_error", "model_not_found"),
          "408": ("timeout", None), "413": ("request_too_large", None), "422": ("invalid_request_error", None),
          "429": ("requests", "rate_limit_exceeded"), "500": ("server_error", None), "503": ("server_error", None),
          "529": ("overloaded_error", None)}
LONGEST_HOLD = 120


def head(status, content_type="application/json", length=None, extra=""):
    """length: None for chunks."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\nContent-Type: {content_type}\r\n{framing}\r\n"
            f"x-request-id: req_fake\r\n{extra}\r\n").encode()


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


async def hold(call, seconds=LONGEST_HOLD):
    """Until the caller leaves."""
    try:
        await asyncio.wait_for(call.reader.read(1), seconds)
    except TimeoutError:
        pass


async def error(call, name, status, retry_after=None):
    kind, code = ERRORS.get(name, ("invalid_request_error", None))
    body = json.dumps({"error": {"message": "SECRET provider text", "type": kind, "param": None, "code": code}})
    extra = f"Retry-After: {retry_after}\r\n" if retry_after else ""
    call.end(status)
    await call.send(head(status, length=len(body), extra=extra) + body.encode())
    return True


async def ok(call, argument=None, **options):
    answer = call.answer(**options)
    if answer is None:
        return await error(call, "404", 404)
    if answer.stream is None:
        call.end(200, answer.usage)
        await call.send(head(200, answer.content_type, len(answer.payload)) + answer.payload)
        return True
    await stream_until(call, answer, len(answer.stream.tokens))
    call.stated = answer.usage if options.get("with_usage", True) else None
    call.end(200, answer.usage)
    await call.send(chunk(answer.stream.closing + answer.stream.mark) + LAST_CHUNK)
    return True


async def stream_until(call, answer, count):
    """Headers, opening and the first tokens."""
    await call.send(head(200, answer.content_type) + chunk(answer.stream.opening or b": \n\n"))
    for token in answer.stream.tokens[:count]:
        await call.send(chunk(token))
