"""Sends a story to a gateway, tells how its scenes come along, and fetches the film.

    story.py GATEWAY REQUEST FILM    # http://127.0.0.1:8080 story.json film.mp4

The film must be as long as what is told in it, within 5 %, by ffprobe.
"""

import http.client
import json
import subprocess
import sys
import time
import urllib.parse

PATIENCE = 300  # seconds for the whole story
SIGNS = {"succeeded": "#", "running": ">", "failed": "!", "dead": "!", "cancelled": "!", "blocked": "!"}


class Gateway:
    def __init__(self, url):
        self.address = urllib.parse.urlsplit(url).netloc

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request(method, path, body=body, headers={"Content-Type": "application/json"} if body else {})
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        if response.status >= 300:
            sys.exit(f"{method} {path} was answered {response.status}: {answer.decode(errors='replace')}")
        return answer

    def statuses(self, story):
        """How the story stands, at once and whenever that changes; ends with the story, or with the connection."""
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        connection.request("GET", f"/v1/stories/{story}/events")
        response = connection.getresponse()
        if response.status != 200:
            sys.exit(f"the story's events were answered {response.status}: {response.read().decode(errors='replace')}")
        for line in response:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])
        connection.close()


def picture_of(status):
    """A character for each scene: # done, > running, . waiting, ! not done."""
    speech, pictures = ("".join(SIGNS.get(scene[part]["status"], ".") for scene in status["scenes"])
                        for part in ("speech", "image"))
    return f"speech {speech}  pictures {pictures}  film {status['video']['status']}"


def watch(gateway, story):
    """Until the story is over; its last status."""
    begin, shown = time.monotonic(), None
    while time.monotonic() < begin + PATIENCE:
        status = None
        for status in gateway.statuses(story):
            if picture_of(status) != shown:
                shown = picture_of(status)
                print(f"{time.monotonic() - begin:6.1f} s  {shown}", flush=True)
        if status and status["status"] not in ("queued", "waiting", "running"):
            return status
        time.sleep(1)
    sys.exit(f"after {PATIENCE} s the story is not over.")


def spoken_seconds(gateway, status):
    total = 0.0
    for scene in status["scenes"]:
        result = json.loads(gateway.ask("GET", f"/v1/jobs/{scene['speech']['id']}"))["result"]
        total += sum(float(usage["quantity"]) for usage in result["usage"] if usage["unit"] == "audio_seconds")
    return total


def length(film):
    shown = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", film],
                           capture_output=True, text=True)
    if shown.returncode != 0:
        sys.exit(f"ffprobe cannot read {film}: {shown.stderr}")
    return float(shown.stdout)


def main(url, request, film):
    gateway = Gateway(url)
    with open(request, "rb") as file:
        body = file.read()
    story = json.loads(gateway.ask("POST", "/create-story", body))
    print(f"Accepted as {story['storyId']}: {len(story['jobs'])} jobs in the lane {story['lane']} ({story['tier']})")
    print("A sign for each scene: # done, > running, . waiting, ! not done")
    status = watch(gateway, story["storyId"])
    if status["status"] != "succeeded":
        sys.exit(f"the story {status['status']}: {(status['error'] or {}).get('message', 'no reason is known')}")
    with open(film, "wb") as file:
        file.write(gateway.ask("GET", f"/v1/jobs/{story['storyId']}.video/artifact"))
    shown, told = length(film), spoken_seconds(gateway, status)
    print(f"{shown:.1f} s of film for {told:.1f} s of speech")
    if abs(shown - told) > 0.05 * told:
        sys.exit("the film is not as long as what is told in it")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
