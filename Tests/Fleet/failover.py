"""Redis behind sentinels: the primary dies in the middle of a storm, its replica takes its place."""

import time
import urllib.parse

import redis.sentinel
from crashes import all_ended, heavy_jobs, prepare, script, with_own_server, within_the_limit
from fleet import Fleet, check, main, wait_for


class SentinelFleet(Fleet):
    def redis(self):
        url = urllib.parse.urlparse(self.redis_url)
        sentinels = [address.rsplit(":", 1) for address in url.netloc.split(",")]
        sentinel = redis.sentinel.Sentinel([(host, int(port)) for host, port in sentinels])
        return sentinel.master_for(url.path.split("/")[1])


def primary_dies_in_a_storm():
    """No job is lost or run beyond the limit, and the fleet goes on by itself within a minute."""
    def body(sentinels):
        with SentinelFleet("failover", redis_url=sentinels.url) as fleet:
            prepare(fleet, latency="100")
            for _ in range(2):
                fleet.start_worker(8)
            published = heavy_jobs(120)
            fleet.publish(published)
            wait_for("a full bay and some calls", 30,
                     lambda: len(fleet.calls()) > 20 and sum(fleet.bays().values()) > 40)
            script("kill", sentinels.directory / "redis-1")
            failed = time.monotonic()
            all_ended(fleet, published, 120)
            after = [call["begin"] for call in fleet.calls().values() if call["begin"] > failed + 2]
            check(after and min(after) - failed <= 60, "jobs did not go on within 60 s of the failover")
            within_the_limit(fleet, published, runs_in_doubt=2)
            return f"went on after {min(after) - failed:.0f} s"
    return with_own_server("sentinels", body)


if __name__ == "__main__":
    main(primary_dies_in_a_storm)
