"""A local model server for tests: chat, speech and batches of speech on the Unix socket TOLLWAY_SOCKET, and every way
to misbehave. It prints no texts.

    model_server.py DIRECTORY [MANNER ...]

Writes its process id to DIRECTORY/pid at each start, those of its children to DIRECTORY/children, a line for each call
to DIRECTORY/calls. Manners: `deaf` ignores its standard input and SIGTERM; `mute` never serves; `silent` takes
connections and never answers; `broken` ends before it serves; `single` offers no batches; `tiny` has room for one item
in a batch.

The prompt of a chat says what happens: `pid`, `env`, `socket`, `files` (limit of open ones), `processors` answer with
that; `exit` and `segv` crash; `stop` freezes the whole process; `balloon` takes memory without end (2 GiB at most);
`fork` starts children without end (200 at most); `leak` opens files without end (5,000 at most) and answers no more;
`partial` cuts its answer short; `flood` answers without end (256 MiB at most); `child` starts a grandchild that ignores
SIGTERM; `sleep N` answers after N seconds; `wait` answers when DIRECTORY/go is there.
Speech of a text with `poison` is refused; a batch that holds `spoilt` is refused whole; `crash` crashes.
"""

import base64
import ctypes
import http.server
import io
import json
import os
import resource
import signal
import socketserver
import subprocess
import sys
import threading
import time
import wave

DIRECTORY = sys.argv[1]
MANNERS = set(sys.argv[2:])
KEPT = []


def note(name, line):
    with open(os.path.join(DIRECTORY, name), "a") as file:
        file.write(f"{line}\n")


def wav(text):
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 80 * len(text))
    return out.getvalue()


def freeze():
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(600)  # the other threads may stop a moment before this one


def balloon():
    for _ in range(128):
        KEPT.append(bytearray(os.urandom(1 << 20) * 16))
        time.sleep(0.02)
    return "full"


def start_children():
    for _ in range(200):
        child = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
        KEPT.append(child)
        note("children", child.pid)
        time.sleep(0.01)
    return "started"


def leak():
    def take_every_file():
        while len(KEPT) < 5000:
            try:
                KEPT.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                time.sleep(0.001)

    threading.Thread(target=take_every_file, daemon=True).start()
    time.sleep(600)


def grandchild():
    script = "trap '' TERM; sleep 600 & echo $! >> \"$0\"; echo $$ >> \"$0\"; wait"
    KEPT.append(subprocess.Popen(["sh", "-c", script, os.path.join(DIRECTORY, "children")], stdin=subprocess.DEVNULL))
    return "started"


def wait_for_go():
    while not os.path.exists(os.path.join(DIRECTORY, "go")):
        time.sleep(0.01)
    return "went"


ANSWERS = {
    "pid": lambda: str(os.getpid()),
    "env": lambda: ",".join(sorted(os.environ)) + " " + os.environ["TOLLWAY_MODELS"],
    "socket": lambda: os.environ["TOLLWAY_SOCKET"],
    "files": lambda: str(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
    "processors": lambda: str(len(os.sched_getaffinity(0))),
    "exit": lambda: os._exit(3),
    "segv": lambda: ctypes.string_at(0),
    "stop": freeze,
    "balloon": balloon,
    "fork": start_children,
    "leak": leak,
    "child": grandchild,
    "wait": wait_for_go,
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if "silent" in MANNERS:
            time.sleep(600)
        batch = {} if "single" in MANNERS else {"batch": 16}
        models = os.environ.get("TOLLWAY_MODELS", "").split(",")
        self.answer({"object": "list", "data": [{"id": name, **batch} for name in models]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        note("calls", self.path)
        if self.path == "/v1/audio/speech/batch":
            self.speak_batch(body)
        elif self.path == "/v1/audio/speech":
            self.speak(body)
        else:
            self.chat(body["messages"][0]["content"])

    def chat(self, prompt):
        if prompt == "partial":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": [{"mess')
            self.close_connection = True
            return
        if prompt == "flood":
            return self.flood()
        if prompt.startswith("sleep "):
            time.sleep(float(prompt[6:]))
            text = "slept"
        else:
            text = ANSWERS.get(prompt, lambda: "hello")()
        self.answer({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]})

    def flood(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        block = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
        for _ in range(256):
            self.wfile.write(block)

    def speak(self, body):
        text = body["input"]
        if "crash" in text:
            os._exit(3)
        if "poison" in text:
            return self.answer(self.refusal("invalid_request"), 400)
        data = wav(text)
        self.send_response(200)
        self.send_header("Content-Type", "audio/wav")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def speak_batch(self, body):
        texts = [item["input"] for item in body["input"]]
        if any("crash" in text for text in texts):
            os._exit(3)
        if any("spoilt" in text for text in texts):
            return self.answer(self.refusal("invalid_request"), 400)
        entries = []
        for text in texts:
            if "poison" in text:
                entries.append(self.refusal("invalid_request"))
            elif "tiny" in MANNERS and entries:
                entries.append(self.refusal("batch_too_large"))
            else:
                entries.append({"audio": base64.b64encode(wav(text)).decode()})
        self.answer({"data": entries})

    @staticmethod
    def refusal(code):
        return {"error": {"type": code, "code": code, "message": "refused"}}

    def answer(self, document, status=200):
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle(self):
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the caller had enough

    def address_string(self):
        return ""

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def main():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    note("pid", os.getpid())
    if "broken" in MANNERS:
        sys.exit(1)
    if "deaf" in MANNERS:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    if "mute" in MANNERS:
        time.sleep(600)
    Server(os.environ["TOLLWAY_SOCKET"], Handler).serve_forever()


if __name__ == "__main__":
    main()
