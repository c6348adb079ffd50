"""What does finding out who asks cost a request?"""

import asyncio
import time

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from tokens_by_hand import SECRET, claims, eddsa, es256, hs256, jwk, jwks, rs256

from kgplan.api.headers import HeadersMiddleware
from kgplan.api.keys import PublishedKeys, SecretKeys
from kgplan.api.security import AccessMiddleware, Required, Security
from kgplan.api.tokens import ACCESS, Verifier


async def microseconds(call, times):
    """Median CPU time of a call, over ten rounds."""
    rounds = []
    for _ in range(10):
        begun = time.process_time()
        for _ in range(times):
            await call()
        rounds.append(1e6 * (time.process_time() - begun) / times)
    return float(np.median(rounds))


async def answered(scope, receive, send):
    """The least that an application does."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def dropped(_message):
    """Nobody reads it."""


def request(token):
    """A request as a server hands it on."""
    names = (b"host", b"user-agent", b"accept", b"accept-encoding", b"connection")
    headers = [*((name, b"something") for name in names)]
    headers.append((b"authorization", f"Bearer {token}".encode()))
    return {"type": "http", "method": "GET", "path": "/v1/learners/U_1/path", "headers": headers}


def test_a_known_token_costs_little():
    keys = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    keys += (ed25519.Ed25519PrivateKey.generate(),)
    published = jwks(*(jwk(key, str(k)) for k, key in enumerate(keys)))

    async def measure():
        costs = {}
        tokens = {
            "HS256": hs256(),
            "RS256": rs256(claims(), keys[0], kid="0"),
            "ES256": es256(claims(), keys[1], kid="1"),
            "EdDSA": eddsa(claims(), keys[2], kid="2"),
        }
        for name, token in tokens.items():
            source = SecretKeys([SECRET])
            if name != "HS256":
                source = PublishedKeys(lambda: published, "here")
            verifier = Verifier(source, "kgplan")

            async def first(verifier=verifier, token=token.encode()):
                verifier._verified.clear()
                await verifier.access(token)

            async def again(verifier=verifier, token=token.encode()):
                await verifier.access(token)

            costs[f"{name}, first"] = await microseconds(first, 200)
            costs[f"{name}, again"] = await microseconds(again, 5_000)
        scope, layers = request(tokens["HS256"]), {}
        verifier = Verifier(SecretKeys([SECRET]), "kgplan")
        layers["no middleware"] = answered
        layers["who asks"] = AccessMiddleware(answered, Security(verifier))
        layers["headers"] = HeadersMiddleware(answered)
        for name, app in layers.items():
            costs[name] = await microseconds(lambda app=app: app(scope, None, dropped), 5_000)

        async def check(required=Required("paths:read")):
            required.check(scope[ACCESS], "U_1")

        costs["its scope"] = await microseconds(check, 5_000)
        return costs

    costs = asyncio.run(measure())
    print("\nmicroseconds of CPU time: " + ", ".join(f"{k} {v:.1f}" for k, v in costs.items()))
    assert costs["HS256, again"] < costs["HS256, first"]
