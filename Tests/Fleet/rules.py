"""Policy and prices for scenarios: the four tiers of the contract, served by one OpenAI-compatible provider."""

import json

TASKS = {"llm": "chat-1", "tts": "voice-1", "embedding": "vector-1", "image": "picture-1"}
LANES = {"FREE": "low", "PRO": "standard", "BUSINESS": "high", "ENTERPRISE": "critical"}
ALIASES = {"tier1": "FREE", "tier2": "PRO", "tier3": "BUSINESS", "tier4": "ENTERPRISE"}
# By unit, in US dollars for a million.
PRICES = {"chat-1": {"input_tokens": "1", "output_tokens": "2"}, "voice-1": {"characters": "15"},
          "vector-1": {"input_tokens": "0.02"}, "picture-1": {"images": "40000"}}


def policy(port, order="fake", extra_providers="", limits=(2, 5, 10, 20), timeout="30s", tiers=None, extra_models=(),
           default_tier="FREE", trust=True, aliases=None):
    """limits: concurrency of the tiers, None for no limit. tiers: changes of single tiers by code, with the names of the
    policy file: {"FREE": {"priority": "high", "quotas": {"monthly": {"jobs": 5}}}}; `quotas` adds to `limits`."""
    shapes = zip(LANES.items(), (3, 5, 10, 15), ("latest", "allow_minor", "allow_minor", "latest"), limits)
    body = ""
    for (code, lane), batch, routing, limit in shapes:
        change = (tiers or {}).get(code, {})
        providers = {**{task: order.split(", ") for task in TASKS}, "echo": ["echo"]}
        tier = {
            "priority": lane, "batch_size": batch,
            "model_policy": {"defaultRouting": routing, "canary": False, "providers": providers},
            "visibility": {"showBetaModels": False, "allowUnverified": False},
            **change, "quotas": {**({"concurrency": limit} if limit else {}), **change.get("quotas", {})}}
        body += f"\n  {code}: {json.dumps(tier)}"  # JSON is YAML
    # Whoever waits long for an answer waits as long for its beginning.
    silence = f", first_token_timeout: {timeout}, idle_timeout: {timeout}" if timeout != "30s" else ""
    names = ["fake"] + [line.split(":")[0].strip() for line in extra_providers.splitlines() if line.strip()]
    models = "\n".join(f"  - {json.dumps(model)}" for model in extra_models)
    models += "\n" + "\n".join(
        f"  - {{provider: {name}, task: {task}, model: {model}, version: \"1\", stage: stable, verified: true}}"
        for name in names for task, model in TASKS.items())
    return f"""version: 1
default_tier: {default_tier}
trust_message_tier: {json.dumps(trust)}
aliases: {json.dumps(aliases or ALIASES)}
tiers:{body}
providers:
  fake: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1", timeout: {timeout}{silence}}}
  echo: {{kind: echo}}
{extra_providers}
models:
{models}
  - {{provider: echo, task: echo, model: echo, stage: stable, verified: true}}
"""


def costs(providers=("fake",), prices=None):
    """prices: changes of PRICES."""
    entries = ""
    for provider in providers:
        for model, units in {**PRICES, **(prices or {})}.items():
            rows = "\n".join(f'      - {{unit: {unit}, price: "{price}", per: 1000000}}' for unit, price in units.items())
            entries += f"""
  - provider: {provider}
    model: "{model}"
    unit_prices:
{rows}
    source: "made up for tests"
    checked: 2026-11-21"""
    return f"version: 1\ncurrency: USD\nprices:{entries}\n"
