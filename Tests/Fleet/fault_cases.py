"""Faults and what has to follow from each: a case is a job whose providers misbehave. Data of the routing scenarios."""

import dataclasses

ATTEMPT_BUDGET = 6
# Of the providers at fault; the real bounds are 15 s, 10 s and 60 s. What provider.py keeps back is scaled with them.
FIRST_TOKEN, IDLE, TIMEOUT = 6, 4, 16
SCALED = {"first_token_timeout": f"{FIRST_TOKEN}s", "idle_timeout": f"{IDLE}s", "timeout": f"{TIMEOUT}s"}
SLACK = 9  # seconds that a busy machine may add to a limit of time; less than from one limit to the next
MOST = 60  # seconds of a job that waits for nothing but such limits and a pause or two


@dataclasses.dataclass
class Case:
    """One job of a tier of its own, whose providers are NAME-1, NAME-2. Calls and seconds: (at least, at most)."""
    candidates: list
    """Of each: the script of its calls by one job (one behaviour, or a list), or an address that is a fault itself."""
    calls: tuple
    end: str = "succeeded"
    """Else the error code."""
    rows: tuple | None = None
    """Outcomes in the ledger by attempt; None where several are right."""
    rests: str | None = None
    """Whether the first candidate rests for the jobs after this one: `at once`, `in time` (after enough of them),
    `never`; None where that depends on the time."""
    task: str = "llm"
    first: tuple | None = None
    """Seconds of the first attempt."""
    gap: tuple | None = None
    """Seconds from the first call of the first candidate to its second."""
    seconds: tuple = (0, MOST)
    """Of the whole job."""
    served: int | None = None
    """The candidate that serves, where it is not the last one that is called."""
    contexts: tuple = ()
    polls: list | None = None
    alerts: bool = False


def falls(fault, outcome="failed", **more):
    """One call at the first, the job is served by the second."""
    return Case([fault, "ok"], ((1, 1), (1, 1)), rows=(outcome, "success"), **more)


def ends(fault, code, **more):
    """One call, and no other provider would do better."""
    return Case([fault, "ok"], ((1, 1), (0, 0)), code, ("failed",), "never", **more)


def retried(fault, **more):
    """Twice at the first, then the second."""
    return Case([fault, "ok"], ((2, 2), (1, 1)), rows=("failed", "failed", "success"), rests="in time", **more)


def alone(fault, calls, code="provider_failed", **more):
    return Case([fault], (calls,), code, **more)


SILENCE = {"outcome": "unknown", "first": (FIRST_TOKEN, FIRST_TOKEN + SLACK), "rests": "in time"}
STUCK = {"outcome": "unknown", "first": (IDLE, FIRST_TOKEN + SLACK), "rests": "in time"}
BROKEN = {"rests": "in time"}
CLOSED = {"rests": "at once"}
UNBOUGHT = {"rows": ("unknown",)}

CASES = {
    # The sixteen of Failover Bench; s15 is a scenario of its own below.
    "s01": Case([["429:2", "ok"], "ok"], ((1, 1), (1, 1)), rows=("failed", "success")),
    "s01-alone": Case([["429:2", "ok"]], ((2, 2),), rows=("failed", "success"), gap=(2, 30)),
    "s02": Case(["429", "ok"], ((1, 4), (1, 1))),
    "s02-alone": alone("429", (2, ATTEMPT_BUDGET), seconds=(0, 180)),
    "s03": Case([["500", "ok"], "ok"], ((2, 2), (0, 0)), rows=("failed", "success")),
    "s04": retried("503"),
    "s04-alone": alone("503", (ATTEMPT_BUDGET, ATTEMPT_BUDGET), rows=("failed",) * ATTEMPT_BUDGET, seconds=(1, 180)),
    "s05": Case([["reset-early", "ok"], "ok"], ((1, 2), (0, 1))),
    "s05-alone": Case([["reset-early", "ok"]], ((2, 2),)),
    "s06": falls("silent", **SILENCE),
    "s07": falls("first-token:30", **SILENCE),
    "s08": falls("cut:40", **BROKEN),
    "s08-stated": falls("cut-stated:40", **BROKEN),
    "s08-hard": Case(["cut-hard:40", "ok"], ((1, 1), (1, 1)), rests="in time"),
    "s09": falls("stall:20", outcome="unknown", rests="in time", first=(IDLE, IDLE + SLACK)),
    "s10": falls("bad-event", **BROKEN),
    "s11": Case(["no-done"], ((1, 1),), rows=("success",), rests="never", seconds=(0, 9)),  # ten and nobody read more
    "s12": falls("context", contexts=(8_000, 128_000), rests="never"),
    "s12-no-larger": Case(["context", "ok"], ((1, 1), (0, 0)), "caller_error", ("failed",), contexts=(8_000, 8_000)),
    "s12-larger-too": Case(["context", "context"], ((1, 1), (1, 1)), "caller_error", ("failed", "failed"),
                           contexts=(8_000, 128_000)),
    "s13": ends("policy", "content_refused"),
    "s14": Case(["cut:40", "prefill"], ((1, 1), (1, 1)), rows=("failed", "success")),
    "s16": retried("503"),
    # No connection, or none that can be trusted: nothing was charged, and there is no row.
    "refused": Case(["refused", "ok"], ((0, 0), (1, 1)), rows=("success",), rests="in time"),
    "refused-alone": alone("refused", (0, 0), rows=(), seconds=(1, 180)),
    "tls": Case(["tls", "ok"], ((0, 0), (1, 1)), rows=("success",), rests="in time"),
    "reset-at-once": Case(["reset at once", "ok"], ((0, 0), (1, 1)), rests="in time"),
    "reset-before": Case(["reset-early", "ok"], ((1, 1), (1, 1)), rows=("unknown", "success"), rests="in time"),
    "reset-after": falls("reset", outcome="unknown", **BROKEN),
    # Answers that do not come, do not end, or are none.
    "slow-headers": falls("slow-headers", **SILENCE),
    "slow-body": falls("slow-body", **SILENCE),
    "endless": Case(["endless", "ok"], ((1, 1), (1, 1)), first=(0, TIMEOUT + SLACK)),
    "huge": falls("huge", **BROKEN),
    "huge-chunked": Case(["huge-chunked", "ok"], ((1, 1), (1, 1)), first=(0, TIMEOUT + SLACK),
                         rests="in time"),
    "gzip": falls("gzip", **BROKEN),
    "malformed": falls("malformed", **BROKEN),
    "truncated": Case(["truncated", "ok"], ((1, 1), (1, 1)), rests="in time"),
    "redirect": falls("redirect", **BROKEN),
    "stream-error": retried("stream-error:20"),
    # Statuses.
    "withheld": ends("finish:content_filter", "content_refused"),
    "400": ends("400", "caller_error"),
    "401": falls("401", **CLOSED, alerts=True),
    "401-alone": alone("401", (1, 1), rows=("failed",)),
    "402": falls("402", **CLOSED, alerts=True),
    "403": falls("403", **CLOSED, alerts=True),
    "404": falls("404", **CLOSED),
    "408": falls("408", outcome="unknown", **BROKEN),
    "413": ends("413", "caller_error"),
    "422": ends("422", "caller_error"),
    "429-long": falls("429:120", **CLOSED),
    "429-long-alone": Case([["429:4", "ok"]], ((2, 2),), rows=("failed", "success"), gap=(4, 30), seconds=(4, MOST)),
    # It comes back when the first of them may be asked again, and not before.
    "429-long-both": Case([["429:4", "ok"], ["429:40", "ok"]], ((2, 2), (1, 1)), rows=("failed", "failed", "success"),
                          gap=(4, 35), seconds=(4, MOST), served=1),
    "429-money": falls("quota", **CLOSED, alerts=True),
    "500": retried("500"),
    "503": retried("503"),
    "529": retried("529"),
    # Other tasks: speech and vectors may be made again, pictures and clips are not bought twice.
    "tts-silent": falls("silent", outcome="unknown", task="tts", rests="in time", seconds=(FIRST_TOKEN, MOST)),
    "tts-500": retried("500", task="tts"),
    "tts-truncated": Case(["truncated", "ok"], ((1, 1), (1, 1)), task="tts"),
    "embedding-reset": falls("reset", outcome="unknown", task="embedding", rests="in time"),
    "embedding-slow-body": Case(["slow-body", "ok"], ((1, 1), (1, 1)), task="embedding"),
    "embedding-malformed": falls("malformed", task="embedding", rests="in time"),
    "image-503": retried("503", task="image"),
    "image-reset": Case(["reset", "ok"], ((1, 1), (0, 0)), "provider_failed", task="image", **UNBOUGHT),
    "image-silent": Case(["silent", "ok"], ((1, 1), (0, 0)), "provider_failed", task="image", seconds=(1, MOST),
                         **UNBOUGHT),
    "image-malformed": Case(["malformed", "ok"], ((1, 1), (0, 0)), "provider_failed", task="image", **UNBOUGHT),
    "image-truncated": Case(["truncated", "ok"], ((1, 1), (0, 0)), "provider_failed", task="image", **UNBOUGHT),
    "video": Case(["ok"], ((1, 1),), rows=("success",), task="video"),
    "video-polls": Case(["ok"], ((1, 1),), rows=("success",), task="video", polls=["503", "reset", "429", "ok"],
                        seconds=(0, 2 * MOST)),
    "video-503": Case(["503", "ok"], ((2, 2), (1, 1)), rows=("failed", "failed", "success"), task="video"),
    "video-reset": Case(["reset", "ok"], ((1, 1), (0, 0)), "provider_failed", task="video", **UNBOUGHT),
    "video-refused": Case(["ok", "ok"], ((1, 1), (0, 0)), "content_refused", task="video", polls=["moderated"]),
}
# Faults of which only a limit of time can tell; all others have the limits of real life, which a busy machine keeps.
TIMED = {"silent", "first-token", "stall", "slow-headers", "slow-body", "endless", "huge-chunked"}


def is_timed(candidate):
    steps = candidate if isinstance(candidate, list) else [candidate]
    return any(step.partition(":")[0] in TIMED for step in steps)


# A video has as long as a poll or two take.
LONGER = {"timeout": "120s", "first_token_timeout": "30s", "idle_timeout": "30s"}
