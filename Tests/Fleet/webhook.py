"""The webhook that scenarios have administrators told at."""

import collections
import http.server
import json
import threading

SECRET = "T0SECRETB0"


class Webhook:
    """Takes alerts as Slack does; answers 503 for as long as it is told to."""

    def __init__(self):
        self.taken, self.refused, self.is_down = [], 0, False
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if hook.is_down:
                    hook.refused += 1
                else:
                    hook.taken.append((self.path, body))
                self.send_response(503 if hook.is_down else 200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *arguments):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/services/{SECRET}"

    def bodies(self):
        return [body for _, body in self.taken]


def told(bodies):
    """How often what was told of what."""
    return collections.Counter((body["kind"], body["scope"], body["state"]) for body in bodies)
