"""The wire shapes of single providers, for vendors.py: what they answer when they are well, and how they refuse."""

import dataclasses
import json
import typing
import zlib

import provider_answers as answers
from openai_server import png, wav

SECRET = "SECRET provider text"


@dataclasses.dataclass
class HeadedAnswer(answers.Answer):
    """With headers of its own, each ended by CRLF."""
    headers: str = ""


@dataclasses.dataclass
class Vendor:
    name: str
    prefix: str
    """Of its addresses, below the base address."""
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    required_headers: tuple = ()
    answer: typing.Callable | None = None
    """None: as provider.py does."""
    refusal: typing.Callable = lambda behaviour: None
    """Status, document and further headers of a behaviour; None where it is no refusal of this provider."""
    stream_error: bytes | None = None


def retry_after(argument):
    return f"Retry-After: {argument}\r\n" if argument else ""


# Anthropic

ANTHROPIC_TYPES = {400: "invalid_request_error", 401: "authentication_error", 402: "billing_error",
                   403: "permission_error", 404: "not_found_error", 413: "request_too_large",
                   429: "rate_limit_error", 500: "api_error", 504: "timeout_error", 529: "overloaded_error"}
ANTHROPIC_REFUSALS = {
    "credit": (400, "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing."),
    "spend": (400, "You have reached your specified API usage limits. You will regain access on 2026-12-01."),
    "context": (400, "prompt is too long: 210000 tokens > 200000 maximum"),
    "window": (400, "input length and `max_tokens` exceed context limit: 199000 + 4096 > 200000"),
    "policy": (400, "Output blocked by content filtering policy"),
    "quoting": (400, f"messages.0.role: {SECRET}: your credit balance is too low")}


def anthropic_error(kind, message=SECRET, **more):
    return {"type": "error", "error": {"type": kind, "message": message, **more}, "request_id": "req_fake"}


def anthropic_refusal(behaviour):
    name, _, argument = behaviour.partition(":")
    if name == "quota":
        return 429, anthropic_error("rate_limit_error", details={"error_code": "enforced_spend_limit_reached"})
    if name in ANTHROPIC_REFUSALS:
        status, message = ANTHROPIC_REFUSALS[name]
        return status, anthropic_error(ANTHROPIC_TYPES[status], message)
    if name.isdigit():
        return int(name), anthropic_error(ANTHROPIC_TYPES.get(int(name), "api_error")), retry_after(argument)
    return None


def anthropic_event(kind, **members):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def anthropic(call, text=None):
    body = call.body
    said = body["messages"][-1]["content"]
    system = " ".join(block["text"] for block in body.get("system", []))
    words = (text or f"{system} You said: {said}".strip()).split(" ")
    reason = "max_tokens" if len(words) > body["max_tokens"] else "end_turn"
    words = words[:body["max_tokens"]]
    start = {"input_tokens": 25, "cache_creation_input_tokens": 2500,
             "cache_creation": {"ephemeral_5m_input_tokens": 2500, "ephemeral_1h_input_tokens": 0},
             "cache_read_input_tokens": 10000, "output_tokens": 1, "service_tier": "standard"}
    usage = {**start, "output_tokens": len(words)}
    message = {"id": "msg_fake", "type": "message", "role": "assistant", "model": body["model"] + "-20260101",
               "content": [], "stop_reason": None, "stop_sequence": None, "usage": start}
    opening = (anthropic_event("message_start", message=message)
               + anthropic_event("content_block_start", index=0, content_block={"type": "text", "text": ""})
               + anthropic_event("ping"))
    tokens = [anthropic_event("content_block_delta", index=0,
                              delta={"type": "text_delta", "text": word if number == 0 else " " + word})
              for number, word in enumerate(words)]
    closing = (anthropic_event("content_block_stop", index=0)
               + anthropic_event("message_delta", delta={"stop_reason": reason, "stop_sequence": None},
                                 usage={"output_tokens": len(words)}))
    stream = answers.Stream(opening, tokens, closing, anthropic_event("message_stop"))
    return answers.Answer("text/event-stream; charset=utf-8", b"", usage, stream)


# ElevenLabs

ELEVENLABS_CODES = {400: ("validation_error", "invalid_parameters"), 401: ("authentication_error", "invalid_api_key"),
                    402: ("payment_required", "insufficient_credits"), 403: ("authorization_error", "forbidden"),
                    404: ("not_found", "model_not_found"), 429: ("rate_limit_error", "rate_limit_exceeded"),
                    500: ("internal_error", "internal_error"), 503: ("internal_error", "service_unavailable")}


def elevenlabs_refusal(behaviour):
    name, _, argument = behaviour.partition(":")
    older = {"quota": (401, "quota_exceeded"), "context": (400, "max_character_limit_exceeded"),
             "busy": (429, "system_busy"), "voice": (404, "voice_not_found")}
    if name in older:
        status, code = older[name]
        return status, {"detail": {"status": code, "message": SECRET}}
    if name == "422":
        return 422, {"detail": [{"loc": ["body", "text"], "msg": SECRET, "type": "value_error"}]}
    if name.isdigit():
        kind, code = ELEVENLABS_CODES.get(int(name), ("internal_error", "internal_error"))
        return int(name), {"detail": {"type": kind, "code": code, "status": code, "message": SECRET}}, retry_after(
            argument)
    return None


def elevenlabs(call):
    text, form = call.body["text"], call.query.get("output_format", "mp3_44100_128")
    seconds = min(0.05 * len(text), 10)
    credits = (len(text) + 1) // 2 if "flash" in call.body["model_id"] else len(text)
    if form.startswith("pcm_"):
        audio, kind = wav(seconds, int(form.removeprefix("pcm_")))[44:], "audio/pcm"
    elif form.startswith("opus_"):
        audio, kind = b"OggS" + b"\0" * int(2000 * seconds), "audio/opus"
    else:
        audio, kind = b"\xff\xfb\x90\x00" + b"\0" * int(2000 * seconds), "audio/mpeg"
    headers = f"character-cost: {credits}\r\nrequest-id: fake\r\nhistory-item-id: fake\r\n"
    return HeadedAnswer(kind, audio, {"credits": credits}, None, headers)


# Hugging Face

def huggingface_refusal(behaviour):
    name, _, argument = behaviour.partition(":")
    if name == "loading":
        return 503, {"error": f"Model {SECRET} is currently loading", "estimated_time": 20.5}
    if name == "unsupported":
        return 400, {"error": "Model not supported by provider hf-inference"}
    if name == "quota":
        return 402, {"error": "You have exceeded your monthly included credits for Inference Providers."}
    if name.isdigit():
        return int(name), {"error": SECRET}, retry_after(argument)
    return None


def huggingface(call):
    inputs = call.body["inputs"]
    if call.endpoint.endswith("/pipeline/feature-extraction"):
        tokens = sum(len(each.split()) for each in inputs)
        vectors = [[(zlib.crc32(each.encode()) >> k & 255) / 255 for k in range(8)] for each in inputs]
        return HeadedAnswer("application/json", json.dumps(vectors).encode(), {"tokens": tokens}, None,
                            f"x-compute-tokens: {tokens}\r\n")
    if "speech" in call.endpoint:
        return HeadedAnswer("audio/wav", wav(min(0.05 * len(inputs), 10)), {"characters": len(inputs)})
    return HeadedAnswer("image/jpeg", png(call.body.get("parameters", {}).get("width", 16)), {"images": 1})


VENDORS = [
    Vendor("anthropic", "v1/messages", "x-api-key", "", ("anthropic-version",), anthropic, anthropic_refusal,
           anthropic_event("error", error={"type": "overloaded_error", "message": SECRET})),
    Vendor("elevenlabs", "v1/text-to-speech/", "xi-api-key", "", (), elevenlabs, elevenlabs_refusal),
    Vendor("huggingface", "hf-inference/models/", answer=huggingface, refusal=huggingface_refusal),
    Vendor("openai", "v1/")]
