"""What does a token allow? Scopes, and the learner whom it is limited to.

JSON Web Tokens (RFC 7519) by the rules of RFC 8725; claims as in RFC 9068: `scope`.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

import jwt

from kgplan.api.keys import Keys
from kgplan.errors import (
    InsufficientScope,
    InvalidToken,
    MissingToken,
    OtherCourse,
    OtherLearner,
)

TOKEN_BYTES = 8_192
LEEWAY = 10  # seconds by which clocks may differ
KEPT = 4_096  # verified tokens that are remembered

ACCESS = "kgplan.access"  # of an ASGI scope: what the sender may do
SCOPES = {
    "paths:read": "read learners: paths, mastery, history, progress, export",
    "events:write": "send events, statements and feedback",
    "graph:read": "read concepts, courses and what is known of the graph",
    "teach": "read and change running plans, and see the classes that they are of",
    "admin": "run the service, and erase learners",
}
OF_TEACHERS = frozenset({"teach", "graph:read"})
"""All that a token may allow that is limited to courses: what else names learners names all."""


@dataclass(frozen=True, slots=True)
class Access:
    """What the sender of a request may do.

    Attributes:
        subject: who it is, as the token's issuer names them; empty where nobody asked.
        scopes: what the token allows, of `SCOPES`.
        learner_id: the only learner whom it reaches; None: every one.
        until: when the token ends, in seconds since 1970.
        courses: the only courses whose running plans it reaches; None: every one.
    """

    subject: str
    scopes: frozenset[str]
    learner_id: str | None = None
    until: float = inf
    courses: frozenset[str] | None = None

    def check_scope(self, scope: str) -> None:
        """Refuse what the token does not allow.

        Raises:
            InsufficientScope: with the scope that is missing.
            OtherLearner: a learner's token, which never administrates, asks for `admin`.
        """
        if scope not in self.scopes:
            raise InsufficientScope(scope)
        if scope == "admin" and self.learner_id is not None:
            raise OtherLearner

    def check_learners(self, learner_ids: Iterable[str | None]) -> None:
        """Refuse a learner's token that asks for anyone else.

        Raises:
            OtherLearner: whether or not the other learner exists.
        """
        if self.learner_id is not None and any(each != self.learner_id for each in learner_ids):
            raise OtherLearner

    def check_course(self, course_id: str) -> None:
        """Refuse a teacher's token that asks for another course.

        Raises:
            OtherCourse: whether or not it exists.
        """
        if self.courses is not None and course_id not in self.courses:
            raise OtherCourse


ANYONE = Access("", frozenset(SCOPES))
"""Who asks where the service runs without authentication."""


def access_of(scope: Mapping[str, Any]) -> Access:
    """What the sender of a request may do.

    Args:
        scope: of the ASGI request.

    Raises:
        MissingToken: nobody found out; so nothing.
    """
    access: Access | None = scope.get(ACCESS)
    if access is None:
        raise MissingToken
    return access


class Verifier:
    """Tells what a token allows; what was verified is remembered until it ends.

    Args:
        keys: that may have signed tokens.
        audience: of whom a token must be meant for.
        issuer: who must have issued it; empty: anyone who has a key.
        clock: seconds since 1970, for what is remembered.
    """

    def __init__(
        self,
        keys: Keys,
        audience: str,
        issuer: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys, self._clock = keys, clock
        self._audience, self._issuer = audience, issuer
        self._verified: dict[bytes, Access] = {}  # by hash: memory holds no token
        self._generation = keys.generation

    async def access(self, token: bytes) -> Access:
        """What a token allows.

        Args:
            token: as it stands in the Authorization header, behind `Bearer`.

        Raises:
            InvalidToken: it proves nothing.
            KeysUnavailable: no keys could be read yet.
        """
        if self._keys.due():
            await self._keys.renew()
        if self._generation != self._keys.generation:  # a withdrawn key's tokens end with it
            self._generation = self._keys.generation
            self._verified.clear()
        name = hashlib.sha256(token).digest()
        known = self._verified.get(name)
        if known is not None and self._clock() < known.until + LEEWAY:
            return known
        generation = self._keys.generation
        access = await self._verify(token)
        if generation == self._keys.generation:
            while len(self._verified) >= KEPT:
                del self._verified[next(iter(self._verified))]
            self._verified[name] = access
        return access

    async def _verify(self, token: bytes) -> Access:
        if len(token) > TOKEN_BYTES:
            raise InvalidToken(f"it is longer than {TOKEN_BYTES:,} bytes")
        return access_by(await verified_claims(self._keys, token, self._audience, self._issuer))


class Reads(Protocol):
    """What tells what a token allows."""

    async def access(self, token: bytes) -> Access:
        """What a token allows; arguments and errors as for `Verifier.access`."""


class ByIssuer:
    """Tells what a token allows by the verifier of its issuer, which verifies this name too.

    Args:
        others: verifiers of the issuers that have their own.
        usual: for the tokens of all others.
    """

    def __init__(self, others: Mapping[str, Reads], usual: Reads) -> None:
        self._others, self._usual = others, usual

    async def access(self, token: bytes) -> Access:
        """What a token allows; arguments and errors as for `Verifier.access`."""
        return await self._others.get(unverified_issuer(token), self._usual).access(token)


async def verified_claims(
    keys: Keys, token: bytes, audience: str, issuer: str = "", required: Sequence[str] = ()
) -> dict[str, Any]:
    """What a token claims, once its signature, time, audience and issuer are seen to be right.

    Args:
        keys: that may have signed it.
        token: compact JWS.
        audience, issuer: as for `Verifier`.
        required: further claims that it must have.

    Raises:
        InvalidToken: it proves nothing.
        KeysUnavailable: no keys could be read yet.
    """
    refusal = InvalidToken("no key fits")
    needed = ["exp", "aud", *(["iss"] if issuer else []), *required]
    for key in await keys.candidates(unverified_kid(token)):
        try:
            return jwt.decode(
                token,
                key.material,
                algorithms=[key.algorithm],
                audience=audience,
                issuer=issuer or None,
                leeway=LEEWAY,
                options={"require": needed},
            )
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError) as error:
            refusal = InvalidToken(reason(error))  # another key may fit
        except jwt.PyJWTError as error:
            raise InvalidToken(reason(error)) from None
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise InvalidToken("it is malformed") from None
    raise refusal


def unverified_issuer(token: bytes) -> str:
    """Who a token says has issued it; empty where it says nothing of the kind."""
    try:
        body = token.split(b".")[1]
        claimed = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
        issuer = claimed.get("iss")
    except (ValueError, IndexError, AttributeError, RecursionError):
        return ""
    return issuer if isinstance(issuer, str) else ""


def unverified_kid(token: bytes) -> str | None:
    """Which key a token says it was signed with; all else that its header says does not count.

    Raises:
        InvalidToken: it is no JSON Web Token.
    """
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError):
        raise InvalidToken("it is malformed") from None
    if kid is not None and not isinstance(kid, str):
        raise InvalidToken("it is malformed")
    return kid


def reason(error: jwt.PyJWTError) -> str:
    """Why a token is refused, in words that hold nothing of it."""
    reasons: dict[type[jwt.PyJWTError], str] = {
        jwt.ExpiredSignatureError: "it has expired",
        jwt.ImmatureSignatureError: "it is not valid yet",
        jwt.InvalidAudienceError: "it is meant for another audience",
        jwt.InvalidIssuerError: "it is by another issuer",
        jwt.InvalidSignatureError: "its signature is not by a key of its issuer",
        jwt.InvalidAlgorithmError: "its algorithm is not that of its key",
    }
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"it has no claim {error.claim}"
    return next(
        (text for kind, text in reasons.items() if isinstance(error, kind)), "it is malformed"
    )


def access_by(claims: Mapping[str, Any]) -> Access:
    """What verified claims allow.

    Args:
        claims: `scope` (RFC 8693, 4.2: separated by spaces) or `scp` (the same, or a list);
            `learner_id` where the token is a learner's; `course_ids`, a list, where it is a
            teacher's; `sub` or `client_id` names its holder.

    Raises:
        InvalidToken: a claim is of another kind; rather nothing than too much.

    >>> sorted(access_by({"exp": 9, "scope": "paths:read graph:read openid"}).scopes)
    ['graph:read', 'paths:read']
    """
    granted = claims.get("scope", claims.get("scp", ""))
    names = granted.split(" ") if isinstance(granted, str) else granted
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise InvalidToken("its scope is neither text nor a list")
    learner_id = claims.get("learner_id")
    if "learner_id" in claims and not (isinstance(learner_id, str) and learner_id):
        raise InvalidToken("its learner_id is no text")
    subject = claims.get("sub", claims.get("client_id", ""))
    if not isinstance(subject, str):
        raise InvalidToken("its subject is no text")
    subject = subject.encode(errors="backslashreplace").decode()  # half characters go nowhere
    scopes, courses = frozenset(names) & SCOPES.keys(), claims.get("course_ids")
    if "course_ids" in claims:
        if not (isinstance(courses, list) and all(isinstance(each, str) for each in courses)):
            raise InvalidToken("its course_ids is no list of texts")
        scopes &= OF_TEACHERS
    reached = None if courses is None else frozenset(courses)
    return Access(subject, scopes, learner_id, int(claims["exp"]), reached)


def mint(
    secret: bytes,
    audience: str,
    scopes: Sequence[str],
    seconds: float,
    now: float,
    issuer: str = "",
    subject: str = "",
    learner_id: str | None = None,
    courses: Sequence[str] | None = None,
) -> str:
    """Make a token signed with a shared secret (HS256).

    Args:
        secret: at least 32 bytes (RFC 7518, 3.2).
        audience, issuer, subject: claims `aud`, `iss`, `sub`; the last two left out where empty.
        scopes: what it allows.
        seconds: how long.
        now: seconds since 1970.
        learner_id: the only learner whom it reaches; None: every one.
        courses: the only ones whose running plans it reaches; None: every one.
    """
    claims: dict[str, Any] = {
        "aud": audience,
        "iat": int(now),
        "exp": int(now + seconds),
        "scope": " ".join(scopes),
    }
    claims |= {name: text for name, text in (("iss", issuer), ("sub", subject)) if text}
    if learner_id is not None:
        claims["learner_id"] = learner_id
    if courses is not None:
        claims["course_ids"] = list(courses)
    return jwt.encode(claims, secret, algorithm="HS256")
