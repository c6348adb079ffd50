"""What kgplan is told from outside: read once, at start-up."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from kgplan.errors import ConfigError


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
    """

    user: str = "neo4j"
    password: str = field(default="", repr=False)
    query_seconds: float = 60.0
    retry_seconds: float = 15.0


class Settings(BaseSettings):
    """Settings from the environment, each as `KGPLAN_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="KGPLAN_", frozen=True, extra="ignore")

    home: Path = Field(
        default_factory=default_home, description="folder of the artifacts and the embedded graph"
    )
    graph: str = Field(
        default="",
        description="graph database; empty means the embedded one in KGPLAN_HOME,"
        " `ladybug:///path/to/file` another file, `neo4j://host:7687` a Neo4j server",
    )
    graph_user: str = Field(default="neo4j", description="user of the Neo4j server")
    graph_password: SecretStr = Field(default=SecretStr(""), description="that user's password")
    graph_password_file: Path | None = Field(
        default=None,
        description="file that holds the password; where neither is given, the one that"
        " `kgplan neo4j start` wrote",
    )
    graph_seconds: float = Field(default=60.0, gt=0, description="longest time of one query")

    records: str = Field(
        default="",
        repr=False,
        description="learner records; empty means SQLite in KGPLAN_HOME,"
        " `sqlite:////path/to/file` another file,"
        " `postgresql+psycopg://user:password@host/database` a PostgreSQL server",
    )

    @property
    def records_url(self) -> str:
        """The learner records' address, the default filled in."""
        return self.records or f"sqlite:///{quote(str((self.home / 'learners.db').absolute()))}"

    body_bytes: int = Field(default=1 << 20, ge=1, description="longest body of a request")
    rate: float = Field(
        default=0.0, ge=0, description="requests a second that a client may make; 0: any number"
    )
    burst: int = Field(default=20, ge=1, description="requests that a client may make at once")
    client_header: str = Field(
        default="",
        description="header that names the client, set by a proxy; empty: the address counts",
    )
    request_seconds: float = Field(
        default=30.0, ge=0, description="time to answer a request; 0: any"
    )
    cached_answers: int = Field(default=4_096, ge=0, description="answers that the service keeps")

    @property
    def artifacts(self) -> Path:
        """Folder of the versioned results."""
        return self.home / "artifacts"

    @property
    def graph_url(self) -> str:
        """The graph database's address, the default filled in."""
        return self.graph or f"ladybug://{self.home / 'graph.lbug'}"

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
        return GraphAccess(self.graph_user, password, self.graph_seconds)


@cache
def read_settings() -> Settings:
    """Read the environment once.

    Raises:
        ConfigError: a variable has a value that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "KGPLAN_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(f"{name} is {first['input']!r}: {first['msg']}") from None
