"""A real PostgreSQL server for the tests, from Debian's package, in a temporary folder."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psycopg
from waiting import wait_for

SETTINGS = {
    "listen_addresses": "",  # only the socket in its own folder
    "shared_buffers": "16MB",
    "max_connections": "200",
    "autovacuum": "off",
    "fsync": "off",  # nothing is to outlive the machine
    "full_page_writes": "off",
}


class PostgresServer:
    """A server that tests may stop and fill."""

    def __init__(self, programs: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kgplan-pg-"))
        self._as = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            other = pwd.getpwnam("nobody")
            for name in ("postgres", "nobody"):
                with suppress(KeyError):
                    other = pwd.getpwnam(name)
                    break
            os.chown(self.folder, other.pw_uid, other.pw_gid)
            self._as = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
        data = self.folder / "data"
        self._run(
            *(programs / "initdb", "-D", data, "-U", "kgplan", "-A", "trust"),
            *("-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"),
        )
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        with (self.folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", self.folder, *options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._as,
            )
        self._wait()

    def new_database(self) -> str:
        """The address of a schema without tables: as good as a database, and made at once."""
        name = f"t{uuid4().hex}"
        with self._connect() as connection:
            connection.execute(f'CREATE SCHEMA "{name}"')
        options = f"host={self.folder}&options=-csearch_path%3D{name}"
        return f"postgresql+psycopg://kgplan@/postgres?{options}"

    def stop(self) -> None:
        """End the server and remove its files."""
        self._process.send_signal(signal.SIGQUIT)  # at once: nothing is to be kept
        self._process.wait(20)
        shutil.rmtree(self.folder)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.folder), user="kgplan", dbname="postgres", autocommit=True
        )

    def _run(self, *command) -> None:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder, **self._as
        )
        assert done.returncode == 0, done.stderr

    def _wait(self, seconds: float = 120) -> None:
        begun = time.monotonic()
        while True:
            with suppress(psycopg.OperationalError), self._connect():
                return
            assert time.monotonic() - begun < seconds, (self.folder / "log").read_text()
            assert self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)


def start_postgres() -> PostgresServer:
    """Start the server; where it is not installed, the test is skipped, but never in CI."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        wait_for("PostgreSQL", "on Debian: apt-get install postgresql")
    return PostgresServer(found[-1].parent)
