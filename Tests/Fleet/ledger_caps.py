"""Caps, quotas and budgets for an oracle's events, chosen so that about half of them are reached and each crossing is
certain: no sum passes a threshold on its way and falls below it again, in whatever order the events come."""

import json

from decimal import Decimal

import rules
from ledger_events import NEVER_LOWERED, PROVIDERS, Sums, month

THRESHOLDS = (50, 80, 95, 100)  # percent
# Of the policy file: what is measured, and how much of it one of the quota's units is.
QUOTAS = {"tokens": ("tokens", 1), "audio_seconds": ("audio_seconds", 1), "video_minutes": ("video_seconds", 60),
          "jobs": ("jobs", 1)}


def dollars(nano):
    return f"{Decimal(nano).scaleb(-9):.9f}"


def reached(used, limit):
    return {threshold for threshold in THRESHOLDS if used > 0 and used * 100 >= limit * threshold}


class Caps:
    """Changes some events of the oracle; it is final afterwards. overrides: user -> dollars a month."""

    def __init__(self, oracle):
        self.oracle, self.overrides, self.budgets = oracle, {}, {}
        sums = Sums(oracle.rows.values())
        middle = lambda tier, measure: self._middle(sums, tier, measure)
        cap = lambda tier: {"monthlyUsd": float(Decimal(middle(tier, "nano")).scaleb(-9).quantize(Decimal("0.01")))}
        quotas = lambda tier: {name: max(1, int(middle(tier, measure) / size))
                               for name, (measure, size) in QUOTAS.items()}
        self.tiers = {"FREE": {"cost_caps": cap("FREE")}, "PRO": {"quotas": {"monthly": quotas("PRO")}},
                      "BUSINESS": {"cost_caps": cap("BUSINESS"), "quotas": {"monthly": quotas("BUSINESS")}}}
        edges = [user for user in oracle.users
                 if oracle.tier[user] == "FREE" and sums.months[user, month()]["nano"] > 0][:6]
        wavering = {user for (user, period), most in sums.gains.items() for _, measure, limit in self.limits(user)
                    if reached(most[measure], limit) != reached(sums.months[user, period][measure], limit)}
        oracle.never_lower(wavering | set(edges))
        sums = Sums(oracle.rows.values())
        for number, user in enumerate(edges):  # to the nano-dollar, half of them one short of it
            self.overrides[user] = dollars(sums.months[user, month()]["nano"] + number % 2)
        self._set_budgets(sums)

    def _middle(self, sums, tier, measure):
        """What three fifths of the tier's users stay below."""
        figures = sorted(mine[measure] for (user, period), mine in sums.months.items()
                         if self.oracle.tier[user] == tier and period == month())
        return max(1, figures[len(figures) * 3 // 5])

    def _set_budgets(self, sums):
        exact = {"provider:third": 0, f"provider:{NEVER_LOWERED}": 1}
        most = Sums([*self.oracle.rows.values(), *(twin for twins in self.oracle.twins.values() for twin in twins)])
        for scope in ("fleet", *(f"tier:{tier}" for tier in ("FREE", "PRO", "ENTERPRISE")),
                      *(f"provider:{provider}" for provider in PROVIDERS)):
            least = sums.balances[scope, month()]
            shares = [1] if scope in exact else self.oracle.random.sample([0.4, 0.6, 0.7, 0.87, 0.9, 1.2, 1.5], 7)
            for share in shares:
                self.budgets[scope] = int(least / share) + exact.get(scope, 0)
                if all(reached(most.balance_gains[scope, month(ago)], self.budgets[scope])
                       == reached(sums.balances[scope, month(ago)], self.budgets[scope])
                       for ago in range(3)) or scope == "provider:third":
                    break
            else:
                raise AssertionError(f"no budget of {scope} is certain to be reached or not")

    def limits(self, user):
        """(kind of the alert, measure, limit) of each cap and quota of a user."""
        tier = self.tiers.get(self.oracle.tier[user], {})
        found = []
        if user in self.overrides or "cost_caps" in tier:
            usd = self.overrides.get(user) or repr(tier["cost_caps"]["monthlyUsd"])
            found.append(("cost_cap", "nano", int(Decimal(usd).scaleb(9))))
        for name, limit in tier.get("quotas", {}).get("monthly", {}).items():
            measure, size = QUOTAS[name]
            found.append((f"quota_{measure}", measure, limit * size))
        return found

    def policy(self):
        names = lambda prefix: {scope.removeprefix(prefix): {"monthlyUsd": float(dollars(limit))} for scope, limit
                                in self.budgets.items() if scope.startswith(prefix)}
        budgets = {"fleet": names("fleet")[""], "tiers": names("tier:"), "providers": names("provider:")}
        others = "".join(f'  {name}: {{kind: openai, base_url: "http://127.0.0.1:9/v1"}}\n' for name in PROVIDERS[1:])
        return rules.policy(9, tiers=self.tiers, extra_providers=others) + f"budgets: {json.dumps(budgets)}\n"

    def alerts(self, sums):
        """(scope, period, kind, threshold) of every alert that these sums give reason to."""
        expected = set()
        for (user, period), mine in sums.months.items():
            for kind, measure, limit in self.limits(user):
                expected |= {(f"user:{user}", period, kind, threshold) for threshold in reached(mine[measure], limit)}
        for (scope, period), spent in sums.balances.items():
            if scope in self.budgets:
                expected |= {(scope, period, "cost_cap", threshold)
                             for threshold in reached(spent, self.budgets[scope])}
        return expected
