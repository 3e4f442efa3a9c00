"""Audible speech: the piper voice, and espeak-ng when piper is not there."""

import pathlib
import struct
import wave

from fleet import PATIENCE, ROOT, Fleet, check, main

SENTENCE = "The toll booth opened at dawn, and the first travellers were already waiting in the rain."


def heard(artifact):
    """Duration in seconds, after checking that it is speech and not silence."""
    with wave.open(artifact["path"]) as audio:
        frames = audio.readframes(audio.getnframes())
        duration = audio.getnframes() / audio.getframerate()
        check(audio.getsampwidth() == 2, "samples are not 16 bit")
    samples = struct.unpack(f"<{len(frames) // 2}h", frames)
    loud = sum(1 for sample in samples if abs(sample) > 1000) / len(samples)
    check(loud > 0.05, f"only {loud:.1%} of the samples are audible")
    seconds_per_character = duration / len(SENTENCE)
    check(0.03 < seconds_per_character < 0.15, f"{duration:.1f} s for {len(SENTENCE)} characters")
    return duration


def spoken(fleet, provider):
    fleet.start_worker(2)
    fleet.start_billing()
    fleet.results.listen()
    job = {"id": "speech", "userId": "u", "taskType": "tts", "userTier": "tier2", "payload": {"text": SENTENCE}}
    fleet.publish([job])
    event = fleet.results.wait(["speech"], 2 * PATIENCE)["speech"][0]
    check(event["status"] == "succeeded", f"{event['error']}")
    check(event["provider"] == provider, f"spoken by {event['provider']}, not {provider}")
    duration = heard(event["output"]["artifact"])
    stated = next(float(usage["quantity"]) for usage in event["usage"] if usage["unit"] == "audio_seconds")
    check(abs(stated - duration) < 0.01, f"{stated} s stated, {duration} s in the file")
    return f"{duration:.2f} s of speech, {len(event['attempts'])} attempts"


def by_piper():
    with Fleet("piper") as fleet:
        return spoken(fleet, "piper")


def by_espeak_when_piper_is_gone():
    policy = (ROOT / "deploy/policy.yml").read_text()
    check("deploy/models/piper/serve" in policy, "the policy does not start piper as expected")
    with Fleet("espeak") as fleet:
        path = fleet.directory / "policy.yml"
        path.write_text(policy.replace("deploy/models/piper/serve", "deploy/models/no-such-voice/serve"))
        fleet.environment["TOLLWAY_POLICY"] = str(path)
        return spoken(fleet, "espeak")


if __name__ == "__main__":
    main(by_piper, by_espeak_when_piper_is_gone)
