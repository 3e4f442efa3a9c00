"""A fleet whose providers misbehave: one process of Tests/Fakes/provider.py plays all of them, each at its path. Part
of the routing scenarios."""

import json
import socket
import subprocess
import sys
import urllib.request

import rules
from fleet import PATIENCE, ROOT, Fleet, check, whole_lines

MODELS = {**rules.TASKS, "video": "clip-1"}
PRICES = {"clip-1": {"video_seconds": "100000"}}
# Nano-dollars by model and unit, of what provider.py says it charges.
CHARGES = {"chat-1": {"prompt_tokens": 1000, "completion_tokens": 2000}, "voice-1": {"characters": 15_000},
           "vector-1": {"prompt_tokens": 20}, "picture-1": {"images": 40_000_000},
           "clip-1": {"video_seconds": 100_000_000}}
MOST_OUTPUT = 100  # tokens of a text job


class FaultyFleet(Fleet):
    """Fleet with provider.py in the place of the fake that is always well."""

    def start_provider(self):
        self.provider_log = self.directory / "provider.ndjson"
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "Tests/Fakes/provider.py"), "--tls", "--log", str(self.provider_log)],
            stdout=subprocess.PIPE, text=True)
        process.log = self.provider_log
        self.processes.append(process)
        port, resetting, tls = (int(process.stdout.readline()) for _ in range(3))
        self.provider_port = port
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            closed = unused.getsockname()[1]
        # Addresses that are faults themselves.
        self.addresses = {"refused": f"http://127.0.0.1:{closed}", "tls": f"https://localhost:{tls}",
                          "reset at once": f"http://127.0.0.1:{resetting}"}
        return process

    def prepare(self, providers, tiers, **options):
        """All but the workers."""
        self.use_providers(providers, tiers, **options)
        self.start_billing()
        self.results.listen()

    def control(self, **document):
        request = urllib.request.Request(f"http://127.0.0.1:{self.provider_port}/control",
                                         json.dumps(document).encode())
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            check(reply.status == 200, f"the provider refused {document}")

    def lines(self):
        return [json.loads(line) for line in whole_lines(self.provider_log).splitlines()]

    def calls(self):
        """Call number -> its lines put together; status, usage and stated are None until it has ended."""
        calls = {}
        for line in self.lines():
            if line["event"] != "poll":
                calls.setdefault(line["call"], {"status": None, "usage": None, "stated": None}).update(
                    {name: value for name, value in line.items() if name not in ("event", "mono", "wall")}
                    | ({"begin": line["mono"]} if line["event"] == "start" else {}))
        return calls

    def calls_by(self, *names):
        """Lists of calls by these, in the order of their beginning: by job, path, ..."""
        grouped = {}
        for call in self.calls().values():
            call["job"] = call["key"].partition("/")[0]
            key = tuple(call[name] for name in names)
            grouped.setdefault(key if len(names) > 1 else key[0], []).append(call)
        return {key: sorted(calls, key=lambda call: call["begin"]) for key, calls in grouped.items()}

    def use_providers(self, providers, tiers, contexts=None, batch_sizes=None):
        """providers: name -> options of the policy file. tiers: code -> names in the order to try, for every task.
        contexts: provider -> tokens that its text model takes."""
        def tier(code, names):
            return {"priority": "standard", "batch_size": (batch_sizes or {}).get(code, 1),
                    "model_policy": {"defaultRouting": "latest", "canary": False,
                                     "providers": {task: names for task in MODELS}},
                    "visibility": {"showBetaModels": False, "allowUnverified": False}}
        def provider(name, options):
            base = options.pop("at", None) or f"http://127.0.0.1:{self.provider_port}/{name}"
            return {"kind": "openai", "base_url": base + "/v1", **options}
        models = [{"provider": name, "task": task, "model": model, "version": "1", "stage": "stable", "verified": True,
                   **({"context": contexts[name]} if task == "llm" and name in (contexts or {}) else {})}
                  for name in providers for task, model in MODELS.items()]
        document = {"version": 1, "default_tier": next(iter(tiers)), "trust_message_tier": True, "aliases": {},
                    "tiers": {code: tier(code, names) for code, names in tiers.items()},
                    "providers": {name: provider(name, dict(options)) for name, options in providers.items()},
                    "models": models}
        self.use_rules(json.dumps(document), rules.costs(providers, PRICES))  # JSON is YAML


def charged(call, of="usage"):
    """Nano-dollars that the provider charges for a call, by its own log."""
    return sum(int(call[of].get(unit, 0)) * price for unit, price in CHARGES[call["model"]].items())


def worst(job):
    """Nano-dollars that a call is booked with when nobody heard of it again."""
    payload, model = job["payload"], MODELS[job["taskType"]]
    size = len(json.dumps(payload))
    usage = {"llm": {"prompt_tokens": size, "completion_tokens": payload.get("maxTokens", 4096)},
             "embedding": {"prompt_tokens": size}, "tts": {"characters": len(payload.get("text", ""))},
             "image": {"images": 1}, "video": {"video_seconds": payload.get("seconds", 12)}}[job["taskType"]]
    return sum(usage[unit] * price for unit, price in CHARGES[model].items())


def job(number, tier, task="llm", **more):
    text = f"number {number} of {tier}"
    payload = {"llm": {"prompt": text, "maxTokens": MOST_OUTPUT}, "tts": {"text": text, "format": "wav"},
               "embedding": {"input": text}, "image": {"prompt": text},
               "video": {"prompt": text, "seconds": 4}}[task]
    return {"id": f"{tier}-{number}", "userId": tier, "userTier": tier, "taskType": task, "payload": payload, **more}
