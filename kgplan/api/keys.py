"""Which key may have signed this token? A shared secret, or an issuer's published key set.

The algorithm belongs to the key, by its kind, never to the token: a token that names another is
refused (RFC 8725, 3.1). An issuer's keys are read again when a token names one that is not known,
not more often than the floor allows, and once in a lifetime, so that a withdrawn key ends. The
last set that could be read goes on where the issuer is silent.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import jwt

from kgplan.errors import ConfigError, InvalidToken, KeysUnavailable

log = logging.getLogger(__name__)

LIFETIME = 300.0  # seconds after which a key set is read again
FLOOR = 30.0  # seconds between two readings that unknown keys ask for
TIMEOUT = 3.0  # seconds that a request waits for a key set
SET_BYTES = 1 << 18
RSA_BITS = 2048  # fewer are not accepted (RFC 7518, 3.3)


@dataclass(frozen=True)
class Key:
    """One key, and the only algorithm that it is for."""

    algorithm: str
    material: Any
    kid: str | None = None


class Keys(Protocol):
    """Where keys come from.

    Attributes:
        generation: differs when the keys do.
    """

    generation: int

    def due(self) -> bool:
        """Whether `renew` is to be called before these keys are trusted again."""

    async def renew(self) -> None:
        """Read the keys again; as they were where that fails."""

    async def candidates(self, kid: str | None) -> Sequence[Key]:
        """The keys that a token may be signed with.

        Raises:
            InvalidToken: none can be.
            KeysUnavailable: no keys could be read yet.
        """


class SecretKeys:
    """Secrets shared with whoever issues tokens: HS256.

    Args:
        secrets: any of them may have signed a token.
    """

    generation = 0

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._keys = [Key("HS256", secret) for secret in secrets]

    def due(self) -> bool:
        """Never: secrets are read once."""
        return False

    async def renew(self) -> None:
        """Nothing."""

    async def candidates(self, kid: str | None) -> Sequence[Key]:
        """All secrets; what a token says of its key does not matter."""
        return self._keys


class PublishedKeys:
    """The key set that an issuer publishes (RFC 7517): RS256, ES256, EdDSA.

    Args:
        read: gives the set as JSON text; raises OSError, HTTPException or ValueError where it
            cannot.
        place: what the log calls the source.
        clock: seconds, from any beginning.
    """

    def __init__(
        self, read: Callable[[], bytes], place: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._place, self._clock = read, place, clock
        self._keys: list[Key] = []
        self._tried: float | None = None
        self._reading: asyncio.Future[None] | None = None
        self.generation = 0

    def load(self) -> None:
        """Read the keys now.

        Raises:
            KeysUnavailable: they cannot be read, or none of them is of use.
        """
        self._tried = self._clock()
        try:
            keys = usable_keys(self._read())
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            raise KeysUnavailable(
                f"the key set at {self._place} cannot be read ({error}); tokens are verified again"
                " when it can"
            ) from None
        if not keys:
            raise KeysUnavailable(
                f"the key set at {self._place} has no key for RS256, ES256 or EdDSA; publish one"
            )
        named = [(key.kid, key.algorithm, fingerprint(key)) for key in keys]
        if named != [(key.kid, key.algorithm, fingerprint(key)) for key in self._keys]:
            log.info("the key set at %s has %d keys from now on", self._place, len(keys))
            self._keys, self.generation = keys, self.generation + 1

    def due(self) -> bool:
        """Whether the set is older than its lifetime, or could not be read yet."""
        return self._older_than(LIFETIME if self._keys else FLOOR)

    def _older_than(self, seconds: float) -> bool:
        return self._tried is None or self._clock() - self._tried >= seconds

    async def renew(self) -> None:
        """Read the set aside; all who ask meanwhile wait for the same reading, and not for long."""
        if self._reading is None or self._reading.done():
            self._tried = self._clock()  # nobody else is held up by a slow issuer
            self._reading = asyncio.ensure_future(asyncio.to_thread(self._try_to_load))
        await asyncio.wait({self._reading}, timeout=TIMEOUT)

    def _being_read(self) -> bool:
        return self._reading is not None and not self._reading.done()

    def _try_to_load(self) -> None:
        try:
            self.load()
        except KeysUnavailable as error:
            log.warning("%s", error)

    async def candidates(self, kid: str | None) -> Sequence[Key]:
        """The keys of this id; all, where the token names none and there is one."""
        found = self._named(kid)
        if not found and (self._being_read() or self._older_than(FLOOR)):
            await self.renew()
            found = self._named(kid)
        if not self._keys:
            raise KeysUnavailable("no key set could be read yet; try again later")
        if not found:
            raise InvalidToken("its issuer publishes no such key")
        return found

    def _named(self, kid: str | None) -> list[Key]:
        if kid is None:
            return self._keys if len(self._keys) == 1 else []
        return [key for key in self._keys if key.kid == kid]


def usable_keys(text: bytes) -> list[Key]:
    """The keys of a set that can verify signatures, each with its algorithm.

    Args:
        text: a JWK Set (RFC 7517, 5).

    Returns:
        RSA of 2048 bits or more: RS256; EC on P-256: ES256; Ed25519: EdDSA. Others, those for
        encryption or another algorithm, secret and malformed ones are left out.

    Raises:
        ValueError: not a key set.
    """
    found = json.loads(text)
    listed = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise ValueError('it is no JSON object with a list "keys"')
    keys = []
    for each in listed:
        algorithm = algorithm_of(each)
        if algorithm is None:
            continue
        try:
            material = jwt.PyJWK(each, algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
            log.warning("a key of the set is left out: %s", type(error).__name__)
            continue
        if hasattr(material, "sign") or getattr(material, "key_size", RSA_BITS) < (
            RSA_BITS if algorithm == "RS256" else 0
        ):
            log.warning("a key of the set is left out: it is private or too short")
            continue
        kid = each.get("kid")
        keys.append(Key(algorithm, material, kid if isinstance(kid, str) else None))
    return keys


def algorithm_of(key: Any) -> str | None:
    """The algorithm of a JSON Web Key; None where it is none of ours.

    >>> algorithm_of({"kty": "EC", "crv": "P-256"}), algorithm_of({"kty": "oct"})
    ('ES256', None)
    """
    if not isinstance(key, dict) or key.get("use", "sig") != "sig":
        return None
    by_kind = {
        ("RSA", None): "RS256",
        ("EC", "P-256"): "ES256",
        ("OKP", "Ed25519"): "EdDSA",
    }
    kind = str(key.get("kty")), None if key.get("crv") is None else str(key["crv"])
    algorithm = by_kind.get(kind)
    return algorithm if key.get("alg", algorithm) == algorithm else None


def fingerprint(key: Key) -> bytes:
    """The public key's bytes, to tell keys apart."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    material: bytes = key.material.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return material


def published_keys(place: str, setting: str = "KGPLAN_AUTH_JWKS") -> PublishedKeys:
    """The keys at an address or in a file.

    Args:
        place: https://..., http://... on this machine, or a file's path.
        setting: that names it, for errors.

    Raises:
        ConfigError: keys are not fetched from there.
    """
    if "://" not in place:
        return PublishedKeys(Path(place).read_bytes, place)
    parts = urlsplit(place)
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{setting} holds a user or password; key sets are public, drop it")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ConfigError(
            f"{setting} is {place!r}; use https, as whoever changes the keys on their way"
            " can sign tokens"
        )
    return PublishedKeys(lambda: fetch(place), f"{parts.scheme}://{parts.netloc}{parts.path}")


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost.example.org")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None  # it would leave the address that was configured, and perhaps TLS


def fetch(url: str) -> bytes:
    """Read an address; redirects are errors.

    Raises:
        OSError, HTTPException: it does not answer.
        ValueError: the answer is too long.
    """
    request = Request(url, headers={"Accept": "application/jwk-set+json, application/json"})
    with build_opener(_NoRedirect).open(request, timeout=TIMEOUT) as answer:
        text: bytes = answer.read(SET_BYTES + 1)
    if len(text) > SET_BYTES:
        raise ValueError(f"it is longer than {SET_BYTES:,} bytes")
    return text
