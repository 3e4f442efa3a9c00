"""The price book against the lists it was made from, and while a fleet runs. The calculation here is another one: it
reads the lists themselves (data/prices-2026-11.csv) and what was decided against them (data/price-decisions.csv), knows
nothing of provider_costs.yml, and calculates in Python's decimal."""

import collections
import concurrent.futures
import csv
import datetime
import decimal
import json
import os
import random
import re
import subprocess
import time

import rules
from fleet import PATIENCE, ROOT, Fleet, check, main, medians, wait_for

DATA = ROOT / "Tests/Fleet/data"
COUNT = 300
SEED = int(os.environ.get("TOLLWAY_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
NANO = decimal.Decimal("1e-9")

# What a source calls a unit of ours: (name of the field, dollars for so many).
GENAI = {"input_mtok": ("input_tokens", 10**6), "cache_read_mtok": ("cached_input_tokens", 10**6),
         "cache_write_mtok": ("cache_write_tokens", 10**6), "cache_write_1h_mtok": ("cache_write_1h_tokens", 10**6),
         "output_mtok": ("output_tokens", 10**6), "input_audio_mtok": ("input_audio_tokens", 10**6),
         "output_audio_mtok": ("output_audio_tokens", 10**6), "input_image_mtok": ("input_image_tokens", 10**6),
         "output_image_mtok": ("output_image_tokens", 10**6), "input_mchars": ("characters", 10**6),
         "audio_hours": ("audio_seconds", 3600)}
LITELLM = {"input_cost_per_token": "input_tokens", "cache_read_input_token_cost": "cached_input_tokens",
           "cache_creation_input_token_cost": "cache_write_tokens",
           "cache_creation_input_token_cost_above_1hr": "cache_write_1h_tokens",
           "output_cost_per_token": "output_tokens",
           "input_cost_per_audio_token": "input_audio_tokens", "output_cost_per_audio_token": "output_audio_tokens",
           "input_cost_per_image_token": "input_image_tokens", "output_cost_per_image_token": "output_image_tokens",
           "input_cost_per_character": "characters", "output_cost_per_image": "images",
           "output_cost_per_video_per_second": "video_seconds"}
# Fields without a unit of ours: caches of audio and pictures, video that is sent, searches; and what repeats another.
UNMEASURED = re.compile(
    r"searches|grounding|cache_audio|cache_image|cache_read_input_(audio|image)_token|input_video|above_12hr"
    r"|input_audio_hours|reasoning|_pixel|_cache_hit$")
OUR_NAMES = {"gemini": "google", "vertex_ai-language-models": "google", "together_ai": "together"}
INPUT = {"input_tokens", "cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens", "input_audio_tokens",
         "input_image_tokens"}
OUTPUT = {"output_tokens", "output_audio_tokens", "output_image_tokens"}
TODAY = datetime.date(2026, 11, 21)


class Offer:
    """What one source says of one model from one day on: price[unit, size] = [(above, dollars for one)]."""

    def __init__(self, source, provider, model, quality=None):
        self.source, self.provider, self.model, self.quality = source, provider, model, quality
        self.prices = collections.defaultdict(list)
        self.since, self.until = datetime.date(2024, 1, 1), datetime.date(2028, 1, 1)

    def price(self, unit, size, total):
        """Of the highest bound that the input is above."""
        return max((above, each) for above, each in self.prices[unit, size] if total > above or above == 0)[1]

    @property
    def name(self):
        return f"{self.provider}/{self.model} {self.since} ({self.source})"


def table(name):
    with open(DATA / name, newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def decided():
    """(source, provider, model, field) -> the price taken instead, None for none."""
    return {(row["source"], row["provider"], row["model"], row["field"]):
            decimal.Decimal(row["usd"]) if row["usd"] else None for row in table("price-decisions.csv")}


def genai_offers(rows, decisions):
    days = collections.defaultdict(set)
    for row in rows:
        constraint = json.loads(row["constraint"] or "{}")
        days[row["provider"], row["model"]].add(constraint.get("start_date", "2024-01-01"))
    offers = {}
    for row in rows:
        key = (row["source"], row["provider"], row["model"])
        if UNMEASURED.search(row["field"]) or (*key, "*") in decisions or (*key, row["field"]) in decisions:
            continue
        since = json.loads(row["constraint"] or "{}").get("start_date", "2024-01-01")
        later = sorted(day for day in days[row["provider"], row["model"]] if day > since)
        offer = offers.setdefault((*key, since), Offer(*key))
        offer.since = datetime.date.fromisoformat(since)
        offer.until = datetime.date.fromisoformat(later[0]) if later else offer.until
        unit, per = GENAI[row["field"]]
        steps = [(0, row["usd"])]
        if row["usd"].startswith("{"):
            tiers = json.loads(row["usd"])
            steps = [(0, tiers["base"])] + [(int(tier["start"]), tier["price"]) for tier in tiers["tiers"]]
        for above, price in steps:
            offer.prices[unit, None].append((above, decimal.Decimal(price) / per))
    return list(offers.values())


def litellm_rows(rows, decisions):
    """As the list has them, with what was decided: replaced, left out, added."""
    left = dict(decisions)
    for row in rows:
        key = (row["source"], row["provider"], row["model"])
        field = (*key, row["field"])
        if (*key, "*") in decisions or UNMEASURED.search(row["field"]):
            continue
        price = left.pop(field) if field in left else decimal.Decimal(row["usd"])
        if price is not None:
            yield *key, row["mode"], row["field"], price
    modes = {(row["source"], row["provider"], row["model"]): row["mode"] for row in rows}
    for (*key, field), price in left.items():
        if price is not None and tuple(key) in modes:
            yield *key, modes[tuple(key)], field, price


def litellm_offers(rows, decisions):
    offers = {}
    fields = {(row["model"], row["field"]) for row in rows}
    for source, provider, model, mode, field, each in litellm_rows(rows, decisions):
        size, quality, above = None, None, 0
        name = model.split("/", 1)[1] if model.startswith(provider + "/") else model
        picture = re.fullmatch(r"(low|medium|high)/(\d+)-x-(\d+)/(.+)", name)
        if picture:
            quality, size, name = picture[1], f"{picture[2]}x{picture[3]}", picture[4]
        bound = re.fullmatch(r"(.+)_above_(\d+)k_tokens", field)
        if bound:
            field, above = bound[1], 1000 * int(bound[2])
        clip = re.fullmatch(r"output_cost_per_second(?:_(480p|1080p|4k))?", field)
        if mode == "video_generation" and clip:
            unit = "video_seconds"
            size = clip[1] or ("720p" if any(f"output_cost_per_second_{p}" in {f for m, f in fields if m == model}
                                             for p in ("480p", "1080p", "4k")) else None)
        elif mode == "audio_transcription" and clip:
            check(each == 0, f"{model}: two prices for a second that is heard")
            continue
        elif mode == "audio_transcription" and field == "input_cost_per_second":
            unit = "audio_seconds"
        elif mode == "audio_speech" and clip:
            continue  # a guess where tokens are charged
        elif field == "input_cost_per_image":
            if (model, "output_cost_per_image") in fields:
                continue  # of the same picture
            unit = "images"
        else:
            unit = LITELLM[field]
        offer = offers.setdefault((provider, name, quality), Offer(source, provider, name, quality))
        offer.since, offer.until = TODAY, datetime.date(2026, 12, 31)
        offer.prices[unit, size].append((above, each))
    return list(offers.values())


def all_offers():
    rows, decisions = table("prices-2026-11.csv"), decided()
    genai = [row for row in rows if row["source"].startswith("genai")]
    litellm = [row for row in rows if row["source"].startswith("litellm")]
    check(len(genai) + len(litellm) == len(rows) and len(rows) == 919, f"{len(rows)} rows of prices")
    return genai_offers(genai, decisions) + litellm_offers(litellm, decisions)


class Draw:
    """A usage of an offer, and what it costs by the list."""

    def __init__(self, offer, dice):
        self.offer = offer
        # The first instant, the last, and any other.
        first, last = (datetime.datetime.combine(day, datetime.time()) for day in (offer.since, offer.until))
        last -= datetime.timedelta(milliseconds=1)
        between = first + datetime.timedelta(seconds=dice.randrange(int((last - first).total_seconds())))
        self.at = dice.choice([first, last, between]).isoformat(timespec="milliseconds") + "Z"
        self.size = dice.choice(sorted({size for _, size in offer.prices if size})) if any(
            size for _, size in offer.prices) else None
        units = sorted({unit for unit, size in offer.prices if size in (None, self.size)})
        if "images" in units and OUTPUT & set(units):  # pictures are charged by one or the other
            left_out = dice.choice([OUTPUT, {"images"}])
            units = [unit for unit in units if unit not in left_out]
        bounds = sorted({above for steps in offer.prices.values() for above, _ in steps if above})
        self.usage = {unit: self.quantity(unit, dice) for unit in units if len(units) == 1 or dice.random() < 0.8}
        inputs = [unit for unit in self.usage if unit in INPUT]
        if bounds and inputs and dice.random() < 0.5:  # at a bound, one above, one below
            rest = sum(self.usage[unit] for unit in inputs[1:])
            self.usage[inputs[0]] = max(0, dice.choice(bounds) + dice.randint(-1, 1) - rest)

    @staticmethod
    def quantity(unit, dice):
        if unit.endswith("seconds"):
            return decimal.Decimal(dice.randrange(1, 600_000)) / 1000
        if unit == "images":
            return dice.randint(1, 10)
        return int(10 ** dice.uniform(0, 6))

    @property
    def expected(self):
        total = sum(quantity for unit, quantity in self.usage.items() if unit in INPUT)
        with decimal.localcontext(prec=60):
            cost = decimal.Decimal(0)
            for unit, quantity in self.usage.items():
                size = self.size if (unit, self.size) in self.offer.prices else None
                cost += decimal.Decimal(quantity) * self.offer.price(unit, size, total)
            return cost.quantize(NANO, decimal.ROUND_HALF_EVEN)

    def product(self, binary, environment):
        offer = self.offer
        command = [binary, "prices", "cost", offer.model, "--provider", OUR_NAMES.get(offer.provider, offer.provider),
                   "--usage", json.dumps({unit: str(quantity) for unit, quantity in self.usage.items()}),
                   "--at", self.at, "--format", "json"]
        for option, value in (("--size", self.size), ("--quality", offer.quality)):
            command += [option, value] if value else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment)
        check(done.returncode == 0, f"{offer.name} {self.usage}: {done.stderr.strip()}")
        return decimal.Decimal(json.loads(done.stdout)["amount"])


def random_usages_cost_what_the_lists_say():
    print(f"seed {SEED} (TOLLWAY_TEST_SEED)", flush=True)
    dice = random.Random(SEED)
    offers = sorted(all_offers(), key=lambda offer: offer.name)
    dice.shuffle(offers)
    draws = [Draw(offers[number % len(offers)], dice) for number in range(max(COUNT, len(offers)))]
    binary = os.environ.get("TOLLWAY_BIN") or str(ROOT / ".build/debug/tollway")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TOLLWAY_")}
    environment["TOLLWAY_COSTS"] = str(ROOT / "provider_costs.yml")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda draw: draw.product(binary, environment), draws))
    wrong = [f"{draw.offer.name} {draw.usage} {draw.size or ''} {draw.at}: {amount} instead of {draw.expected}"
             for draw, amount in zip(draws, found) if amount != draw.expected]
    check(not wrong, f"{len(wrong)} of {len(draws)} differ:\n" + "\n".join(wrong[:10]))
    models = {(offer.provider, offer.model) for offer in offers}
    total = sum(found)
    check(total > 0, "all of them cost nothing")
    return f"{len(draws)} usages of {len(offers)} prices of {len(models)} models, {total} USD in all"


def a_new_price_holds_within_a_second_and_a_wrong_file_changes_nothing():
    numbers = iter(range(10_000))

    def cost(fleet):
        """Of a speech of a hundred characters, by a worker that has been running all the time."""
        job_id = f"speech-{next(numbers)}"
        payload = {"text": "x" * 100}
        fleet.publish([{"id": job_id, "userId": "u", "taskType": "tts", "userTier": "tier4", "payload": payload}])
        event = fleet.results.wait([job_id], PATIENCE)[job_id][0]
        check(event["status"] == "succeeded", f"{event['error']}")
        return decimal.Decimal(event["cost"]["amount"])

    with Fleet("prices") as fleet:
        fleet.start_provider()
        fleet.use_rules(rules.policy(fleet.provider_port), rules.costs())
        worker = fleet.start_worker()
        fleet.results.listen()
        path = fleet.directory / "costs.yml"
        check(cost(fleet) == decimal.Decimal("0.0015"), "the first price is not 15 a million")

        def changed(number):
            path.write_text(rules.costs(prices={"voice-1": {"characters": str(20 + 5 * number)}}))
            begin, late = time.monotonic(), 0
            new = decimal.Decimal(f"0.00{20 + 5 * number}")

            def is_new():
                nonlocal late
                asked = time.monotonic()
                if cost(fleet) == new:
                    return True
                late = asked - begin
                return False
            wait_for("the new price", PATIENCE, is_new, pause=0)
            return (late,)
        took, = medians(changed)
        check(took <= 1, f"a job of {took:.1f} s after the price had changed had the old one")
        path.write_text(rules.costs(prices={"voice-1": {"characters": "for nothing"}}))
        fleet.wait_for_line(worker, "price book changed and was refused")
        check(cost(fleet) == decimal.Decimal("0.003"), "a wrong file changed the price")
        path.write_text(rules.costs(prices={"voice-1": {"characters": "45"}}))
        wait_for("the price of the mended file", PATIENCE, lambda: cost(fleet) == decimal.Decimal("0.0045"), pause=0)
        return f"the old price for {took:.2f} s"


if __name__ == "__main__":
    main(random_usages_cost_what_the_lists_say, a_new_price_holds_within_a_second_and_a_wrong_file_changes_nothing)
