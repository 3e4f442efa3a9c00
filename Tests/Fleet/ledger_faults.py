"""The ledger while its disk is full, its database is locked, down or killed, and its broker blocked or restarted:
nothing is acked that is not committed, nothing is lost, the lag recovers by itself, and an alert says so."""

import contextlib
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile

from crashes import OwnServer
from fleet import PATIENCE, main, together, wait_for
from ledger_stores import PostgresStore, SQLiteStore, run_sql
from ledger_trial import RATE, Trial


@contextlib.contextmanager
def small_disk(megabytes, owner=None):
    """A directory on a file system of its own; None where mounting is not allowed."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tollway-disk-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(directory)],
                             capture_output=True).returncode == 0
    try:
        if mounted and owner:
            os.chown(directory, *owner)
        yield directory if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(directory)], check=True)
        shutil.rmtree(directory, ignore_errors=True)


def filled(directory):
    @contextlib.contextmanager
    def fault():
        ballast = directory / "ballast"
        with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        try:
            yield
        finally:
            ballast.unlink()
    return fault


@contextlib.contextmanager
def own_server(kind):
    directory = pathlib.Path(tempfile.mkdtemp(prefix=f"tollway-{kind}-"))
    directory.chmod(0o755)  # PostgreSQL runs as another user
    server = OwnServer(kind, directory)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


# The faults

def sqlite_disk_full():
    with small_disk(8) as disk:
        if disk is None:
            return "left out: mounting a tmpfs is not allowed here"
        with Trial(SQLiteStore(disk), replicas=1) as trial:
            trial.through("disk full", filled(disk), trial.rows, "ledger_lag")
            return trial.settle()


def sqlite_locked():
    """Another program holds the write lock for longer than billing waits for it."""
    directory = tempfile.mkdtemp(prefix="tollway-ledger-")
    store = SQLiteStore(directory)

    @contextlib.contextmanager
    def locked():
        connection = sqlite3.connect(store.path, timeout=PATIENCE, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.close()
    try:
        with Trial(store, replicas=1) as trial:
            trial.through("locked", locked, trial.rows, "ledger_lag")
            return trial.settle()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def postgres_disk_full():
    with own_server("postgres") as server:
        owner = os.stat(server.directory / "data")
        with small_disk(64, (owner.st_uid, owner.st_gid)) as disk:
            if disk is None:
                return "left out: mounting a tmpfs is not allowed here"
            run_sql(server.url, f"CREATE TABLESPACE small LOCATION '{disk}'")
            store = PostgresStore(server.url, tablespace="small")
            with Trial(store, replicas=2) as trial:
                trial.through("disk full", filled(disk), trial.rows, "ledger_lag")
                figures = trial.settle()
            store.remove()
            run_sql(server.url, "DROP TABLESPACE small")
            return figures


def postgres_down():
    """Stopped in order and started again. A billing process dies meanwhile with its events in hand."""
    with own_server("postgres") as server:
        with Trial(PostgresStore(server.url), replicas=2) as trial:
            @contextlib.contextmanager
            def down():
                server.stop()
                yield
                trial.billing.pop().kill()  # the one that tells of it or the other
                server.start()
            trial.through("down", down, trial.rows, "ledger_lag")
            trial.billing.append(trial.start())
            return trial.settle()


def postgres_killed():
    with own_server("postgres") as server:
        with Trial(PostgresStore(server.url), replicas=2) as trial:
            @contextlib.contextmanager
            def killed():
                server.crash()
                yield
                server.start()
            trial.through("killed", killed, trial.rows, "ledger_lag")
            return trial.settle()


def broker_faults(store, replicas):
    with own_server("broker") as server:
        @contextlib.contextmanager
        def blocked():
            watermark = lambda share: subprocess.run([server.directory / "rabbitmqctl", "set_vm_memory_high_watermark",
                                                      share], check=True, capture_output=True)
            watermark("0.0001")
            yield
            watermark("0.4")

        @contextlib.contextmanager
        def restarted():
            # Billing stands still for a moment, so that the broker dies with events in the queue and in its hands.
            for process in trial.billing:
                process.send_signal(signal.SIGSTOP)
            published = len(trial.publisher.confirmed)
            wait_for("events that wait", PATIENCE, lambda: len(trial.publisher.confirmed) > published + RATE)
            server.crash()
            for process in trial.billing:
                process.send_signal(signal.SIGCONT)
            yield
            server.start()
        try:
            with Trial(store, replicas, broker=server) as trial:
                confirmed = lambda: len(trial.publisher.confirmed)
                trial.through("blocked", blocked, confirmed, "broker")
                trial.is_over("broker", 1)
                trial.through("restarted", restarted, confirmed, "broker")
                trial.is_over("broker", 2)
                return trial.settle()
        finally:
            store.remove()


def broker_with_sqlite():
    return broker_faults(SQLiteStore(), 1)


def broker_with_postgres():
    return broker_faults(PostgresStore(), 2)


ON_SQLITE = (broker_with_sqlite, sqlite_disk_full, sqlite_locked)
ON_POSTGRES = (broker_with_postgres, postgres_disk_full, postgres_killed, postgres_down)


def faults():
    scenarios = ON_SQLITE + (ON_POSTGRES if "TOLLWAY_TEST_POSTGRES_URL" in os.environ else ())
    longest_first = sorted(scenarios, key=lambda scenario: not scenario.__name__.startswith("broker"))
    return together({scenario.__name__: scenario for scenario in longest_first}, at_once=4)


if __name__ == "__main__":
    main(faults, by_name_only=(*ON_SQLITE, *ON_POSTGRES))
