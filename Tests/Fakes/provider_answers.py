"""What the fake provider answers when it is well: small, valid, a function of the request. Used by provider.py.

An answer has a payload, and where the request asked for a stream also its pieces, so that a fault can stop, stall or
spoil it at a chosen token. `ENDPOINTS` has a function for each endpoint; other wire formats are added there."""

import base64
import dataclasses
import json
import time
import zlib

from openai_server import PICTURE, wav

# The text of answers that are to be cut or stalled.
SIXTY_TOKENS = " ".join(f"word{number}" for number in range(1, 61))


@dataclasses.dataclass
class Stream:
    """Server-sent events. opening: before any content; mark: what says that nothing follows."""
    opening: bytes
    tokens: list
    closing: bytes
    mark: bytes


@dataclasses.dataclass
class Answer:
    content_type: str
    payload: bytes
    usage: dict
    """What is charged for all of it."""
    stream: Stream | None = None

    @property
    def body(self):
        parts = self.stream
        return parts.opening + b"".join(parts.tokens) + parts.closing + parts.mark if parts else self.payload

    def usage_after(self, tokens):
        """What is charged when it ends early."""
        prompt = self.usage.get("prompt_tokens", 0)
        return {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}


def event(document):
    return b"data: " + (document if isinstance(document, bytes) else json.dumps(document).encode()) + b"\n\n"


def document(value, usage):
    return Answer("application/json", json.dumps(value).encode(), usage)


def chat(body, text=None, finish=None, with_usage=True):
    """text: instead of an echo of the last message. finish: instead of `stop` or `length`."""
    messages = body.get("messages") or [{}]
    said = messages[-1].get("content")
    words = (text or f"You said: {said if isinstance(said, str) else ''}").split(" ")
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or 4096
    finish = finish or ("length" if len(words) > limit else "stop")
    words = words[:limit]
    prompt = sum(len(str(message.get("content")).split()) for message in messages)
    usage = {"prompt_tokens": prompt, "completion_tokens": len(words), "total_tokens": prompt + len(words),
             "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}
    about = {"id": "chatcmpl-fake", "created": int(time.time()), "model": body.get("model"),
             "service_tier": "default"}
    message = {"role": "assistant", "content": " ".join(words)}
    answer = document({**about, "object": "chat.completion", "usage": usage,
                       "choices": [{"index": 0, "message": message, "finish_reason": finish}]}, usage)
    if body.get("stream"):
        def chunk(delta, reason=None):
            return event({**about, "object": "chat.completion.chunk", "usage": None,
                          "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
        closing = chunk({}, finish)
        if with_usage and (body.get("stream_options") or {}).get("include_usage"):
            closing += event({**about, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        tokens = [chunk({"content": word if number == 0 else " " + word}) for number, word in enumerate(words)]
        answer.content_type = "text/event-stream"
        answer.stream = Stream(chunk({"role": "assistant", "content": ""}), tokens, closing, event(b"[DONE]"))
    return answer


def embeddings(body):
    inputs = body.get("input")
    inputs = inputs if isinstance(inputs, list) else [inputs]
    tokens = sum(max(1, len(str(each).split())) for each in inputs)
    seeds = [zlib.crc32(str(each).encode()) for each in inputs]
    data = [{"object": "embedding", "index": index, "embedding": [(seed >> k & 255) / 255 for k in range(8)]}
            for index, seed in enumerate(seeds)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return document({"object": "list", "data": data, "model": body.get("model"), "usage": usage},
                    {**usage, "inputs": len(inputs)})


def speech(body):
    text = str(body.get("input"))
    seconds = min(0.05 * len(text), 10)
    form = body.get("response_format", "mp3")
    audio = wav(seconds) if form == "wav" else b"\xff\xfb\x90\x00" + b"\0" * int(2000 * seconds)
    if body.get("stream_format") != "sse":
        return Answer(f"audio/{'mpeg' if form == 'mp3' else form}", audio, {"characters": len(text)})
    usage = {"input_tokens": len(text.split()), "output_tokens": int(20 * seconds) + 1}
    usage["total_tokens"] = sum(usage.values())
    parts = [base64.b64encode(audio[at:at + 3000]).decode() for at in range(0, len(audio), 3000)]
    tokens = [event({"type": "speech.audio.delta", "audio": part}) for part in parts]
    done = event({"type": "speech.audio.done", "usage": usage})
    return Answer("text/event-stream", b"".join(tokens) + done, usage, Stream(b"", tokens, b"", done))


def images(body):
    count, words = int(body.get("n") or 1), len(str(body.get("prompt")).split())
    usage = {"input_tokens": words, "output_tokens": 100 * count, "total_tokens": words + 100 * count,
             "input_tokens_details": {"text_tokens": words, "image_tokens": 0}}
    return document({"created": int(time.time()), "data": [{"b64_json": PICTURE}] * count, "size": "1024x1024",
                     "quality": "medium", "output_format": "png", "usage": usage}, {**usage, "images": count})


# By what follows /v1/, of calls that are charged.
ENDPOINTS = {"chat/completions": chat, "embeddings": embeddings, "audio/speech": speech, "images/generations": images}

CLIP = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 1000


def video(record, status):
    """record: id, model, seconds, size, created."""
    progress = {"queued": 0, "completed": 100}.get(status, 50)
    return {"id": record["id"], "object": "video", "model": record["model"], "status": status, "progress": progress,
            "created_at": record["created"], "seconds": record["seconds"], "size": record["size"]}
