"""The two stores of the ledger as scenarios see them: an address for the fleet, and rows read by tools that are not
ours (sqlite3, psql)."""

import contextlib
import csv
import glob
import io
import os
import pathlib
import random
import shutil
import sqlite3
import string
import subprocess
import tempfile
import urllib.parse

from fleet import PATIENCE, Failure, check

NULL = "\x01"  # how psql is told to write it


class SQLiteStore:
    """A file of its own."""

    name = "SQLite"

    def __init__(self, directory=None):
        self.own = None if directory else tempfile.mkdtemp(prefix="tollway-ledger-")
        self.path = pathlib.Path(directory or self.own) / "ledger.db"
        self.url = f"sqlite://{self.path}"

    def rows(self, query):
        """Each value as text, None for NULL."""
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=PATIENCE)
        try:
            return [tuple(None if value is None else str(value) for value in row) for row in connection.execute(query)]
        finally:
            connection.close()

    def execute(self, command):
        """What no process of ours does: for a foreign hand in the ledger."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=PATIENCE)) as connection, connection:
            connection.execute(command)

    def hex(self, column):
        return f"lower(hex({column}))"

    def remove(self):
        if self.own:
            shutil.rmtree(self.own, ignore_errors=True)


class PostgresStore:
    """A database of its own on the server that TOLLWAY_TEST_POSTGRES_URL names, or another."""

    name = "PostgreSQL"

    def __init__(self, server=None, tablespace=None):
        self.server = server or os.environ["TOLLWAY_TEST_POSTGRES_URL"]
        self.database = "ledger_" + "".join(random.choices(string.ascii_lowercase + string.digits, k=8))
        self.url = urllib.parse.urlsplit(self.server)._replace(path=f"/{self.database}").geturl()
        place = f" TABLESPACE {tablespace}" if tablespace else ""
        run_sql(self.server, f"CREATE DATABASE {self.database}{place}")

    def rows(self, query):
        text = run_sql(self.url, query)
        return [tuple(None if value == NULL else value for value in row) for row in csv.reader(io.StringIO(text))]

    def execute(self, command):
        run_sql(self.url, command)

    def hex(self, column):
        return f"encode({column}, 'hex')"

    def remove(self):
        try:
            run_sql(self.server, f"DROP DATABASE {self.database} WITH (FORCE)")
        except Failure as failure:
            print(f"database {self.database} not removed: {failure}")


def run_sql(url, command):
    """What a PostgreSQL answers, as CSV."""
    done = subprocess.run([psql(), "--no-psqlrc", "--quiet", "--csv", "--tuples-only", "--pset", f"null={NULL}",
                           "--variable", "ON_ERROR_STOP=1", "--command", command, url],
                          capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, "PGCONNECT_TIMEOUT": "60"})
    check(done.returncode == 0, f"psql: {done.stderr.strip()}")
    return done.stdout


def psql():
    """Debian keeps the newest one's link in the path."""
    found = shutil.which("psql") or next(iter(glob.glob("/usr/lib/postgresql/*/bin/psql")), None)
    check(found, "psql is not installed")
    return found
