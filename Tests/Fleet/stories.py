"""Stories through whole processes: from one HTTP request to a film that plays."""

import contextlib
import json
import subprocess
from decimal import Decimal

import rules
from fleet import PATIENCE, ROOT, Fleet, check, main, one_end_each, quiet, running_counts, together, wait_for
from gateway import send, start_gateway

NARRATIONS = ["Once upon a time a lighthouse stood on a rock in the sea.",
              "Every night its lamp turned, and the ships found their way.",
              "One night the lamp went out, and the keeper's daughter lit a candle."]
FRAME = {"size": "640x360"}


@contextlib.contextmanager
def studio(speech="espeak", pictures="card", latency=50, worker=True):
    """The shipped policy with these providers; `fake` is one of its own whose log tells what was asked."""
    with Fleet("stories") as fleet:
        fleet.start_provider("--latency-ms", latency)
        fleet.use_rules(policy(fleet.provider_port, speech, pictures), rules.costs())
        if worker:
            fleet.start_worker()
        fleet.start_billing()
        if not worker:
            fleet.run("topology", "apply")
        fleet.gateway = start_gateway(fleet)
        fleet.results.listen()
        yield fleet


def policy(port, speech, pictures):
    text = (ROOT / "deploy/policy.yml").read_text()
    fake = f'  fake: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1", timeout: 30s}}\n'
    models = "".join(f"  - {{provider: fake, task: {task}, model: {model}, stage: stable, verified: true}}\n"
                     for task, model in (("tts", "voice-1"), ("image", "picture-1")))
    for old, new in (("tts: [piper, espeak]", f"tts: [{speech}]"),
                     ("image: [openai, card]", f"image: [{pictures}]"),
                     ("\nproviders:\n", "\nproviders:\n" + fake),
                     ("\nmodels:\n", "\nmodels:\n" + models)):
        check(old in text, f"the shipped policy has no {old.strip()}")
        text = text.replace(old, new)
    return text


def request(scenes=3, tier=None, user="user123", **prompts):
    """prompts: of single scenes, scene_2="..."."""
    script = [{"narration": NARRATIONS[number % 3]} for number in range(scenes)]
    for name, prompt in prompts.items():
        script[int(name.removeprefix("scene_")) - 1]["imagePrompt"] = prompt
    return {"script": {"title": "The lighthouse", "scenes": script}, "videoConfig": FRAME, "userId": user,
            "seriesId": "series456", **({"userTier": tier} if tier else {})}


def create(gateway, body, key=None):
    return send(gateway, "POST", "/create-story", body=body, **({"Idempotency-Key": key} if key else {}))


def accepted(gateway, body, key=None):
    answer = create(gateway, body, key)
    check(answer.status == 202, f"{answer.status} {answer.text}")
    return answer.json


def jobs_of(story):
    return [job["id"] for job in story["jobs"]]


def status_of(fleet, story):
    """None as long as the gateway cannot say."""
    answer = send(fleet.gateway, "GET", f"/v1/stories/{story['storyId']}")
    return answer.json if answer.status == 200 else None


def ended(fleet, story, seconds=3 * PATIENCE):
    def status():
        found = status_of(fleet, story)
        return found if found and found["status"] not in ("queued", "waiting", "running") else None
    return wait_for(f"the end of {story['storyId']}", seconds, status, pause=0.2)


def film(fleet, story):
    """The finished film as a file, and its length in seconds; it has been played to its end."""
    answer = send(fleet.gateway, "GET", f"/v1/jobs/{story['storyId']}.video/artifact")
    check(answer.status == 200 and answer.headers["content-type"] == "video/mp4", f"{answer.status} {answer.headers}")
    path = fleet.directory / f"{story['storyId']}.mp4"
    path.write_bytes(answer.body)
    played = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "null", "-"], capture_output=True, text=True)
    check(played.returncode == 0 and not played.stderr, f"the film does not play: {played.stderr[:500]}")
    shown = json.loads(subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format=duration:stream=codec_name,width,height", "-of", "json",
         path], capture_output=True, text=True, check=True).stdout)
    streams = {stream["codec_name"]: stream for stream in shown["streams"]}
    check(set(streams) == {"h264", "aac"}, f"the film has {sorted(streams)}")
    frame = f"{streams['h264']['width']}x{streams['h264']['height']}"
    check(frame == FRAME["size"], f"the film is {frame}")
    return float(shown["format"]["duration"])


def spoken_seconds(fleet, story):
    results = fleet.results.by_job()
    speech = [results[job["id"]][0] for job in story["jobs"] if job["taskType"] == "tts"]
    return sum(float(usage["quantity"]) for event in speech for usage in event["usage"]
               if usage["unit"] == "audio_seconds")


def rows_of(fleet, jobs):
    return [row for row in fleet.rows() if row["job_id"] in jobs]


def booked(fleet, jobs):
    return sum(Decimal(row["amount_nano_usd"]) for row in rows_of(fleet, jobs)) / 10**9


def wait_for_rows(fleet, jobs):
    """Each of these jobs has run, and once."""
    wait_for("a row for each job", PATIENCE, lambda: {row["job_id"] for row in rows_of(fleet, jobs)} == set(jobs))
    rows = [row["event_id"] for row in rows_of(fleet, jobs)]
    check(len(rows) == len(jobs), f"{len(jobs)} jobs have {len(rows)} rows: {sorted(rows)}")


def seeds_example():
    """The request of the seed, as a subscriber's and as anybody's: a film each, as long as what is told, without a
    network."""
    with studio() as fleet:
        stories = {"BUSINESS": accepted(fleet.gateway, request(tier="tier3")),
                   "FREE": accepted(fleet.gateway, request())}
        expected = [(task, scene) for task in ("image", "tts") for scene in (1, 2, 3)] + [("video", 0)]
        figures = []
        for tier, story in stories.items():
            lane, priority = {"BUSINESS": ("high", 3), "FREE": ("low", 1)}[tier]
            members = {"storyId", "tier", "priority", "lane", "jobs", "expectedStart"}
            check(set(story) == members, f"members {set(story)}")
            check((story["tier"], story["lane"], story["priority"]) == (tier, lane, priority), f"accepted as {story}")
            tasks = sorted((job["taskType"], job["scene"] or 0) for job in story["jobs"])
            check(tasks == expected, f"{tasks}")
            status = ended(fleet, story)
            check(status["status"] == "succeeded" and status["error"] is None, f"{status}")
            parts = [scene[part] for scene in status["scenes"] for part in ("speech", "image")] + [status["video"]]
            check(all(part["status"] == "succeeded" for part in parts), f"{parts}")
            for part in parts[:2]:
                found = send(fleet.gateway, "HEAD", part["artifact"])
                check(found.status == 200, f"{part}: {found.status}")
            jobs = jobs_of(story)
            one_end_each(fleet.results.wait(jobs, PATIENCE), jobs)
            length, spoken = film(fleet, story), spoken_seconds(fleet, story)
            check(spoken > 5 and abs(length - spoken) <= 0.05 * spoken, f"{length} s of film for {spoken} s of speech")
            wait_for_rows(fleet, jobs)
            check({row["tier"] for row in rows_of(fleet, jobs)} == {tier}, "booked under another tier")
            figures.append(f"{tier} {length:.1f} s of film")
        providers = {row["provider"] for row in fleet.rows()}
        check(providers == {"espeak", "card", "ffmpeg"} and not fleet.calls(), f"made by {providers}")
        quiet(fleet)
        return ", ".join(figures)


def scene_refused():
    """One picture is refused for good: the story fails and says which scene, nothing is left waiting, and what was made
    before is paid."""
    with studio(pictures="fake") as fleet:
        story = accepted(fleet.gateway, request(tier="tier3", scene_2="fault-filter of the sea"))
        status = ended(fleet, story)
        error = status["error"]
        check(status["status"] == "failed" and error["scene"] == 2, f"{status}")
        check(error["code"] == "content_refused" and "scene 2" in error["message"], f"{error}")
        jobs = jobs_of(story)
        results = fleet.results.wait(jobs, PATIENCE)
        one_end_each(results, jobs)
        ends = {job["id"]: results[job["id"]][0]["status"] for job in story["jobs"]}
        # A scene that had not begun when the film was given up is given up with it.
        failed = {name for name, end in ends.items() if end == "failed"}
        check(failed == {f"{story['storyId']}.s2.image", f"{story['storyId']}.video"}, f"{ends}")
        check(set(ends.values()) <= {"failed", "succeeded", "cancelled"}, f"{ends}")
        reason = results[f"{story['storyId']}.video"][0]["error"]["code"]
        check(reason == "parent_failed", f"the film ended {reason}")
        for job in jobs:
            state = json.loads(fleet.run("explain", job, "--format", "json").stdout)["state"]
            check(state == ends[job], f"{job} is {state}")
        shown = send(fleet.gateway, "GET", f"/v1/jobs/{story['storyId']}.video/artifact")
        check(shown.status == 404, f"there is a film: {shown.status}")
        wait_for_rows(fleet, [job for job in jobs if ends[job] != "cancelled" and not job.endswith(".video")])
        paid = booked(fleet, jobs)
        drawn = sum(1 for job in jobs if job.endswith(".image") and ends[job] == "succeeded")
        check(paid == Decimal("0.04") * drawn, f"{drawn} pictures of 0.04 USD cost {paid}")
        wait_for("the story's cost to be the ledger's", PATIENCE,
                 lambda: Decimal(ended(fleet, story)["cost"]["amount"]) == paid)
        check(not fleet.drain("jobs.dead"), "a job became a dead letter")
        quiet(fleet)


def scene_replayed():
    """One picture fails until it is a dead letter. Replayed while its provider is held it waits, and whoever asks sees
    that; then it is made. The story stays failed and still says because of which scene."""
    with studio(pictures="fake", worker=False) as fleet:
        worker = fleet.start_worker()
        story = accepted(fleet.gateway, request(tier="tier3", scene_2="fault-500 of the sea"))
        picture = f"{story['storyId']}.s2.image"
        error = ended(fleet, story)["error"]
        check((error["scene"], error["code"]) == (2, "provider_failed"), f"{error}")
        wait_for("the picture's letter", PATIENCE, lambda: fleet.depth("jobs.dead") == 1)
        wait_for("the rest of the story to end", PATIENCE, lambda: over(fleet, story), pause=0.2)
        check(fleet.stop(worker) == 0, "the worker did not drain")
        workers = fleet.command("lanes")["workers"]
        check(workers == 0, f"a worker that ended is still counted: {workers}")
        fleet.use_rules(policy(fleet.provider_port, "espeak", "card"), rules.costs())
        fleet.start_worker()

        def turn(act):
            done = fleet.run("providers", act, "card", "--reason", "trial")
            check(done.returncode == 0, f"{act}: {done.stderr}")

        turn("hold")
        fleet.command("dead", "replay", picture)

        def shown():
            return send(fleet.gateway, "GET", f"/v1/jobs/{picture}").json

        waiting = wait_for("the letter to wait for its provider", PATIENCE,
                           lambda: shown() if shown()["reason"] == "provider_resting" else None, pause=0.2)
        check((waiting["status"], waiting["run"], waiting["result"]) == ("waiting", None, None), f"{waiting}")
        explained = fleet.command("explain", picture)
        check((explained["state"], explained["reason"]) == ("waiting", "provider_resting"), f"{explained}")
        turn("release")
        wait_for("the picture", PATIENCE, lambda: shown()["status"] == "succeeded", pause=0.2)
        status = status_of(fleet, story)
        check(status["status"] == "failed" and status["video"]["artifact"] is None, f"{status}")
        check((status["error"]["scene"], status["error"]["code"]) == (2, "parent_failed"), f"{status['error']}")
        found = send(fleet.gateway, "HEAD", status["scenes"][1]["image"]["artifact"])
        check(found.status == 200, f"the picture that was made later is not there: {found.status}")
        quiet(fleet)


def given_up():
    """The first picture of a long story is refused while most scenes wait for one of two slots: those are not begun any
    more, none of them is left waiting, and the ledger has what was called and nothing else."""
    with studio(speech="fake", pictures="fake", latency=4000) as fleet:
        story = accepted(fleet.gateway, request(scenes=12, scene_1="fault-filter of the sea"))
        jobs = jobs_of(story)
        results = fleet.results.wait(jobs, 3 * PATIENCE)
        one_end_each(results, jobs)
        ends = {job: results[job][0]["status"] for job in jobs}
        cancelled = [job for job in jobs if ends[job] == "cancelled"]
        check(len(cancelled) >= 4, f"only {len(cancelled)} of {len(jobs)} jobs were given up: {ends}")
        for job in cancelled:
            event = results[job][0]
            check(event["error"]["code"] == "cancelled" and ".video" in event["error"]["message"], f"{event['error']}")
            known = (event["tier"], event["seriesId"], event["metadata"]["storyId"])
            check(known == ("FREE", "series456", story["storyId"]), f"{job} is {known}")
        status = wait_for("the story to be over", PATIENCE, lambda: over(fleet, story), pause=0.2)
        check(status["status"] == "failed" and status["error"]["scene"] == 1, f"{status}")
        check(status["error"]["code"] == "content_refused", f"{status['error']}")
        begun = [job for job in jobs if ends[job] != "cancelled" and not job.endswith(".video")]
        calls = fleet.calls()
        check(len(calls) == len(begun), f"{len(calls)} calls for {len(begun)} jobs that were begun")
        wait_for_rows(fleet, begun)
        check(not rows_of(fleet, cancelled), "a job that was given up has a row")
        usage = send(fleet.gateway, "GET", "/v1/users/user123/usage").json
        check(usage["waiting"] == {} and usage["running"] == 0, f"{usage}")
        check(not fleet.drain("jobs.dead"), "a job became a dead letter")
        quiet(fleet)
        return f"{len(cancelled)} of {len(jobs)} jobs were given up"


def over(fleet, story):
    status = status_of(fleet, story)
    parts = [scene[part] for scene in status["scenes"] for part in ("speech", "image")] if status else []
    return status if parts and all(part["status"] not in ("queued", "waiting", "running") for part in parts) else None


def memory_lost():
    """Redis loses everything while scenes run, and again while the film waits for the last of them."""
    with studio(pictures="fake", latency=3000) as fleet:
        story = accepted(fleet.gateway, request(scenes=6))
        jobs = jobs_of(story)

        def forget():
            client = fleet.redis()
            for key in fleet.keys():
                client.delete(key)

        def made():
            return [job for job in jobs if job in fleet.results.by_job()]

        wait_for("pictures to be drawn", PATIENCE, lambda: any("end" not in call for call in fleet.calls().values()))
        forget()
        before = len(made())

        def film_waits():
            video = (status_of(fleet, story) or {}).get("video")
            return video and video["reason"] == "parents" and before < len(made())

        wait_for("the film to wait again", 2 * PATIENCE, film_waits, pause=0.2)
        left = len(jobs) - len(made())
        check(left > 1, "the film waits for nothing")
        forget()
        results = fleet.results.wait(jobs, 3 * PATIENCE)
        one_end_each(results, jobs)
        check({results[job][0]["status"] for job in jobs} == {"succeeded"}, "a part of the story failed")
        status = ended(fleet, story)
        parts = [scene[part] for scene in status["scenes"] for part in ("speech", "image")]
        check({part["status"] for part in [status, *parts, status["video"]]} == {"succeeded"}, f"{status}")
        check(all(send(fleet.gateway, "HEAD", part["artifact"]).status == 200 for part in parts if part["artifact"]),
              "a file that the story names is not there")
        length, spoken = film(fleet, story), spoken_seconds(fleet, story)
        check(abs(length - spoken) <= 0.05 * spoken, f"{length} s of film for {spoken} s of speech")
        wait_for_rows(fleet, jobs)
        quiet(fleet)
        return f"{before} of {len(jobs)} jobs had ended at the first loss, {len(jobs) - left} at the second"


def sent_again():
    """Under one Idempotency-Key: one story, whichever gateway is asked and whenever; another script is refused."""
    with studio() as fleet:
        gateways = [fleet.gateway, start_gateway(fleet)]
        body = request(tier="tier3")
        stories = [accepted(gateways[number % 2], body, "order-7") for number in range(4)]
        story, jobs = stories[0], jobs_of(stories[0])
        check(all((again["storyId"], jobs_of(again)) == (story["storyId"], jobs) for again in stories), f"{stories}")
        others = {"another text": request(tier="tier3", scene_1="A cave"),
                  "another length": request(scenes=2, tier="tier3"),
                  "another user": request(tier="tier3", user="somebody")}

        def refused():
            for what, other in others.items():
                answer = create(gateways[1], other, "order-7")
                is_refused = answer.status == 409 and answer.problem == "id-conflict"
                check(is_refused, f"{what}: {answer.status} {answer.text}")

        refused()
        check(ended(fleet, story)["status"] == "succeeded", "the story failed")
        check(accepted(gateways[1], body, "order-7")["storyId"] == story["storyId"], "it is another story later")
        refused()
        other = accepted(gateways[0], body, "order-8")
        check(other["storyId"] != story["storyId"], "another key is the same story")
        check(ended(fleet, other)["status"] == "succeeded", "the other story failed")
        quiet(fleet)
        wait_for_rows(fleet, jobs + jobs_of(other))
        strangers = [row["job_id"] for row in fleet.rows() if row["job_id"] not in jobs + jobs_of(other)]
        check(not strangers, f"refused requests ran: {strangers}")
        check(not fleet.drain("jobs.dead"), "a job became a dead letter")


def known_at_once():
    """Before any worker has seen its jobs a story is queued, and so are they; with a worker it goes on."""
    with studio(worker=False) as fleet:
        story = accepted(fleet.gateway, request(tier="tier3"))
        status = status_of(fleet, story)
        check(status and status["status"] == "queued" and status["userId"] == "user123", f"{status}")
        for job in jobs_of(story):
            answer = send(fleet.gateway, "GET", f"/v1/jobs/{job}")
            check(answer.status == 200 and answer.json["status"] == "queued", f"{job}: {answer.status} {answer.text}")
        fleet.start_worker()
        check(ended(fleet, story)["status"] == "succeeded", "the story failed")
        quiet(fleet)


def within_the_tier():
    """A long story of a user without a subscription never has more than two jobs running, by the provider's own log."""
    with studio(speech="fake", pictures="fake", latency=1000) as fleet:
        story = accepted(fleet.gateway, request(scenes=8))
        check(story["tier"] == "FREE", f"accepted as {story['tier']}")
        check(ended(fleet, story)["status"] == "succeeded", "the story failed")
        highest = running_counts(fleet, lambda job: "user123")["user123"]
        check(highest == 2, f"{highest} jobs ran at once")
        calls = fleet.calls().values()
        check(len(calls) == 16, f"{len(calls)} calls")
        video = fleet.results.wait(jobs_of(story), PATIENCE)[f"{story['storyId']}.video"][0]
        parents = [fleet.results.by_job()[job][0] for job in jobs_of(story) if not job.endswith(".video")]
        begun = video["startedAt"]
        check(all(begun >= parent["finishedAt"] for parent in parents), "the film began before its parts had ended")
        film(fleet, story)
        quiet(fleet)


def all_stories():
    return together({scenario.__name__: scenario for scenario in (
        memory_lost, seeds_example, given_up, scene_refused, scene_replayed, sent_again, known_at_once,
        within_the_tier)}, at_once=2)


if __name__ == "__main__":
    main(all_stories, by_name_only=(
        seeds_example, scene_refused, scene_replayed, given_up, memory_lost, sent_again, known_at_once,
        within_the_tier))
