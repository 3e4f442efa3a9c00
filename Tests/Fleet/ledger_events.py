"""Cost events made up for the ledger, and what the ledger must hold of them: sums in Decimal, by a program that knows
nothing but the contract.

An oracle is a function of its seed and its size. Its events are of many users, tiers, providers and tasks, some of them
late, some corrections, some of ids that another event claims too (twins), and some are not acceptable at all."""

import base64
import collections
import datetime
import decimal
import json

from decimal import Decimal

NANO = Decimal("0.000000001")
TIERS = {"FREE": 50, "PRO": 30, "BUSINESS": 15, "ENTERPRISE": 5}  # users of a hundred
PROVIDERS = ("fake", "second", "third", "fourth")
NEVER_LOWERED = "fourth"  # no correction takes anything from it
MODELS = ("chat-1", "chat-1-mini", "voice-1", "a model with spaces", "модель/7b")
TOKENS = ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "input_audio_tokens",
          "output_audio_tokens", "input_image_tokens", "output_image_tokens")
TASKS = {"llm": ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens"),
         "tts": ("characters", "audio_seconds", "input_audio_tokens", "output_audio_tokens"),
         "image": ("images", "input_image_tokens", "output_image_tokens"), "video": ("video_seconds", "requests"),
         "embedding": ("input_tokens", "requests"), "echo": ("characters",)}
FRACTIONAL = ("audio_seconds", "video_seconds", "characters")
KEPT_BODY = 16 * 1024  # bytes of a quarantined event
decimal.getcontext().prec = 60


def month(ago=0):
    """This month by the calendar in UTC, or one before it."""
    today = datetime.datetime.now(datetime.timezone.utc)
    count = today.year * 12 + today.month - 1 - ago
    return f"{count // 12}-{count % 12 + 1:02}"


def nano(amount):
    """Nano-dollars of an amount in dollars, half to even."""
    return int(amount.quantize(NANO, rounding=decimal.ROUND_HALF_EVEN).scaleb(9))


def plain(number):
    """As few digits as say it, never with an exponent or as minus nothing."""
    text = f"{number + 0:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def event_id(event):
    base = f"{event['job']}/{event['run']}/{event['attempt']}"
    return base if event["corrects"] is None else f"{base}/c{event['correction']}"


def encoded(event, random=None):
    """The event as a cost event of the contract; with `random` in some other spelling of the same."""
    respelled = random is not None
    amount = f"{event['amount'] + 0:.12f}"
    quantity = plain
    if respelled and random.random() < 0.5:
        amount = plain(event["amount"]) + ("" if "." in plain(event["amount"]) else ".0")
        quantity = lambda number: plain(number) + ("0" if "." in plain(number) else ".00")
    data = {
        "jobId": event["job"], "run": event["run"], "attempt": event["attempt"], "seriesId": event["series"],
        "userId": event["user"], "tier": event["tier"], "taskType": event["task"], "provider": event["provider"],
        "model": event["model"], "modelVersion": event["version"], "outcome": event["outcome"],
        "usage": [{"unit": unit, "quantity": quantity(number), "source": source}
                  for unit, number, source in event["usage"]],
        "cost": {"amount": amount, "currency": "USD", "basis": event["basis"], "priceId": event["price"]},
        "chargePeriod": event["period"], "corrects": event["corrects"]}
    body = {"specversion": "1.0", "id": event_id(event), "source": "/tollway/worker",
            "type": "dev.tollway.cost.recorded.v1", "subject": event["user"], "time": event["time"],
            "datacontenttype": "application/json", "data": data}
    if not respelled:
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    data["note"] = random.randrange(10**6)  # unknown members are no part of the event
    for members in (data, body):
        shuffled = list(members.items())
        random.shuffle(shuffled)
        members.clear()
        members.update(shuffled)
    return json.dumps(body, indent=random.choice([None, 1]), ensure_ascii=random.random() < 0.5).encode()


class Oracle:
    """rows: the events by id, each once. twins: id -> events of which only the first to arrive is booked. bodies: what
    is published of each, by id. refused: bodies that are no events."""

    def __init__(self, random, size):
        self.random = random
        self.rows, self.twins, self.refused, self.bodies = {}, {}, [], {}
        names = ("user-{}", "user.{}@example.com", "tenant:{}", "U_{}")
        self.users = [names[number % 4].format(number) for number in range(max(40, size // 100))]
        self.tier = {user: random.choices(list(TIERS), TIERS.values())[0] for user in self.users}
        self.number = 0
        while len(self.rows) < size:
            self._make_run()
        for _ in range(max(4, size // 500)):
            self._make_twins()
        self.refused = [self._refusal(number) for number in range(max(len(FAULTS), size // 500))]

    def spell(self):
        """Writes the bodies, some events in several spellings: call it once the events are final."""
        for events in [[event] for event in self.rows.values()] + list(self.twins.values()):
            for event in events:
                spellings = [encoded(event)]
                if self.random.random() < 0.2:
                    spellings += [encoded(event, self.random) for _ in range(2)]
                self.bodies.setdefault(event_id(event), []).append(spellings)

    def never_lower(self, users):
        """Makes their corrections such that they only add."""
        for event in self.rows.values():
            if event["user"] in users and event["corrects"]:
                event["amount"] = abs(event["amount"])
                event["usage"] = [(unit, abs(number), source) for unit, number, source in event["usage"]]

    def deliveries(self):
        """Every body 1 to 5 times, all shuffled."""
        bodies = list(self.refused) * 2
        for variants in self.bodies.values():
            for spellings in variants:
                bodies += [*spellings, *self.random.choices(spellings, k=self.random.randrange(6 - len(spellings)))]
        self.random.shuffle(bodies)
        return bodies

    def _make_run(self):
        random = self.random
        self.number += 1
        user = random.choice(self.users[:5] if random.random() < 0.2 else self.users)
        ago = random.choices((0, 1, 2), (90, 8, 2))[0]
        run = {"job": f"job-{self.number}", "run": f"r{random.randrange(36**4)}", "user": user,
               "tier": self.tier[user], "period": month(ago), "task": random.choice(list(TASKS)),
               "series": random.choice([None, None, "series-7", "sérîe \"8\" \\ €"])}
        for attempt in range(1, random.choices((2, 3, 4), (70, 20, 10))[0]):
            self._add(self._attempt(run, attempt))
        if random.random() < 0.05:
            self._correct(self._attempt(run, attempt))

    def _attempt(self, run, attempt):
        random = self.random
        units = random.sample(TASKS[run["task"]], random.randrange(len(TASKS[run["task"]]) + 1))
        if units and random.random() < 0.02:
            units.append(units[0])  # the same unit twice is added up
        return {**run, "attempt": attempt, "provider": random.choice(PROVIDERS), "model": random.choice(MODELS),
                "version": random.choice([None, "1.0.0"]),
                "outcome": random.choices(("success", "failed", "unknown"), (90, 8, 2))[0],
                "usage": [(unit, self._quantity(unit), random.choice(("provider", "measured", "estimate")))
                          for unit in units],
                "amount": self._amount(), "basis": random.choice(("provider", "price_book", "estimate")),
                "price": random.choice([None, "fake/chat-1@2026-06-01"]), "corrects": None, "correction": None,
                "time": f"{run['period']}-{random.randrange(1, 29):02}T{random.randrange(24):02}:"
                        f"{random.randrange(60):02}:{random.randrange(60):02}.{random.randrange(1000):03}Z"}

    def _quantity(self, unit):
        if unit not in FRACTIONAL:
            return Decimal(self.random.randrange(10**self.random.randrange(1, 6)))
        decimals = self.random.choice((0, 1, 3, 9, 15))
        return Decimal(self.random.randrange(100 * 10**decimals)).scaleb(-decimals)

    def _amount(self):
        """In dollars with twelve decimals; some free, some half a nano-dollar, which goes to the even one."""
        kind = self.random.random()
        if kind < 0.05:
            return Decimal(0)
        if kind < 0.15:
            return Decimal(self.random.randrange(10**6) * 1000 + 500).scaleb(-12)
        return Decimal(self.random.randrange(10**self.random.randrange(6, 13))).scaleb(-12)

    def _correct(self, event):
        """One or two corrections of an event: signed differences, each under an id of its own."""
        for correction in range(self.random.choice((1, 1, 2))):
            sign = 1 if event["provider"] == NEVER_LOWERED else self.random.choice((-1, -1, 1))
            self._add({**event, "corrects": event_id(event), "correction": correction, "basis": "provider",
                       "amount": sign * self._amount(),
                       "usage": [(unit, sign * self._quantity(unit), "provider") for unit, _, _ in event["usage"]]})

    def _make_twins(self):
        """Two or three events that claim one id. They are of users without caps, so that who wins raises no alert."""
        random = self.random
        self.number += 1
        users = [user for user in self.users if self.tier[user] == "ENTERPRISE"] or [self._enterprise_user()]
        run = {"job": f"job-{self.number}", "run": "twin", "user": random.choice(users), "tier": "ENTERPRISE",
               "period": month(), "task": "llm", "series": None}
        first = {**self._attempt(run, 1), "amount": Decimal("0.001"), "provider": "fake"}
        changes = [{"amount": Decimal("0.002")}, {"model": "another"},
                   {"usage": [("output_tokens", Decimal(7), "measured")]},
                   {"user": random.choice(users), "outcome": "unknown", "version": "2"}, {"period": month(1)},
                   {"provider": "second", "amount": Decimal("0.000000001")}]
        twins = [first] + [{**first, **change} for change in random.sample(changes, random.choice((1, 1, 2)))]
        distinct = {encoded(twin): twin for twin in twins}
        self.twins[event_id(first)] = list(distinct.values())

    def _enterprise_user(self):
        self.users.append("alone")
        self.tier["alone"] = "ENTERPRISE"
        return "alone"

    def _refusal(self, number):
        self.number += 1
        run = {"job": f"job-{self.number}", "run": "bad", "user": self.users[0], "tier": "FREE", "period": month(),
               "task": "llm", "series": None}
        return FAULTS[number % len(FAULTS)](encoded({**self._attempt(run, 1), "amount": Decimal("0.5")}))

    def _add(self, event):
        self.rows[event_id(event)] = event

    def expected_refused(self, winners):
        """What must lie in quarantine: (first bytes, length) of each refused body and of each spelling of a loser."""
        bodies = set(self.refused)
        for name, twins in self.twins.items():
            for twin, spellings in zip(twins, self.bodies[name]):
                if twin is not winners[name]:
                    bodies.update(spellings)
        return {(body[:KEPT_BODY], len(body)) for body in bodies}


def changed(old, new):
    def fault(body):
        assert old in body, old
        return body.replace(old, new)
    return fault


FAULTS = [
    lambda body: body[:-1], lambda body: b"\xff" + body, lambda body: b"", lambda body: b"[]",
    lambda body: body + b" " * 20_000 + b"x",  # more than is kept of it
    changed(b'"0.500000000000"', b'"1000000.000000001"'), changed(b'"0.500000000000"', b'"-0.500000000000"'),
    changed(b'"0.500000000000"', b"0.5"), changed(b'"0.500000000000"', b'"0.5 USD"'), changed(b'"USD"', b'"EUR"'),
    changed(b'"llm"', b'"tea"'), changed(b'"attempt":1', b'"attempt":0'), changed(b'"attempt":1', b'"attempt":2'),
    changed(b'"corrects":null', b'"corrects":"x/y/1"'), changed(b'"subject":"', b'"subject":"not-'),
    changed(b'"chargePeriod":"2', b'"chargePeriod":"x'), changed(b'"jobId":"', b'"jobId":"a b'),
    changed(b'"usage":[', b'"usage":[{"unit":"cups","quantity":"1","source":"provider"},'),
]


class Sums:
    """What tables, books and alerts must say of some rows. `gains` are the sums without what lowers them: the highest
    that a sum can have been on the way, whatever came first."""

    def __init__(self, events):
        self.months, self.gains = ({}, {})  # (user, period) -> measure -> sum
        self.runs = collections.defaultdict(set)
        self.balances, self.balance_gains = collections.Counter(), collections.Counter()
        for event in events:
            spent, period = nano(event["amount"]), event["period"]
            key = event["user"], period
            self.runs[key].add((event["job"], event["run"]))
            for unit, quantity, _ in [("nano", spent, None), *event["usage"]]:
                for measure in (unit, "tokens") if unit in TOKENS else (unit,):
                    for sums, change in (self.months, quantity), (self.gains, max(quantity, 0)):
                        month = sums.setdefault(key, collections.Counter())
                        month[measure] += change
            for scope in ("fleet", f"tier:{event['tier']}", f"provider:{event['provider']}"):
                self.balances[scope, period] += spent
                self.balance_gains[scope, period] += max(0, spent)
        for key, runs in self.runs.items():
            self.months[key]["jobs"] = self.gains[key]["jobs"] = len(runs)

    def bases(self, period):
        """What admission's books must say of the month, by user: nano-dollars, tokens, milliseconds, jobs."""
        up = lambda number: int(Decimal(number).to_integral_value(decimal.ROUND_CEILING))
        return {user: " ".join(str(up(figure)) for figure in (
            mine["nano"], mine["tokens"], mine["audio_seconds"] * 1000, mine["video_seconds"] * 1000, mine["jobs"]))
            for (user, when), mine in self.months.items() if when == period}


def redis_name(user):
    return base64.urlsafe_b64encode(user.encode()).decode().rstrip("=")
