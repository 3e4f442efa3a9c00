"""A month as finance closes it: the statement stays, a price that was wrong is put right by corrections, late events and
corrections stand in the next statement, and the books agree. Cost events come from foreign hands; no worker runs."""

import csv
import datetime
import decimal
import io
import json
import sqlite3

import pika

import rules
from fleet import Fleet, check, main, wait_for

WRONG, RIGHT = 10, 1  # dollars for a million input tokens
TOKENS = (1000, 2500, 7)


def months():
    """The last one and the present one, UTC."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return (today.replace(day=1) - datetime.timedelta(days=1)).strftime("%Y-%m"), today.strftime("%Y-%m")


class Finance:
    def __init__(self, fleet):
        self.fleet = fleet
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
        wait_for(f"{count} rows", 20, lambda: len(self.fleet.rows()) == count)

    def ledger(self, *arguments):
        return self.fleet.command("ledger", *arguments)

    def totals(self, *arguments):
        total = self.ledger("report", *arguments)["total"]
        return total["originalUsd"], total["correctionsUsd"], total["costUsd"]


def dollars(amount):
    return f"{amount:.12f}"


def month_is_closed():
    last, present = months()
    first_day = f"{last}-01"
    wrong = sum(TOKENS) * WRONG / 10**6
    right = sum(TOKENS) * RIGHT / 10**6
    with Fleet("finance") as fleet:
        policy = rules.policy(9)
        fleet.use_rules(policy, rules.costs(prices={"chat-1": {"input_tokens": str(WRONG), "output_tokens": "20"}}))
        fleet.start_billing()
        finance = Finance(fleet)
        for number, tokens in enumerate(TOKENS):
            finance.book(f"j{number}", last, tokens)
        finance.book("stated", last, 5000, basis="provider", dollars="0.005")
        finance.wait_for_rows(4)
        original = (dollars(wrong + 0.005), dollars(0), dollars(wrong + 0.005))
        check(finance.totals("--month", last) == original, f"before: {finance.totals('--month', last)}")
        closed = finance.ledger("close", last, "--reason", "invoices are out")["months"][0]
        check((closed["rows"], closed["costUsd"]) == (4, original[2]), f"closed: {closed}")
        refused = fleet.run("ledger", "close", present)
        check(refused.returncode == 2 and "not over" in refused.stderr, f"closing the present month: {refused}")

        finance.book("late", last, 1_000_000)
        finance.wait_for_rows(5)
        check(finance.totals("--month", last) == original, "a late event changed a statement that was given out")
        late = dollars(WRONG)
        check(finance.totals("--month", present) == (late, dollars(0), late), "a late event is in no statement")

        fleet.use_rules(policy, rules.costs(prices={"chat-1": {"input_tokens": str(RIGHT), "output_tokens": "20"}}))
        dry = finance.ledger("reprice", "--from", first_day, "--dry-run")
        check((dry["corrections"], dry["statedByProvider"]) == (4, 1) and len(fleet.rows()) == 5, f"dry run: {dry}")
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
        corrections = [row for row in fleet.rows() if row["corrects"]]
        check({row["event_id"] for row in corrections} == {f"{job}/r1/1/c1" for job in ("j0", "j1", "j2", "late")}
              and {row["charge_period"] for row in corrections} == {last}
              and {row["billing_period"] for row in corrections} == {present}, f"corrections: {corrections}")

        statement = fleet.directory / "invoice.csv"
        statement.write_text(f"provider,day,usd\nfake,{last}-15,{right + 0.005 + RIGHT}\n")
        books = finance.ledger("reconcile", "--from", first_day, "--statement", str(statement))
        check(books["sums"] == [] and books["unexplained"] == 0, f"the books: {books}")
        check(books["days"][0]["chargedUsd"] == books["days"][0]["ledgerUsd"], f"the day: {books['days']}")
        statement.write_text(f"fake,{last}-15,7.5\n")
        with sqlite3.connect(fleet.ledger) as database:
            database.execute("UPDATE balance SET amount_nano_usd = amount_nano_usd + 1 WHERE scope = 'fleet'")
        wrong_books = fleet.run("ledger", "reconcile", "--from", first_day, "--statement", str(statement))
        check(wrong_books.returncode == 1 and "fleet" in wrong_books.stdout and "not explained" in wrong_books.stdout,
              f"books that do not agree: {wrong_books}")
        return {"corrected": done[0]["corrections"], "by": done[0]["differenceUsd"]}


if __name__ == "__main__":
    main(month_is_closed)
