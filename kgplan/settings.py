"""What kgplan is told from outside: read once, at start-up."""

import codecs
import re
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from difflib import get_close_matches
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kgplan.errors import ConfigError, no_zone

SECRET_BYTES = 32
PRIVATE = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)
"""Networks that nobody outside can send from."""


def default_home() -> Path:
    """`var/` of the checkout that kgplan runs from; else the user's data folder."""
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "Makefile").is_file():
        return checkout / "var"
    return Path(platformdirs.user_data_dir("kgplan"))


@dataclass(frozen=True)
class GraphAccess:
    """Who asks the graph database, and how long an answer may take.

    Attributes:
        user, password: of a Neo4j server; the embedded database asks for none.
        query_seconds: longest time of one query.
        retry_seconds: how long a query is tried again while a server is away.
        database: of that server; empty: the one that the address names, else the user's own.
    """

    user: str = "neo4j"
    password: str = field(default="", repr=False)
    query_seconds: float = 60.0
    retry_seconds: float = 15.0
    database: str = ""


class Settings(BaseSettings):
    """Settings from the environment, each as `KGPLAN_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="KGPLAN_", frozen=True, extra="ignore")

    home: Path = Field(
        default_factory=default_home, description="folder of the artifacts and the embedded graph"
    )
    graph: str = Field(
        default="",
        description="graph database; empty means the embedded one in KGPLAN_HOME,"
        " `ladybug:///path/to/file` another file, `neo4j://host:7687` a Neo4j server,"
        " `neo4j://host:7687/database` a database of it",
    )
    graph_user: str = Field(default="neo4j", description="user of the Neo4j server")
    graph_password: SecretStr = Field(default=SecretStr(""), description="that user's password")
    graph_password_file: Path | None = Field(
        default=None,
        description="file that holds the password; where neither is given, the one that"
        " `kgplan neo4j start` wrote",
    )
    graph_database: str = Field(
        default="", description="database of the Neo4j server, where its address names none"
    )
    graph_seconds: float = Field(default=60.0, gt=0, description="longest time of one query")

    neo4j_browser: str = Field(
        default="",
        description="address of Neo4j Browser; empty means port 7474 of the Neo4j server's host",
    )

    @property
    def browser_url(self) -> str:
        """Where Neo4j Browser shows the graph; empty for the embedded database."""
        server = urlsplit(self.graph)
        if self.neo4j_browser or server.scheme in ("", "ladybug"):
            return self.neo4j_browser
        host = f"[{server.hostname}]" if ":" in (server.hostname or "") else server.hostname
        return f"http://{host}:7474/browser/"

    loss_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of a table, or of the graph's nodes, that a run may take away unasked",
    )

    items: bool = Field(
        default=False,
        description="whether the next `kgplan etl run` puts items and what they cover into the"
        " graph, too, for questions about them; no plan reads them there",
    )

    encoding: str = Field(
        default="",
        description="of a platform's CSV files that are not UTF-8, such as `GB18030`; empty: these"
        " are refused",
    )

    time_zone: str = Field(
        default="UTC",
        description="of every time that is told without one, in a platform's files, in events and"
        " answers, such as `Asia/Shanghai`; times in the tables are of this zone",
    )

    records: str = Field(
        default="",
        repr=False,
        description="learner records; empty means SQLite in KGPLAN_HOME,"
        " `sqlite:////path/to/file` another file,"
        " `postgresql+psycopg://user:password@host/database` a PostgreSQL server",
    )

    @property
    def zone(self) -> tzinfo:
        """Of times that are told without one.

        Raises:
            ConfigError: there is no such zone.
        """
        try:
            return UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise no_zone(self.time_zone) from None

    @property
    def records_url(self) -> str:
        """The learner records' address, the default filled in."""
        return self.records or f"sqlite:///{quote(str((self.home / 'learners.db').absolute()))}"

    batches: Literal["whole", "each"] = Field(
        default="whole",
        description="a batch of statements of which one is malformed: `whole`: none is stored;"
        " `each`: the others are",
    )
    home_pages: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="home pages whose account names are learners' ids as they are, separated by"
        " commas or spaces, and `mailto:`, `sha1:`, `openid:`; empty: the first one that sends",
    )
    item_ids: str = Field(
        default="",
        description="what ids of activities stand for: `REGEX => TEMPLATE`, or the path of a CSV"
        " table with the columns object_id, item_id; empty: they are read as they are",
    )

    dead_letter_bytes: int = Field(
        default=64 << 20,
        ge=0,
        description="that refused events may take that are kept; the oldest leave first",
    )
    dead_letter_days: float = Field(
        default=30.0, ge=0, description="that a refused event is kept, to be looked at or replayed"
    )

    links: str = Field(
        default="",
        description="address of a video on the platform, with `{course_id}` and `{item_id}`, such"
        " as `https://lms.example/courses/{course_id}/videos/{item_id}`; empty: answers have none",
    )

    experiment: Path | None = Field(
        default=None,
        description="file of the experiment that gives learners to planners, TOML"
        " (docs/guide/experiments.md); none: every path is planned as it is asked for",
    )

    adjust: float = Field(
        default=0.0,
        ge=0,
        description="seconds after which the service looks again which running plans are due, such"
        " as 60; 0: it never does, and `kgplan adjust tick` may",
    )
    adjust_rules: Path | None = Field(
        default=None,
        description="file of the rules by which running plans change, TOML"
        " (docs/guide/adjusting.md); none: the usual ones",
    )

    review_share: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="share of a learner's time that reviews may take of what is due again",
    )
    review_recall: float = Field(
        default=0.9,
        ge=0.5,
        le=0.99,
        description="chance of recalling a concept, by FSRS, at which it is due again",
    )

    body_bytes: int = Field(default=4 << 20, ge=1, description="longest body of a request")
    body_seconds: float = Field(
        default=10.0,
        gt=0,
        description="time for the body of a request to come, and a second more for each 10 kB of"
        " it that have come",
    )
    head_bytes: int = Field(
        default=1 << 16, ge=1 << 10, description="longest request line and headers together"
    )
    head_seconds: float = Field(
        default=10.0, gt=0, description="time for a request line and its headers to come"
    )
    connections: int = Field(
        default=2_000,
        ge=1,
        description="connections that each process holds; fewer where it may open fewer than twice"
        " as many files",
    )
    rate: float = Field(
        default=0.0, ge=0, description="requests a second that a client may make; 0: any number"
    )
    burst: int = Field(default=20, ge=1, description="requests that a client may make at once")
    client_header: str = Field(
        default="",
        description="header that names the client, set by a proxy; empty: the address counts",
    )
    proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=PRIVATE,
        description="addresses or networks of proxies, from which that header is believed,"
        " separated by commas or spaces",
    )
    request_seconds: float = Field(
        default=30.0, ge=0, description="time to answer a request; 0: any"
    )
    cached_answers: int = Field(
        default=16_384, ge=0, description="answers that each process keeps; about 6 kB each"
    )
    answer_bytes: int = Field(
        default=256 << 20, ge=0, description="bytes that the answers kept by a process may take"
    )
    history_bytes: int = Field(
        default=2 << 20,
        ge=1,
        description="that the plans kept of a learner may take; the oldest leave first",
    )
    kept_learners: int = Field(
        default=16_384,
        ge=1,
        description="learners with events whose state each process keeps; about 16 kB each",
    )

    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="form of log lines; auto: readable on a terminal, JSON elsewhere",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="log lines below it are left out; info: one for each request"
    )
    otlp: str = Field(
        default="",
        description="where traces go, such as http://localhost:4318/v1/traces; empty: nowhere",
    )
    trace_share: float = Field(
        default=1.0, ge=0, le=1, description="of the traces, how many are kept"
    )
    drain_seconds: float = Field(
        default=3.0,
        ge=0,
        description="how long a service that was told to stop still takes requests, so that a"
        " load balancer sees that it is not ready",
    )
    stop_seconds: float = Field(
        default=30.0, gt=0, description="longest time to stop, the draining in it"
    )

    auth: Literal["jwt", "off", "dev"] = Field(
        default="jwt",
        description="`jwt`: requests need a token; `off`: nobody is asked; `dev`: the same, on"
        " loopback only",
    )
    auth_secret: SecretStr = Field(
        default=SecretStr(""), description="secret of HS256 tokens, 32 bytes or more"
    )
    auth_secret_file: Path | None = Field(
        default=None,
        description="file with a secret in each line: the first signs, any of them verifies",
    )
    auth_jwks: str = Field(
        default="",
        description="key set of the tokens' issuer (RS256, ES256, EdDSA): an https address or a"
        " file",
    )
    auth_audience: str = Field(default="kgplan", min_length=1, description="`aud` of tokens")
    auth_issuer: str = Field(default="", description="`iss` of tokens; empty: any")
    lti: Path | None = Field(
        default=None,
        description="file of the learning platforms that open the explorer by LTI 1.3, TOML or"
        " JSON (docs/guide/lti.md); none: no platform does",
    )
    cors: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="origins whose pages may ask, separated by commas or spaces"
    )
    audit: Path | None = Field(
        default=None, description="audit log; audit.jsonl in KGPLAN_HOME where not given"
    )

    @field_validator("graph")
    @classmethod
    def _without_password(cls, given: str) -> str:
        if "@" in urlsplit(given).netloc:
            raise ValueError(
                "an address is written to logs; give the user as KGPLAN_GRAPH_USER and the"
                " password as KGPLAN_GRAPH_PASSWORD_FILE"
            )
        return given

    @field_validator("encoding")
    @classmethod
    def _known(cls, given: str) -> str:
        try:
            return given and codecs.lookup(given).name
        except LookupError:
            raise ValueError(f"{given!r} is no encoding; write GB18030 or CP1252") from None

    @field_validator("home_pages", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        return tuple(given.replace(",", " ").split()) if isinstance(given, str) else given

    @field_validator("cors", mode="before")
    @classmethod
    def _origins(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        origins = tuple(given.replace(",", " ").split())
        for origin in origins:
            parts = urlsplit(origin)
            if (
                parts.scheme not in ("http", "https")
                or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ValueError(
                    f"{origin!r} is no origin; write https://host or https://host:port"
                )
        return origins

    @field_validator("proxies", mode="before")
    @classmethod
    def _networks(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        for each in (networks := tuple(given.replace(",", " ").split())):
            try:
                ip_network(each)
            except ValueError as error:
                raise ValueError(f"{error}; write 10.0.0.1 or 10.0.0.0/8") from None
        return networks

    @property
    def audit_path(self) -> Path:
        """Where the audit log is, the default filled in."""
        return self.audit or self.home / "audit.jsonl"

    @property
    def auth_secrets(self) -> tuple[bytes, ...]:
        """Secrets of HS256 tokens, the one that signs first; none where none is given.

        Raises:
            ConfigError: the file cannot be read, or a secret is too short.
        """
        given = [self.auth_secret.get_secret_value()]
        where = "KGPLAN_AUTH_SECRET"
        if self.auth_secret_file is not None and not given[0]:
            where = f"a line of KGPLAN_AUTH_SECRET_FILE, {str(self.auth_secret_file)!r},"
            try:
                given = self.auth_secret_file.read_text(encoding="utf-8").split()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(
                    f"KGPLAN_AUTH_SECRET_FILE is {str(self.auth_secret_file)!r}, which cannot be"
                    f" read: {getattr(error, 'strerror', 'it is not text')}; write one with"
                    " `kgplan token --new-secret FILE`"
                ) from None
        secrets = tuple(each.encode() for each in given if each)
        for each in secrets:
            if len(each) < SECRET_BYTES:
                raise ConfigError(
                    f"{where} has {len(each)} bytes, and HS256 needs {SECRET_BYTES} or more"
                    " (RFC 7518, 3.2); write one with `kgplan token --new-secret FILE`"
                )
        return secrets

    @property
    def artifacts(self) -> Path:
        """Folder of the versioned results."""
        return self.home / "artifacts"

    @property
    def graph_url(self) -> str:
        """The graph database's address, the default filled in."""
        own = (self.home / "graph.lbug").absolute()
        return self.graph or f"ladybug://{quote(str(own))}"

    @property
    def neo4j_home(self) -> Path:
        """Folder of the server that `kgplan neo4j start` runs."""
        return self.home / "neo4j"

    @property
    def graph_access(self) -> GraphAccess:
        """User, password and time limit for the graph database.

        Raises:
            ConfigError: the password file cannot be read.
        """
        password, file = self.graph_password.get_secret_value(), self.graph_password_file
        ours = self.neo4j_home / "password"
        if not password and file is None and "://" in self.graph and ours.is_file():
            file = ours
        if not password and file is not None:
            try:
                password = file.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigError(
                    f"KGPLAN_GRAPH_PASSWORD_FILE is {str(file)!r}, which cannot be read:"
                    f" {error.strerror}; name a file that holds only the password"
                ) from None
        return GraphAccess(
            self.graph_user, password, self.graph_seconds, database=self.graph_database
        )


def settings_with(**given: Any) -> Settings:
    """The settings of the environment, but for those that are given.

    Raises:
        ConfigError: there is no such setting, or one has a value that cannot be used.
    """
    for name in given.keys() - Settings.model_fields.keys():
        near = ", ".join(get_close_matches(name, Settings.model_fields)) or "none"
        raise ConfigError(f"there is no setting {name!r}; close matches: {near}")
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "KGPLAN_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(f"{name} is {shown(first['input'])}: {first['msg']}") from None


@cache
def read_settings() -> Settings:
    """Read the environment once; errors as for `settings_with`."""
    return settings_with()


def shown(value: object) -> str:
    """A setting's value for a message, without the user and password that an address may hold.

    >>> shown("neo4j://neo4j:secret@graph.example:7687")
    "'neo4j://…@graph.example:7687'"
    """
    return re.sub(r"//[^/\s]*@", "//…@", repr(value))
