"""Lists the WAV files of a directory with their length, size and loudness; fails if one cannot be heard.

    audio.py DIRECTORY
"""

import array
import math
import os
import sys
import wave


def loudness(frames: bytes) -> float:
    """Root mean square of 16-bit samples in decibels below full scale; -inf for silence."""
    samples = array.array("h", frames)
    square = sum(sample * sample for sample in samples) / max(1, len(samples))
    return 20 * math.log10(math.sqrt(square) / 32768) if square else -math.inf


def main(directory: str) -> int:
    files = sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(directory)
        for name in names
        if name.endswith(".wav")
    )
    total = 0.0
    silent = 0
    print(f"{'seconds':>8} {'KiB':>7} {'dB':>6}  file")
    for path in files:
        with wave.open(path) as audio:
            seconds = audio.getnframes() / audio.getframerate()
            level = loudness(audio.readframes(audio.getnframes())) if audio.getsampwidth() == 2 else 0.0
        total += seconds
        silent += level < -60
        print(f"{seconds:8.2f} {os.path.getsize(path) / 1024:7.1f} {level:6.1f}  {os.path.relpath(path)}")
    print(f"{total:8.2f} seconds of speech in {len(files)} files")
    if silent:
        print(f"{silent} of them are silent", file=sys.stderr)
    return 1 if silent or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
