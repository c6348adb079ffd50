"""How does a real Neo4j Community server run on this machine without Docker?

Everything is below one folder, `KGPLAN_HOME/neo4j`: the jars from Maven Central (`lib`), the
database (`data`), the log (`logs/neo4j.log`), the configuration that the server was last started
with (`conf`) and the password (`password`, readable by its owner only).
"""

import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import psutil
from neo4j import Driver, GraphDatabase
from neo4j.exceptions import AuthError, DriverError, Neo4jError

from kgplan.errors import ConfigError, GraphUnavailable, InputError
from kgplan.machine import locked
from kgplan.progress import Progress, silent

USER = "neo4j"
FIRST_PASSWORD = "neo4j"  # every new Neo4j database has it; replaced before `start` returns
MIN_JAVA = 17
SERVER_CLASS = "org.neo4j.server.CommunityEntryPoint"
ADMIN_CLASS = "org.neo4j.cli.AdminTool"
OPENED_PACKAGES = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")
DATABASE_STATUS = (
    "SHOW DATABASES YIELD name, currentStatus, statusMessage WHERE name = 'neo4j'"
    " RETURN currentStatus, statusMessage"
)
START_SECONDS = 120
STOP_SECONDS = 60
WILDCARDS = {"", "0.0.0.0", "::"}
INSTALL = (
    "install Java 17 or newer and Maven (on Debian: apt-get install default-jre-headless maven)"
)


@dataclass(frozen=True)
class ServerStatus:
    """What can be said of the server below one folder.

    Attributes:
        running: its process lives.
        pid: of that process; 0 where none lives.
        bolt, http: addresses that it was last started with; "" where never.
    """

    running: bool
    pid: int
    bolt: str
    http: str


class Neo4jServer:
    """A server whose files are all below `home`.

    Args:
        home: its folder; made when needed.
        lib: the folder of its jars, which several servers may share; `home/lib` where not given.
    """

    def __init__(self, home: Path, lib: Path | None = None) -> None:
        self.home = home.resolve()
        self.lib = (lib or home / "lib").resolve()

    @property
    def password_file(self) -> Path:
        """Where the password of the user neo4j is kept."""
        return self.home / "password"

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.home / "logs" / "neo4j.log"

    @property
    def conf(self) -> Path:
        """The configuration file."""
        return self.home / "conf" / "neo4j.conf"

    @property
    def pid_file(self) -> Path:
        """The number of the process, for `stop`."""
        return self.home / "run" / "neo4j.pid"

    def start(
        self,
        host: str = "127.0.0.1",
        bolt_port: int = 7687,
        http_port: int = 7474,
        heap_mb: int = 1024,
        page_cache_mb: int = 512,
        password: str | None = None,
        salvage: bool = False,
        progress: Progress = silent,
    ) -> ServerStatus:
        """Start the server, or find it running, and wait until it answers.

        Args:
            host: the address to listen on, and to tell clients: Browser and the neo4j:// scheme
                connect to the address that the server tells them.
            bolt_port, http_port: for drivers, and for Browser.
            heap_mb, page_cache_mb: memory of the Java machine and of the database's pages.
            password: for the user neo4j at the first start; a random one where not given.
            salvage: open a database whose log is damaged, as a full disk may leave it; what the
                damaged end of the log said is lost.
            progress: called with what is being done.

        Raises:
            ConfigError: the address cannot be told to clients, or the password is too short.
            InputError: Java or Maven is missing.
            GraphUnavailable: the server or its database does not come up, or refuses the password.
        """
        if host in WILDCARDS:
            raise ConfigError(
                f"the server cannot tell its clients the address {host!r};"
                " name the one that they reach it by"
            )
        if password is not None and len(password) < 8:
            raise ConfigError("the password is shorter than the 8 characters that Neo4j asks for")
        if self.status().running:
            self._wait(self.status().pid)
            return self.status()
        for port in (bolt_port, http_port):
            if answers(f"{host}:{port}"):
                raise GraphUnavailable(
                    f"port {port} of {host} is taken by another program;"
                    " stop it or choose another with --bolt-port and --http-port"
                )
        self._write_conf(host, bolt_port, http_port, heap_mb, page_cache_mb, salvage)
        return self.restart(password, progress)

    def restart(self, password: str | None = None, progress: Progress = silent) -> ServerStatus:
        """Start the server as it was started last.

        Raises:
            InputError: Java or Maven is missing.
            GraphUnavailable: the server or its database does not come up, or refuses the password.
        """
        java = find_java()
        self.fetch_jars(progress)
        progress("starting Neo4j", 0, None)
        for folder in ("logs", "run", "data"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        heap = self._read_conf()["server.memory.heap.max_size"]
        command = [java, f"-Xms{heap}", f"-Xmx{heap}", *self._java_options(), SERVER_CLASS]
        command += [f"--home-dir={self.home}", f"--config-dir={self.conf.parent}"]
        with (self.home / "logs" / "console.log").open("wb") as console:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,  # it outlives the command that started it
            )
        self.pid_file.write_text(str(process.pid), encoding="ascii")
        try:
            self._wait(process.pid, process)
            self._settle_password(password)
            self._wait_for_database()
        except BaseException:
            process.terminate()  # nothing runs on with the password that every Neo4j starts with
            process.wait(STOP_SECONDS)
            self.pid_file.unlink(missing_ok=True)
            raise
        return self.status()

    def stop(self) -> bool:
        """Stop the server and wait until it has ended; False where none was running.

        Raises:
            GraphUnavailable: it does not end.
        """
        status = self.status()
        if status.running:
            os.kill(status.pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            # a process that ended has let its port go a moment later
            while self.status().running or answers(self._address("bolt")):
                if time.monotonic() > deadline:
                    raise GraphUnavailable(
                        f"Neo4j (process {status.pid}) does not end within {STOP_SECONDS} s;"
                        f" see {self.log}"
                    )
                time.sleep(0.05)
        self.pid_file.unlink(missing_ok=True)
        return status.running

    def status(self) -> ServerStatus:
        """Whether the server runs, and where."""
        settings = self._read_conf()
        bolt, http = (
            settings.get(f"server.{name}.listen_address", "") for name in ("bolt", "http")
        )
        pid = int(self.pid_file.read_text("ascii")) if self.pid_file.exists() else 0
        running = pid > 0 and self._is_server(pid)
        return ServerStatus(
            running, pid if running else 0, bolt and f"neo4j://{bolt}", http and f"http://{http}"
        )

    def admin(self, *arguments: str, heap_mb: int = 1024) -> str:
        """Run `neo4j-admin` on this server's files and return what it prints.

        Raises:
            GraphUnavailable: it fails; the message ends with its last lines.
        """
        command = [find_java(), f"-Xmx{heap_mb}m", *self._java_options(), ADMIN_CLASS, *arguments]
        places = {"NEO4J_HOME": str(self.home), "NEO4J_CONF": str(self.conf.parent)}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, **places}
        )
        if done.returncode != 0:
            said = " ".join((done.stderr or done.stdout).split()[-60:])
            raise GraphUnavailable(f"neo4j-admin {' '.join(arguments[:3])} failed: {said}")
        return done.stdout

    def fetch_jars(self, progress: Progress = silent) -> None:
        """Copy the jars that the pom names from Maven Central, once for each version of the pom.

        Raises:
            InputError: Maven is missing.
            GraphUnavailable: Maven cannot get them.
        """
        self.lib.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.lib.with_name("lib.lock")):  # two must not fill and empty the folder
            self._fetch_jars(progress)

    def _fetch_jars(self, progress: Progress) -> None:
        pom = (files("kgplan.graph") / "neo4j_server.pom.xml").read_bytes()
        stamp, wanted = self.lib / "pom.sha256", hashlib.sha256(pom).hexdigest()
        if stamp.exists() and stamp.read_text("ascii") == wanted:
            return
        maven = shutil.which("mvn")
        if maven is None:
            raise InputError(f"there is no `mvn` to get Neo4j with; {INSTALL}")
        progress("getting Neo4j from Maven Central", 0, None)
        shutil.rmtree(self.lib, ignore_errors=True)  # two versions of a jar must not mix
        self.lib.mkdir(parents=True)
        (self.lib / "pom.xml").write_bytes(pom)
        command = [maven, "-q", "-B", "-f", str(self.lib / "pom.xml")]
        command += ["dependency:copy-dependencies", f"-DoutputDirectory={self.lib}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = " ".join((done.stdout + done.stderr).split()[:40])
            raise GraphUnavailable(f"Maven cannot get Neo4j: {said}")
        stamp.write_text(wanted, encoding="ascii")

    def _java_options(self) -> list[str]:
        opened = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED_PACKAGES]
        return [*opened, "-Dfile.encoding=UTF-8", "-cp", f"{self.lib}/*"]

    def _write_conf(
        self,
        host: str,
        bolt_port: int,
        http_port: int,
        heap_mb: int,
        page_cache_mb: int,
        salvage: bool,
    ) -> None:
        settings = {
            "server.default_listen_address": host,
            "server.default_advertised_address": host,
            "server.bolt.listen_address": f"{host}:{bolt_port}",
            "server.bolt.advertised_address": f"{host}:{bolt_port}",
            "server.http.listen_address": f"{host}:{http_port}",
            "server.http.advertised_address": f"{host}:{http_port}",
            "server.https.enabled": "false",
            "server.memory.heap.max_size": f"{heap_mb}m",
            "server.memory.pagecache.size": f"{page_cache_mb}m",
            # a driver learns from this how long a silent server may stay silent
            "server.bolt.connection_keep_alive": "3s",
            "server.bolt.connection_keep_alive_probes": "2",
            # the databases are closed by then: two waits of 5 s less when stopping
            "internal.server.bolt.thread_pool_shutdown_wait_time": "1s",
            "internal.server.bolt.connection_shutdown_wait_time": "1s",
            "db.tx_log.preallocate": "false",
            "db.tx_log.rotation.retention_policy": "2 files",
            "dbms.usage_report.enabled": "false",
            "internal.dbms.tx_log.fail_on_corrupted_log_files": str(not salvage).lower(),
        }
        self.conf.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        self.conf.write_text("".join(lines), encoding="ascii")

    def _read_conf(self) -> dict[str, str]:
        if not self.conf.exists():
            return {}
        lines = self.conf.read_text("ascii").splitlines()
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    def _is_server(self, pid: int) -> bool:
        """Whether this process is a server of this folder, not another that got its number."""
        try:
            return f"--home-dir={self.home}" in psutil.Process(pid).cmdline()  # a zombie has none
        except psutil.Error:
            return False

    def _wait(self, pid: int, process: "subprocess.Popen[bytes] | None" = None) -> None:
        """Wait until the server takes connections from drivers and then from Browser."""
        deadline = time.monotonic() + START_SECONDS
        while not all(answers(self._address(name)) for name in ("bolt", "http")):
            ended = process.poll() is not None if process else not self._is_server(pid)
            if ended or time.monotonic() > deadline:
                reason = self._last_error() or "it says nothing"
                raise GraphUnavailable(f"Neo4j does not come up: {reason}; see {self.log}")
            time.sleep(0.1)

    def _last_error(self) -> str:
        """The last line of the log that names a fault."""
        for path in (self.log, self.home / "logs" / "console.log"):
            if path.exists():
                text = path.read_text("utf-8", errors="replace")
                faults = [line for line in text.splitlines() if "ERROR" in line or "Error" in line]
                if faults:
                    return faults[-1].strip()[:300]
        return ""

    def _settle_password(self, given: str | None) -> None:
        """Replace the password that every new database has, and keep the new one in a file.

        The file is written first: killed in between, the next start finds a password that the
        server does not know yet, and sets it.
        """
        if not self.password_file.exists():
            write_private(self.password_file, given or secrets.token_urlsafe(18))
        password = self.password_file.read_text("utf-8").strip()
        address = self._address("bolt")
        with GraphDatabase.driver(
            f"bolt://{address}", auth=(USER, password), max_transaction_retry_time=0
        ) as driver:
            if accepts(driver):
                return
        try:
            with GraphDatabase.driver(f"bolt://{address}", auth=(USER, FIRST_PASSWORD)) as driver:
                driver.execute_query(
                    "ALTER CURRENT USER SET PASSWORD FROM $old TO $new",
                    old=FIRST_PASSWORD,
                    new=password,
                    database_="system",
                )
        except (Neo4jError, DriverError) as error:
            raise GraphUnavailable(
                f"Neo4j refuses the password in {self.password_file}; write the right one there,"
                f" or remove {self.home / 'data'} to begin with an empty graph"
            ) from error

    def _wait_for_database(self) -> None:
        """Wait until the database is open; a server runs on without it when it is damaged."""
        password = self.password_file.read_text("utf-8").strip()
        address = self._address("bolt")
        deadline = time.monotonic() + START_SECONDS
        with GraphDatabase.driver(f"bolt://{address}", auth=(USER, password)) as driver:
            while True:
                (shown,) = driver.execute_query(DATABASE_STATUS, database_="system").records
                if shown["currentStatus"] == "online":
                    return
                if shown["statusMessage"] or time.monotonic() > deadline:
                    reason = " ".join((shown["statusMessage"] or "it says nothing").split())[:300]
                    raise GraphUnavailable(
                        f"Neo4j's database cannot be opened: {reason}; see"
                        f" {self.log.with_name('debug.log')}. If its disk was full, free some and"
                        " try `kgplan neo4j start --salvage`"
                    )
                time.sleep(0.1)

    def _address(self, name: str) -> str:
        return self._read_conf()[f"server.{name}.listen_address"]


def accepts(driver: Driver) -> bool:
    """Whether the server takes the driver's password; asked until it answers.

    Its port is open a moment before it speaks. The driver's own retries wait for seconds.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            driver.execute_query("SHOW CURRENT USER", database_="system")  # open in any case
        except AuthError:
            return False
        except (DriverError, Neo4jError) as error:
            if time.monotonic() > deadline:
                raise GraphUnavailable(f"Neo4j does not come up: {error}") from error
            time.sleep(0.1)
        else:
            return True


def find_java() -> str:
    """The Java to run Neo4j with: of JAVA_HOME, else the first on the path.

    Raises:
        InputError: there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    if java is None:
        raise InputError(f"there is no `java` to run Neo4j with; {INSTALL}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    if java_version(said) < MIN_JAVA:
        raise InputError(f"{java} is {said.partition(chr(10))[0]}, too old for Neo4j; {INSTALL}")
    return java


def java_version(said: str) -> int:
    """The major version in what `java -version` prints; 0 where it has none.

    >>> java_version('openjdk version "17.0.15" 2025-04-15'), java_version('java version "1.8.0"')
    (17, 1)
    """
    _, _, version = said.partition('version "')
    major = version.partition(".")[0].partition('"')[0].partition("-")[0]
    return int(major) if major.isdigit() else 0


def answers(address: str) -> bool:
    """Whether anything takes connections at this host:port."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text + "\n")
