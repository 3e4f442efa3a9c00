"""Policy and prices for scenarios: the four tiers of the contract, served by one OpenAI-compatible provider."""

TASKS = {"llm": "chat-1", "tts": "voice-1", "embedding": "vector-1", "image": "picture-1"}


def policy(port, order="fake", extra_providers="", limits=(2, 5, 10, 20), timeout="30s"):
    tiers = ""
    shapes = zip(("FREE", "PRO", "BUSINESS", "ENTERPRISE"), ("low", "standard", "high", "critical"), (3, 5, 10, 15),
                 ("latest", "allow_minor", "allow_minor", "latest"), limits)
    for code, lane, batch, routing, limit in shapes:
        providers = ", ".join(f"{task}: [{order}]" for task in TASKS) + ", echo: [echo]"
        tiers += f"""
  {code}:
    priority: {lane}
    batch_size: {batch}
    model_policy: {{defaultRouting: {routing}, canary: false, providers: {{{providers}}}}}
    quotas: {{concurrency: {limit}}}
    visibility: {{showBetaModels: false, allowUnverified: false}}"""
    models = "\n".join(
        f"  - {{provider: {name}, task: {task}, model: {model}, version: \"1\", stage: stable, verified: true}}"
        for name in ["fake"] + [line.split(":")[0].strip() for line in extra_providers.splitlines() if line.strip()]
        for task, model in TASKS.items())
    return f"""version: 1
default_tier: FREE
trust_message_tier: true
aliases: {{tier1: FREE, tier2: PRO, tier3: BUSINESS, tier4: ENTERPRISE}}
tiers:{tiers}
providers:
  fake: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1", timeout: {timeout}}}
  echo: {{kind: echo}}
{extra_providers}
models:
{models}
  - {{provider: echo, task: echo, model: echo, stage: stable, verified: true}}
"""


def costs(providers=("fake",)):
    entries = ""
    for provider in providers:
        units = {"chat-1": [("input_tokens", "1"), ("output_tokens", "2")], "voice-1": [("characters", "15")],
                 "vector-1": [("input_tokens", "0.02")], "picture-1": [("images", "40000")]}
        for model, prices in units.items():
            rows = "\n".join(f'      - {{unit: {unit}, price: "{price}", per: 1000000}}' for unit, price in prices)
            entries += f"""
  - provider: {provider}
    model: "{model}"
    unit_prices:
{rows}
    source: "made up for tests"
    checked: 2026-11-21"""
    return f"version: 1\ncurrency: USD\nprices:{entries}\n"
