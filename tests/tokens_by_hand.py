"""Tokens made from the RFCs' text, without the library that the service reads them with."""

import base64
import hashlib
import hmac
import json
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

SECRET = b"a secret of the tests, longer than 32 bytes"
ISSUER = "https://issuer.example"


def b64(octets: bytes) -> str:
    """base64url without padding (RFC 7515, appendix C)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def claims(**changed):
    """Good claims, some changed; those set to None are left out."""
    given = {
        "iss": ISSUER,
        "aud": "kgplan",
        "sub": "someone",
        "exp": int(time.time()) + 86_400,
        "scope": "paths:read events:write graph:read admin",
    } | changed
    return {name: value for name, value in given.items() if value is not None}


def signed(payload, sign, **header) -> str:
    """A compact JWS (RFC 7515, 7.1); `sign` gives the signature of the signing input."""
    told = {"typ": "JWT"} | header
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signing_input = f"{b64(json.dumps(told).encode())}.{b64(text)}"
    return f"{signing_input}.{b64(sign(signing_input.encode()))}"


def by_hmac(secret: bytes):
    return lambda text: hmac.digest(secret, text, hashlib.sha256)


def hs256(payload=None, secret: bytes = SECRET, **header) -> str:
    """HMAC with SHA-256 (RFC 7518, 3.2)."""
    payload = claims() if payload is None else payload
    return signed(payload, by_hmac(secret), **({"alg": "HS256"} | header))


def rs256(payload, key: rsa.RSAPrivateKey, **header) -> str:
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3)."""
    return signed(
        payload,
        lambda text: key.sign(text, padding.PKCS1v15(), hashes.SHA256()),
        **({"alg": "RS256"} | header),
    )


def es256(payload, key: ec.EllipticCurvePrivateKey, **header) -> str:
    """ECDSA on P-256: r and s, 32 octets each (RFC 7518, 3.4)."""

    def sign(text):
        r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return signed(payload, sign, **({"alg": "ES256"} | header))


def eddsa(payload, key: ed25519.Ed25519PrivateKey, **header) -> str:
    """Ed25519 (RFC 8037, 3.1)."""
    return signed(payload, key.sign, **({"alg": "EdDSA"} | header))


def number(value: int) -> str:
    """Base64urlUInt (RFC 7518, 2)."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwk(key, kid: str | None = None, **more) -> dict:
    """The public key of a private one as a JSON Web Key (RFC 7518, 6; RFC 8037, 2)."""
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = public.public_numbers()
        told = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        numbers = public.public_numbers()
        x, y = (b64(each.to_bytes(32, "big")) for each in (numbers.x, numbers.y))
        told = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    else:
        told = {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}
    return told | ({"kid": kid} if kid is not None else {}) | more


def jwks(*keys: dict) -> bytes:
    """A JWK Set (RFC 7517, 5)."""
    return json.dumps({"keys": list(keys)}).encode()
