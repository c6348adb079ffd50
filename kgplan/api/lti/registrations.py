"""Which learning platforms may open the explorer, and what is known of each?

A file that is read once, at the start: TOML, or JSON where its name ends so.
"""

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from kgplan.api.keys import is_loopback
from kgplan.api.tokens import SCOPES
from kgplan.data.identity import home_page
from kgplan.errors import ConfigError
from kgplan.store.faults import first_fault

Role = Literal["Learner", "Instructor", "Administrator"]
Tutor = Literal["Instructor", "Administrator"]
READING = ("paths:read", "graph:read")
MAY_GRANT = frozenset(SCOPES) - {"admin"}
MANUAL = "docs/guide/lti.md lists the keys"


def address(text: str) -> str:
    """An address that nobody can change on its way.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(text)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    if not safe or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise ValueError("write https://host/path, or http:// on this machine")
    if any(each.isspace() or not each.isprintable() or each in "\"'<>;," for each in text):
        raise ValueError("it has a character that no address has")
    return text


def origin(text: str) -> str:
    """Scheme, host and port of an address.

    >>> origin("https://lms.example:8443/mod/lti/auth.php")
    'https://lms.example:8443'
    """
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc}".lower()


def granted(scope: str) -> str:
    """A scope that a launch may give.

    Raises:
        ValueError: it may not.
    """
    if scope not in MAY_GRANT:
        raise ValueError(f"a launch may give {', '.join(sorted(MAY_GRANT))}")
    return scope


Address = Annotated[str, AfterValidator(address)]
Origin = Annotated[str, AfterValidator(address), AfterValidator(origin)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Granted = Annotated[str, AfterValidator(granted)]


class Platform(BaseModel):
    """A learning platform, as it is registered here and we are there.

    Attributes:
        issuer: `iss` of its messages.
        client_id: what it calls us.
        auth_url: where its people are asked who they are.
        jwks: address or file of its public keys.
        deployments: ids of the places in it where we may be opened from.
        home_page: authority that its names are of, as in statements; empty: the issuer.
        learner: claim that names people: `sub`, or a custom parameter that the platform fills in.
        frames: origins of its pages, beside those of `issuer` and `auth_url`.
        scopes: of the tokens of people of each role.
        every_learner: roles whose tokens reach all learners; those of others reach themselves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: Address
    client_id: Name
    auth_url: Address
    jwks: Name
    deployments: tuple[Name, ...] = Field(min_length=1)
    home_page: str = ""
    learner: Name = "sub"
    frames: tuple[Origin, ...] = ()
    scopes: dict[Role, tuple[Granted, ...]] = Field(default_factory=dict)
    every_learner: frozenset[Tutor] = frozenset()

    @property
    def authority(self) -> str:
        """Who owns the names of its people, as in statements."""
        return home_page(self.home_page or self.issuer)

    @property
    def origins(self) -> tuple[str, ...]:
        """Where its pages are, which may frame ours and send launches."""
        return tuple(dict.fromkeys([origin(self.issuer), origin(self.auth_url), *self.frames]))

    def scopes_of(self, role: Role) -> tuple[str, ...]:
        """What tokens of people of a role allow."""
        return self.scopes.get(role, READING)


class Registrations(BaseModel):
    """What the file says.

    Attributes:
        url: address of this service as browsers know it, without a slash at the end.
        key: file of our private key; None: one that is made in the home.
        minutes: that a token holds.
        platforms: that may open the explorer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(address), AfterValidator(lambda text: text.rstrip("/"))]
    key: Path | None = None
    minutes: int = Field(default=60, ge=1, le=1440)
    platforms: tuple[Platform, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> "Registrations":
        named = [(each.issuer, each.client_id) for each in self.platforms]
        for each in named:
            if named.count(each) > 1:
                raise ValueError(f"two platforms have issuer {each[0]!r} and client_id {each[1]!r}")
        return self

    @property
    def origins(self) -> tuple[str, ...]:
        """Where the platforms' pages are."""
        return tuple(dict.fromkeys(each for one in self.platforms for each in one.origins))

    def find(self, issuer: str, client_id: str | None) -> Platform | None:
        """The platform of a message; without a client id, the issuer's only one."""
        of_issuer = [each for each in self.platforms if each.issuer == issuer]
        named = [each for each in of_issuer if client_id in (None, each.client_id)]
        return named[0] if len(named) == 1 else None

    def is_here(self, uri: str) -> bool:
        """Whether an address is one of this service.

        >>> here = Registrations.model_construct(url="https://kgplan.example")
        >>> here.is_here("https://kgplan.example/lti/launch"), here.is_here("https://kgplan.example.net")
        (True, False)
        """
        return uri == self.url or uri.startswith((f"{self.url}/", f"{self.url}?"))


def read_registrations(path: Path) -> Registrations:
    """Read the file; names of files in it count from its folder.

    Raises:
        ConfigError: with the place, what is wrong there, and a way out.
    """
    try:
        values = _parsed(path, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise ConfigError(f"KGPLAN_LTI is {str(path)!r}, which cannot be read: {why}") from None
    try:
        found = Registrations.model_validate(values)
    except ValidationError as error:
        told = first_fault(error, _section, name_sections=False)
        raise ConfigError(f"{path}: {told}; {MANUAL}") from None
    folder = path.absolute().parent
    platforms = tuple(
        each.model_copy(update={"jwks": str(folder / each.jwks)})
        if "://" not in each.jwks
        else each
        for each in found.platforms
    )
    key = None if found.key is None else folder / found.key
    return found.model_copy(update={"platforms": platforms, "key": key})


def _parsed(path: Path, text: str) -> Any:
    kind = "JSON" if path.suffix == ".json" else "TOML"
    try:
        return json.loads(text) if kind == "JSON" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        line = re.search(r"line (\d+)", str(error))
        place = f"{path}:{line[1]}" if line else f"{path}"
        raise ConfigError(f"{place}: the file is no {kind}: {error}") from None


def _section(inside: Sequence[int | str]) -> type[BaseModel]:
    return Platform if "platforms" in inside else Registrations
