"""A month as finance closes it, on both stores: the statement stays, a price that was wrong is put right by corrections,
late events and corrections stand in the next statement, and the books agree or say why not. Cost events come from
foreign hands; no worker runs."""

import base64
import contextlib
import csv
import datetime
import decimal
import io
import json

import pika

import rules
from fleet import PATIENCE, Fleet, check, main, together, wait_for
from ledger_stores import PostgresStore, SQLiteStore

WRONG, RIGHT = 10, 1  # dollars for a million input tokens
TOKENS = (1000, 2500, 7)


def months():
    """The last one and the present one, UTC."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return (today.replace(day=1) - datetime.timedelta(days=1)).strftime("%Y-%m"), today.strftime("%Y-%m")


class Finance:
    def __init__(self, fleet, store):
        self.fleet, self.store = fleet, store
        self.channel = fleet.connection().channel()
        self.channel.confirm_delivery()

    def book(self, job, month, tokens, day=15, basis="price_book", dollars=None):
        dollars = f"{tokens * WRONG / 10**6:.12f}" if dollars is None else dollars
        event_id = f"{job}/r1/1"
        body = {
            "specversion": "1.0", "id": event_id, "source": "/tollway/worker", "type": "dev.tollway.cost.recorded.v1",
            "subject": "ana", "time": f"{month}-{day:02}T10:15:30.123Z", "datacontenttype": "application/json",
            "data": {
                "jobId": job, "run": "r1", "attempt": 1, "seriesId": None, "userId": "ana", "tier": "PRO",
                "taskType": "llm", "provider": "fake", "model": "chat-1", "modelVersion": None, "outcome": "success",
                "usage": [{"unit": "input_tokens", "quantity": str(tokens), "source": "provider"}],
                "cost": {"amount": dollars, "currency": "USD", "basis": basis, "priceId": None},
                "chargePeriod": month, "corrects": None}}
        self.channel.basic_publish(
            self.fleet.name("costs"), "pro.llm.fake", json.dumps(body).encode(),
            pika.BasicProperties(delivery_mode=2, message_id=event_id, content_type="application/cloudevents+json"))

    def wait_for_rows(self, count):
        wait_for(f"{count} rows", PATIENCE, lambda: self.rows() == count)

    def rows(self):
        return int(self.store.rows("SELECT count(*) FROM usage_cost")[0][0])

    def ledger(self, *arguments):
        return self.fleet.command("ledger", *arguments)

    def totals(self, *arguments):
        total = self.ledger("report", *arguments)["total"]
        return total["originalUsd"], total["correctionsUsd"], total["costUsd"]


def dollars(amount):
    return f"{amount:.12f}"


def finance_of(store):
    last, present = months()
    first_day = f"{last}-01"
    wrong = sum(TOKENS) * WRONG / 10**6
    right = sum(TOKENS) * RIGHT / 10**6
    with contextlib.ExitStack() as stack:
        stack.callback(store.remove)
        fleet = stack.enter_context(Fleet("finance", environment={"TOLLWAY_LEDGER_URL": store.url}))
        policy = rules.policy(9)
        fleet.use_rules(policy, rules.costs(prices={"chat-1": {"input_tokens": str(WRONG), "output_tokens": "20"}}))
        fleet.make_ledger()
        fleet.start_billing()
        finance = Finance(fleet, store)
        for number, tokens in enumerate(TOKENS):
            finance.book(f"j{number}", last, tokens)
        finance.book("stated", last, 5000, basis="provider", dollars="0.005")
        finance.wait_for_rows(4)
        original = (dollars(wrong + 0.005), dollars(0), dollars(wrong + 0.005))
        check(finance.totals("--month", last) == original, f"before: {finance.totals('--month', last)}")
        closed = finance.ledger("close", last, "--reason", "invoices are out")["months"][0]
        check((closed["rows"], closed["costUsd"]) == (4, original[2]), f"closed: {closed}")
        refused = fleet.run("ledger", "close", present)
        check(refused.returncode == 1 and "not over" in refused.stderr, f"closing the present month: {refused}")

        finance.book("late", last, 1_000_000)
        finance.wait_for_rows(5)
        check(finance.totals("--month", last) == original, "a late event changed a statement that was given out")
        late = dollars(WRONG)
        check(finance.totals("--month", present) == (late, dollars(0), late), "a late event is in no statement")

        fleet.use_rules(policy, rules.costs(prices={"chat-1": {"input_tokens": str(RIGHT), "output_tokens": "20"}}))
        dry = finance.ledger("reprice", "--from", first_day, "--dry-run")
        check((dry["corrections"], dry["statedByProvider"]) == (4, 1) and finance.rows() == 5, f"dry run: {dry}")
        # Twice before billing has booked anything: the same corrections, absorbed.
        done = [finance.ledger("reprice", "--from", first_day) for _ in range(2)]
        difference = right - wrong + RIGHT - WRONG
        check(done[0]["differenceUsd"] == dollars(difference), f"repriced: {done[0]}")
        finance.wait_for_rows(9)
        again = finance.ledger("reprice", "--from", first_day)
        check(again["corrections"] == 0, f"repriced again: {again}")

        check(finance.totals("--month", last) == original, "a correction changed a statement that was given out")
        total = (dollars(wrong + 0.005 + WRONG), dollars(difference), dollars(right + 0.005 + RIGHT))
        incurred = finance.totals("--by", "model", "--from", first_day, "--to", f"{present}-01")
        check(incurred == total, f"original, corrections, sum: {incurred}, not {total}")
        present_statement = (dollars(WRONG), dollars(difference), dollars(WRONG + difference))
        check(finance.totals("--month", present) == present_statement, f"{finance.totals('--month', present)}")
        text = fleet.run("ledger", "report", "--by", "day", "--format", "csv").stdout
        lines = list(csv.DictReader(io.StringIO(text)))
        check(dollars(sum(decimal.Decimal(line["cost_usd"]) for line in lines)) == total[2], f"CSV: {text}")
        corrections = store.rows("SELECT event_id, charge_period, billing_period FROM usage_cost WHERE corrects IS NOT NULL")
        check(set(corrections) == {(f"{job}/r1/1/c1", last, present) for job in ("j0", "j1", "j2", "late")},
              f"corrections: {corrections}")

        invoice = fleet.directory / "invoice.csv"
        invoice.write_text(f"provider,day,usd\nfake,{last}-15,{right + 0.005 + RIGHT}\nfake,2020-01-01,7\n")
        audit = ("reconcile", "--from", first_day, "--statement", str(invoice))
        books = finance.ledger(*audit)
        check(books["sums"] == [] and books["unexplained"] == 0, f"the books: {books}")
        check(books["days"][0]["chargedUsd"] == books["days"][0]["ledgerUsd"], f"the day: {books['days']}")
        check([line["day"] for line in books["outside"]] == ["2020-01-01"], f"outside: {books['outside']}")
        redis_drifts(finance, last, audit)
        invoice.write_text(f"fake,{last}-15,7.5\n")
        store.execute("UPDATE balance SET amount_nano_usd = amount_nano_usd + 1 WHERE scope = 'fleet'")
        wrong_books = fleet.run("ledger", *audit)
        check(wrong_books.returncode == 1 and "fleet" in wrong_books.stdout and "not explained" in wrong_books.stdout,
              f"books that do not agree: {wrong_books}")
        return {"corrected": done[0]["corrections"], "by": done[0]["differenceUsd"]}


def redis_drifts(finance, month, audit):
    """What Redis says of a month is changed by a foreign hand: each difference is named, and whether it passes."""
    redis = finance.fleet.redis()
    user = base64.urlsafe_b64encode(b"ana").rstrip(b"=").decode()
    key = next(key for key in finance.fleet.keys() if key.endswith(f":money:{user}"))

    def differences(code):
        done = finance.fleet.run("ledger", *audit, "--format", "json")
        check(done.returncode == code, f"reconcile ended with {done.returncode}: {done.stderr}")
        return [(entry["user"], entry["month"], entry["why"]) for entry in json.loads(done.stdout)["redis"]]

    wait_for("Redis to be told of all rows", PATIENCE, lambda: differences(0) == [])
    row, base = redis.hmget(key, f"{month}:row", f"{month}:base")
    for code, change, why in (
            (1, {f"{month}:base": b"9" + base}, "somebody else wrote there"),
            (0, {f"{month}:row": int(row) - 1}, "Redis is behind by rows"),
            (1, {f"{month}:row": int(row) + 1000}, "it belongs to another ledger"),
            (0, {f"{month}:row": 0}, "Redis does not know the month")):
        redis.hset(key, mapping=change)
        found = differences(code)
        check([entry[:2] for entry in found] == [("ana", month)] and why in found[0][2], f"{change}: {found}")
        redis.hset(key, mapping={f"{month}:row": row, f"{month}:base": base})
    check(differences(0) == [], "the books differ although all was put back")


def month_is_closed():
    return together({store.name: lambda store=store: finance_of(store) for store in (SQLiteStore(), PostgresStore())})


if __name__ == "__main__":
    main(month_is_closed)
