"""What billing owes the rest of the fleet: admission's books in Redis, alerts, and the release when the month turns.
The cost events and the letters come from foreign hands here, so no worker runs."""

import base64
import datetime
import json
import pathlib
import subprocess
import tempfile
import time

import pika

import rules
from fleet import PATIENCE, ROOT, Fleet, check, main, wait_for

CAP = 1_000_000_000  # nano-dollars
RUN_ID = "0123456789abcdef0123456789abcdef01234567"


def this_month():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m")


class Books:
    """A fleet without workers, and the keys and messages that billing works with."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.redis = fleet.redis()
        self.prefix = f"{fleet.namespace}.{{tollway.{fleet.namespace}}}:"
        self.connection = fleet.connection()
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()

    def key(self, kind, user=None):
        name = base64.urlsafe_b64encode(user.encode()).decode().rstrip("=") if user else ""
        return f"{self.prefix}{kind}{name}"

    def event(self, job, user="ana", nano=1000, tokens=10, run="r1"):
        """Announces a cost event and returns its id."""
        event_id, month = f"{job}/{run}/1", this_month()
        body = {
            "specversion": "1.0", "id": event_id, "source": "/tollway/worker", "type": "dev.tollway.cost.recorded.v1",
            "subject": user, "time": "2026-11-21T10:15:30.123Z", "datacontenttype": "application/json",
            "data": {
                "jobId": job, "run": run, "attempt": 1, "seriesId": None, "userId": user, "tier": "PRO",
                "taskType": "llm", "provider": "fake", "model": "chat-1", "modelVersion": None, "outcome": "success",
                "usage": [{"unit": "input_tokens", "quantity": str(tokens - 1), "source": "provider"},
                          {"unit": "cached_input_tokens", "quantity": "1", "source": "provider"},
                          {"unit": "audio_seconds", "quantity": "1.5", "source": "measured"}],
                "cost": {"amount": f"{nano // 10**9}.{nano % 10**9:09}000", "currency": "USD", "basis": "price_book",
                         "priceId": None}, "chargePeriod": month, "corrects": None}}
        self.channel.basic_publish(
            self.fleet.name("costs"), "pro.llm.fake", json.dumps(body).encode(),
            pika.BasicProperties(delivery_mode=2, message_id=event_id, content_type="application/cloudevents+json"))
        return event_id

    def marker(self, epoch):
        self.channel.basic_publish("", self.fleet.name("costs.ledger"), epoch.encode(), pika.BasicProperties(
            delivery_mode=2, content_type="application/vnd.tollway.marker"))

    def hold_open(self, event_id, user="ana", nano=1000, settled=1):
        """As a worker's script writes it."""
        month = this_month()
        self.redis.hset(self.key("open:", user), event_id, f"{month} {nano} 10 1500 0 1 {settled}")
        entries = [value.decode().split()[1:6] for value in self.redis.hvals(self.key("open:", user))]
        self.redis.hset(self.key("money:", user), f"{month}:open",
                        " ".join(str(sum(map(int, figures))) for figures in zip(*entries)))

    def month(self, user="ana", kind="base"):
        value = self.redis.hget(self.key("money:", user), f"{this_month()}:{kind}")
        return value.decode() if value else None

    def open_events(self, user="ana"):
        return {name.decode() for name in self.redis.hkeys(self.key("open:", user))}


def use_rules(fleet, hard):
    fleet.use_rules(rules.policy(9, tiers={"PRO": {"cost_caps": {"monthlyUsd": 1, "hardStop": hard}}}), rules.costs())


def books():
    """Base and open follow the ledger, what was lost is back when the marker's epoch is known, leaks are healed."""
    with Fleet("books") as fleet:
        use_rules(fleet, hard=True)
        fleet.start_billing()
        book = Books(fleet)
        events = [f"j{number}/r1/1" for number in range(3)]
        for event_id in events + ["running/r1/1"]:
            book.hold_open(event_id, settled=int(event_id != "running/r1/1"))
        for number in range(3):
            book.event(f"j{number}")
        wait_for("the base holds three events", PATIENCE, lambda: book.month() == "3000 30 4500 0 3")
        wait_for("only what runs to be open", PATIENCE, lambda: book.open_events() == {"running/r1/1"})
        wait_for("the sum of what is open", PATIENCE, lambda: book.month(kind="open") == "1000 10 1500 0 1")

        # A worker writes an entry again of an event that is booked: announced again it goes, else the sweeper takes it.
        book.hold_open("j0/r1/1")
        book.event("j0")
        wait_for("an event that came again gives up what it held open", PATIENCE, lambda: "j0/r1/1" not in book.open_events())
        book.hold_open("j1/r1/1")
        leaked_at = time.monotonic()

        # Redis loses the user's month; only the marker brings back users of whom no event comes any more.
        book.event("quiet", user="ben", nano=7)
        wait_for("ben's base", PATIENCE, lambda: book.month("ben") == "7 10 1500 0 1")
        for user in ("ana", "ben"):
            book.redis.delete(book.key("money:", user))
        book.redis.set(book.key("epoch"), f"{RUN_ID}:1790000000000")
        book.marker(f"{RUN_ID}:1780000000000")
        book.event("late", nano=500)
        book.marker(f"{RUN_ID}:1790000000000")
        wait_for("the money of the epoch is known", PATIENCE,
                 lambda: book.redis.get(book.key("money_ready")) == f"{RUN_ID}:1790000000000".encode())
        check(book.month() == "3500 40 6000 0 4" and book.month("ben") == "7 10 1500 0 1",
              f"bases after the marker: {book.month()}, {book.month('ben')}")

        standing = fleet.command("users", "show", "ana")["standing"]
        check(standing["base"]["jobs"] == 4 and standing["base"]["tokens"] == 40, f"shown: {standing}")
        wait_for("a leaked entry is swept", 2 * PATIENCE, lambda: "j1/r1/1" not in book.open_events())
        check("running/r1/1" in book.open_events(), "what is only reserved was swept")
        check(fleet.depth("costs.ledger") == 0, "something stays in costs.ledger")
        check(not fleet.rows("select * from quarantined_event"), "a marker was quarantined")
        return {"swept after s": round(time.monotonic() - leaked_at)}


def alerts():
    """One alert for each share of its cap that a month reaches, also over a crash of billing; an override counts."""
    with Fleet("alerts") as fleet:
        use_rules(fleet, hard=False)
        billing = fleet.start_billing()
        book = Books(fleet)
        queue = book.channel.queue_declare("", exclusive=True).method.queue
        book.channel.queue_bind(queue, fleet.name("alerts"), "#")

        def heard():
            found = []
            while True:
                method, properties, body = book.channel.basic_get(queue, auto_ack=True)
                if method is None:
                    return found
                found.append((method.routing_key, properties.message_id, json.loads(body)))

        def sent():
            return len(fleet.rows("select * from alert where sent_at is not null"))

        def reached(count):
            wait_for(f"{count} rows", PATIENCE, lambda: len(fleet.rows()) == count)

        for number in range(10):
            book.event(f"j{number}", nano=CAP // 10)
        reached(10)
        wait_for("the alerts are marked as sent", PATIENCE, lambda: sent() == 4)
        found = sorted(heard(), key=lambda alert: alert[2]["threshold"])
        check([body["threshold"] for _, _, body in found] == [50, 80, 95, 100], f"{len(found)} alerts")
        key, message_id, body = found[-1]
        check((key, message_id) == ("warning.cost_cap", f"user:ana/{this_month()}/cost_cap/100"), f"{key} {message_id}")
        told = {name: body[name] for name in ("kind", "severity", "userId", "tier", "capUsd", "hardStop", "period")}
        check(told == {"kind": "cost_cap", "severity": "warning", "userId": "ana", "tier": "PRO",
                       "capUsd": "1.000000000000", "hardStop": False, "period": this_month()}, str(body))

        # An override counts at once, a crash loses no alert and sends none twice.
        fleet.assign("ben", monthly_usd="0.5", hard_stop="true")
        billing.kill()
        billing.wait()
        book.event("more")
        book.event("ben", user="ben", nano=CAP // 2)
        fleet.start_billing()
        reached(12)
        wait_for("ben's alerts", PATIENCE, lambda: sent() == 8)
        found = sorted(((key, body["userId"], body["threshold"], body["hardStop"]) for key, _, body in heard()),
                       key=lambda alert: alert[2])
        check(found == [("warning.cost_cap", "ben", share, True) for share in (50, 80, 95)]
              + [("error.cost_cap", "ben", 100, True)], str(found))


def month_turn():
    """When the month turns by Redis' clock the jobs that the old one's limits blocked go back to their lanes, at 100 a
    second; what was blocked since, and what rests for another reason, stays. The command does the same by user."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tollway-clock-"))
    servers = ["bash", str(ROOT / "scripts/lib/servers.sh")]
    subprocess.run([*servers, "start-redis", str(directory), "--shifted-clock"], check=True, stdout=subprocess.DEVNULL)
    try:
        with Fleet("month", redis_url=(directory / "url").read_text().strip()) as fleet:
            use_rules(fleet, hard=True)
            fleet.start_billing()
            with fleet.connection() as connection:
                channel = connection.channel()
                channel.confirm_delivery()
                now = int(time.time() * 1000)
                ahead = 40 * 86400

                def letter(job, reason, user="ana", **time):
                    body = {"id": job, "userId": user, "taskType": "echo", "payload": {}}
                    headers = {"reason": reason, "run": "r1", "lane": "standard", "attempts": 0, **time}
                    named = {"x-tollway-" + name.replace("_", "-"): value for name, value in headers.items()}
                    channel.basic_publish("", fleet.name("jobs.blocked"), json.dumps(body).encode(),
                                          pika.BasicProperties(delivery_mode=2, headers=named))

                for number in range(300):
                    letter(f"old{number}", ("quota_exceeded", "cost_cap_reached")[number % 2], blocked_at=now)
                letter("seen", "quota_exceeded", first_seen="2026-11-02T00:00:00.000Z")
                letter("new", "quota_exceeded", blocked_at=now + (ahead + 60) * 1000)
                letter("other", "frozen", blocked_at=now)
                letter("bens", "frozen", user="ben", blocked_at=now)
            key = f"{fleet.namespace}.{{tollway.{fleet.namespace}}}:released"
            wait_for("the month that runs is looked after", 2 * PATIENCE, lambda: fleet.redis().get(key))
            check(fleet.depth("jobs.standard") == 0, "released before the month turned")

            (directory / "clock").write_text(f"{ahead}\n")
            looked = [0.0]

            def released():
                looked.append(time.monotonic())
                return fleet.depth("jobs.standard")
            first = wait_for("the release begins", 2 * PATIENCE, released)
            wait_for("all are released", PATIENCE, lambda: fleet.depth("jobs.standard") == 301)
            rate = (301 - first) / (time.monotonic() - looked[-1])
            check(rate <= 150, f"{rate:.0f} jobs a second were released")
            left = lambda: sorted(row["id"] for row in fleet.command("blocked", "list"))
            wait_for("three stay", PATIENCE, lambda: left() == ["bens", "new", "other"])
            headers = fleet.drain("jobs.standard")[0][0].headers
            headers.pop("x-delivery-count", None)  # of the broker
            check(headers == {"x-tollway-replays": "r1"}, f"headers of a released job: {headers}")

            fleet.command("blocked", "release", "--all", "--user", "ben")
            # What a command looked at comes back to the queue when its connection ends.
            wait_for("all but ben's to stay", PATIENCE, lambda: left() == ["new", "other"])
            return {"released a second": round(rate)}
    finally:
        subprocess.run([*servers, "stop", str(directory)], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main(books, alerts, month_turn)
