"""Which key is our own? One that is given, or made at the first start.

Platforms verify what we send them by its public half. What only we have to recognise again (the
state of a login, the tokens of a visit) is sealed by secrets that follow from it, each for one
purpose, so that nothing sealed for one passes for another.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import RSAAlgorithm

from kgplan.api.keys import RSA_BITS
from kgplan.api.tokens import LEEWAY, reason
from kgplan.errors import ConfigError, InvalidToken


class OwnKey:
    """An RSA key, and the secrets that follow from it.

    Args:
        private: of at least 2048 bits.

    Attributes:
        public: the public half as a JSON Web Key, named by its thumbprint (RFC 7638).
    """

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self._private = private
        der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._root = hashlib.sha256(der).digest()
        whole = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
        told = {name: whole[name] for name in ("e", "kty", "n")}
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        kid = hashlib.sha256(text.encode()).hexdigest()
        self.public: dict[str, str] = told | {"alg": "RS256", "kid": kid, "use": "sig"}

    def secret(self, purpose: str) -> bytes:
        """32 bytes that nobody knows without the key (RFC 5869)."""
        return HKDF(SHA256(), 32, None, f"kgplan lti {purpose}".encode()).derive(self._root)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A message that others verify by the public key (RS256)."""
        headers = {"kid": self.public["kid"]}
        return jwt.encode(dict(claims), self._private, algorithm="RS256", headers=headers)

    def seal(self, purpose: str, values: Mapping[str, Any], seconds: float, now: float) -> str:
        """Values that only we can have written, for a time."""
        claims = {**values, "aud": purpose, "exp": int(now + seconds)}
        return jwt.encode(claims, self.secret(purpose), algorithm="HS256")

    def opened(self, purpose: str, sealed: str) -> dict[str, Any]:
        """What was sealed.

        Raises:
            InvalidToken: not by us, for something else, or its time is over.
        """
        try:
            return jwt.decode(
                sealed,
                self.secret(purpose),
                algorithms=["HS256"],
                audience=purpose,
                leeway=LEEWAY,
                options={"require": ["exp", "aud"]},
            )
        except jwt.PyJWTError as error:
            raise InvalidToken(reason(error)) from None
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise InvalidToken("it is malformed") from None


def own_key(given: Path | None, home: Path) -> OwnKey:
    """The key of a file; of the one in the home, which is made where there is none.

    Raises:
        ConfigError: the file cannot be read or made, or holds no RSA key of 2048 bits or more.
    """
    path = given or home / "lti.pem"
    try:
        if given is None and not path.exists():
            _make(path)
        private = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ConfigError(
            f"the tool's key {str(path)!r} cannot be read or made: {error.strerror}; name another"
            " file as `key` in that of KGPLAN_LTI"
        ) from None
    except (ValueError, TypeError):  # the second: it has a password
        private = None
    if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < RSA_BITS:
        raise ConfigError(
            f"{path} holds no private RSA key of {RSA_BITS} bits or more without a password; write"
            f" one with `openssl genrsa -out FILE {RSA_BITS}`"
        )
    return OwnKey(private)


def _make(path: Path) -> None:
    """Make a key that only its owner reads; of several processes the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = rsa.generate_private_key(65537, RSA_BITS)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    try:
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink()
