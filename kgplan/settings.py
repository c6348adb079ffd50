"""What kgplan is told from outside: read once, at start-up."""

from functools import cache
from pathlib import Path

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from kgplan.errors import ConfigError


def default_home() -> Path:
    """`var/` of the checkout that kgplan runs from; else the user's data folder."""
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "Makefile").is_file():
        return checkout / "var"
    return Path(platformdirs.user_data_dir("kgplan"))


class Settings(BaseSettings):
    """Settings from the environment, each as `KGPLAN_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="KGPLAN_", frozen=True, extra="ignore")

    home: Path = Field(
        default_factory=default_home, description="folder of the artifacts and the embedded graph"
    )
    graph: str = Field(
        default="",
        description="graph database; empty means the embedded one in KGPLAN_HOME,"
        " `ladybug:///path/to/file` another file",
    )

    @property
    def artifacts(self) -> Path:
        """Folder of the versioned results."""
        return self.home / "artifacts"

    @property
    def graph_url(self) -> str:
        """The graph database's address, the default filled in."""
        return self.graph or f"ladybug://{self.home / 'graph.lbug'}"


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
