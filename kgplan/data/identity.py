"""Who is the learner that a statement names? A home page and a name, as one id.

One authority owns the plain ids, those that the platform's own data go by; whoever is known to
another is named with it, so that two people never become one.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from kgplan.errors import ConfigError

MAILBOX, HASHED, OPENID = "mailto:", "sha1:", "openid:"
_KINDS = (MAILBOX, HASHED, OPENID)
KEPT_LENGTH = 500  # characters of a home page whose form is kept
_PORTS = {"http": 80, "https": 443}
_QUALIFIED = re.compile(rf"({'|'.join(_KINDS)})|[A-Za-z][A-Za-z0-9+.-]*:[^|]*\|")


@dataclass(frozen=True)
class Agent:
    """Who did something, as a statement names them.

    Attributes:
        authority: home page of the account, as `home_page` gives it; or `MAILBOX`, `HASHED`,
            `OPENID`.
        name: what it calls them.
    """

    authority: str
    name: str

    def learner_id(self, owners: Collection[str] | None) -> str:
        """The id in our records.

        Args:
            owners: authorities whose names are ids of the platform's own data; None: all, as
                while nobody has sent any.

        >>> Agent("https://mooc.example", "2").learner_id({"https://mooc.example"})
        '2'
        >>> Agent("https://mooc.example", "2").learner_id({MAILBOX})
        'https://mooc.example|2'
        """
        owns = owners is None or self.authority in owners
        if owns and not _QUALIFIED.match(self.name):  # no name passes for another's whole id
            return self.name
        return f"{self.authority}{'' if self.authority in _KINDS else '|'}{self.name}"


def home_page(iri: str) -> str:
    """A home page in the one form that it is compared and named by.

    Scheme and host in small letters, without the scheme's own port and the slash at the end; http
    and https of one place are one, as a site that turns to TLS keeps its people.

    >>> home_page("HTTP://LMS.Example:80/moodle/"), home_page("https://lms.example:8443")
    ('https://lms.example/moodle', 'https://lms.example:8443')
    """
    return _home_page(iri) if len(iri) <= KEPT_LENGTH else _home_page.__wrapped__(iri)


@lru_cache(256)  # few platforms send many statements
def _home_page(iri: str) -> str:
    try:
        parts = urlsplit(iri)
        port, scheme = parts.port, parts.scheme.lower()
    except ValueError:  # a port or an address that is none
        return iri
    if scheme not in _PORTS or not parts.hostname:
        return scheme + iri[len(scheme) :]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, _PORTS[scheme]) else f":{port}"
    query = f"?{parts.query}" if parts.query else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"https://{host}{shown}{parts.path.rstrip('/')}{query}{fragment}"


def read_owners(given: Collection[str]) -> frozenset[str] | None:
    """The authorities that a setting names; None where it names none.

    Raises:
        ConfigError: one of them is neither a home page nor `MAILBOX`, `HASHED` or `OPENID`.
    """
    for each in given:
        if each not in _KINDS and not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s|]+", each):
            raise ConfigError(
                f"KGPLAN_HOME_PAGES names {each!r}, which is no home page; give addresses as they"
                f" stand in statements, such as https://lms.example, or {', '.join(_KINDS)}"
            )
    return frozenset(each if each in _KINDS else home_page(each) for each in given) or None
