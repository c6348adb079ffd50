"""Which tokens are believed, by whose keys, and for how long."""

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tokens_by_hand import (
    ISSUER,
    SECRET,
    b64,
    by_hmac,
    claims,
    eddsa,
    es256,
    hs256,
    jwk,
    jwks,
    rs256,
    signed,
)

from kgplan.api.keys import FLOOR, LIFETIME, PublishedKeys, SecretKeys, fetch, published_keys
from kgplan.api.tokens import LEEWAY, TOKEN_BYTES, Verifier, mint
from kgplan.errors import ConfigError, InvalidToken, KeysUnavailable

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def access(token, verifier=None):
    verifier = verifier or Verifier(SecretKeys([SECRET]), "kgplan", ISSUER)
    return asyncio.run(verifier.access(token if isinstance(token, bytes) else token.encode()))


def refusal(token, verifier=None):
    with pytest.raises(InvalidToken) as refused:
        access(token, verifier)
    return refused.value.reason


class Source:
    """A key set whose content, silence and readings the test decides and counts."""

    def __init__(self, *keys):
        self.now, self.readings, self.fails, self.wait = 0.0, 0, False, 0.0
        self.publish(*keys)

    def publish(self, *keys):
        self.text = jwks(*keys)

    def read(self):
        self.readings += 1
        time.sleep(self.wait)
        if self.fails:
            raise ConnectionError("silent")
        return self.text

    def verifier(self):
        return Verifier(PublishedKeys(self.read, "here", lambda: self.now), "kgplan", ISSUER)


# ---------------------------------------------------------------- a shared secret


def test_a_good_token_gives_its_scopes_and_its_holder():
    found = access(hs256())
    assert found.scopes == {"paths:read", "events:write", "graph:read", "admin"}
    assert (found.subject, found.learner_id) == ("someone", None)
    found = access(hs256(claims(scope="openid paths:read", learner_id="U_1")))
    assert (found.scopes, found.learner_id) == ({"paths:read"}, "U_1")


@pytest.mark.parametrize("scp", [["graph:read", "other"], "graph:read other"])
def test_scopes_may_stand_in_scp(scp):
    assert access(hs256(claims(scope=None, scp=scp))).scopes == {"graph:read"}


def test_no_scope_claim_allows_nothing():
    assert access(hs256(claims(scope=None))).scopes == frozenset()


def test_an_audience_may_be_one_of_several():
    assert access(hs256(claims(aud=["other", "kgplan"]))).subject == "someone"


NOW = int(time.time())


REFUSED = [
    (hs256(claims(exp=NOW - 3600)), "it has expired"),
    (hs256(claims(exp=None)), "it has no claim exp"),
    (hs256(claims(nbf=NOW + 3600)), "it is not valid yet"),
    (hs256(claims(iat=NOW + 3600)), "it is not valid yet"),
    (hs256(claims(aud="other")), "it is meant for another audience"),
    (hs256(claims(aud=None)), "it has no claim aud"),
    (hs256(claims(aud=[])), "it has no claim aud"),
    (hs256(claims(iss="https://other.example")), "it is by another issuer"),
    (hs256(claims(iss=None)), "it has no claim iss"),
    (hs256(secret=b"another secret, also longer than 32 bytes"), "its signature is not by"),
    (hs256(alg="HS512"), "its algorithm is not that of its key"),
    (signed(claims(), lambda _: b"", alg="none"), "its algorithm is not that of its key"),
    (signed(claims(), by_hmac(SECRET), alg="none"), "its algorithm is not that of its key"),
    (signed(claims(), by_hmac(SECRET), alg="None"), "its algorithm is not that of its key"),
    (rs256(claims(), RSA), "its algorithm is not that of its key"),
    (hs256(crit=["exp"]), "it is malformed"),
    (hs256(crit=["b64"], b64=False), "it is malformed"),
    (hs256(kid=17), "it is malformed"),
    (hs256(claims(exp="soon")), "it is malformed"),
    (hs256(claims(exp=float("inf"))), "it is malformed"),
    (hs256(claims(exp=float("nan"))), "it is malformed"),
    (hs256(claims(sub=17)), "it is malformed"),
    (hs256(claims(scope=17)), "its scope is neither text nor a list"),
    (hs256(claims(scope={"paths:read": True})), "its scope is neither text nor a list"),
    (hs256(claims(scope=None, scp=[17])), "its scope is neither text nor a list"),
    (hs256(claims(learner_id="")), "its learner_id is no text"),
    (hs256(claims() | {"learner_id": None}), "its learner_id is no text"),
    (hs256(claims(learner_id=["U_1"])), "its learner_id is no text"),
    (hs256([1]), "it is malformed"),
    (hs256(b"not JSON"), "it is malformed"),
    (hs256(b"[" * 3000), "it is malformed"),
    (f"{b64(b'[' * 3000)}.{b64(b'{}')}.", "it is malformed"),
    (f"{b64(b'{}')}.{b64(b'{}')}.", "its algorithm is not that of its key"),
    (hs256()[:-3], "its signature is not by"),
    (hs256().rsplit(".", 1)[0], "it is malformed"),
    (hs256() + ".more", "it is malformed"),
    ("one word", "it is malformed"),
    (b"\xff\xfe.\x00.", "it is malformed"),
    (hs256(claims(padding="x" * TOKEN_BYTES)), "it is longer than"),
]


# a token is no id: some are signed by a key that each process makes
@pytest.mark.parametrize(("token", "why"), REFUSED, ids=map(str, range(len(REFUSED))))
def test_what_proves_nothing_is_refused_with_the_reason(token, why):
    assert refusal(token).startswith(why)


def test_a_changed_payload_is_refused():
    header, payload, signature = hs256(claims(scope="paths:read")).split(".")
    other = b64(json.dumps(claims(scope="admin")).encode())
    assert refusal(f"{header}.{other}.{signature}").startswith("its signature")
    assert access(f"{header}.{payload}.{signature}").scopes == {"paths:read"}


def test_any_of_several_secrets_verifies_so_that_they_can_be_changed():
    old = b"the secret that is being replaced, long enough"
    verifier = Verifier(SecretKeys([SECRET, old]), "kgplan")
    assert access(hs256(), verifier).subject == access(hs256(secret=old), verifier).subject
    assert refusal(hs256(secret=b"a third"), verifier).startswith("its signature")


def test_a_token_of_ours_is_signed_as_the_rfc_says():
    now = time.time()
    token = mint(SECRET, "kgplan", ["paths:read"], 60, now, ISSUER, "lms", "U_1")
    header, payload, signature = token.split(".")
    assert signature == b64(by_hmac(SECRET)(f"{header}.{payload}".encode()))
    found = access(token)
    assert (found.scopes, found.subject, found.learner_id) == ({"paths:read"}, "lms", "U_1")
    assert found.until == int(now + 60)


# ---------------------------------------------------------------- what is remembered


def test_a_token_that_is_remembered_ends_when_a_new_one_does():
    ends = int(time.time()) + 4  # in 3 s at least, even where the machine is busy
    token = hs256(claims(exp=ends - LEEWAY))
    verifier = Verifier(SecretKeys([SECRET]), "kgplan")
    assert access(token, verifier).subject == "someone"
    time.sleep(ends - time.time() + 0.05)
    assert refusal(token, verifier) == refusal(token) == "it has expired"


def test_a_token_that_is_remembered_is_not_verified_again():
    verifier = Verifier(SecretKeys([SECRET]), "kgplan")
    assert access(hs256(payload := claims()), verifier) is access(hs256(payload), verifier)


def test_no_more_tokens_are_remembered_than_is_said(monkeypatch):
    monkeypatch.setattr("kgplan.api.tokens.KEPT", 20)
    verifier = Verifier(SecretKeys([SECRET]), "kgplan")

    async def many():
        for n in range(30):
            await verifier.access(hs256(claims(sub=f"{n}")).encode())

    asyncio.run(many())
    assert len(verifier._verified) == 20
    assert refusal("x.y.z", verifier) == "it is malformed"
    assert len(verifier._verified) == 20  # what is refused drives nothing out


# ---------------------------------------------------------------- a published key set


@pytest.mark.parametrize(("make", "key"), [(rs256, RSA), (es256, EC), (eddsa, ED)])
def test_tokens_by_published_keys_are_believed(make, key):
    verifier = Source(jwk(RSA, "r"), jwk(EC, "e"), jwk(ED, "d")).verifier()
    kid = {RSA: "r", EC: "e", ED: "d"}[key]
    assert access(make(claims(), key, kid=kid), verifier).subject == "someone"
    assert refusal(make(claims(), key), verifier) == "its issuer publishes no such key"


def test_a_single_key_needs_no_name():
    assert access(es256(claims(), EC), Source(jwk(EC)).verifier()).subject == "someone"


def test_a_public_key_is_no_secret():
    """RFC 8725, 2.1: HS256 with the text of the issuer's RSA key as its secret."""
    verifier = Source(jwk(RSA, "r")).verifier()
    public = RSA.public_key()
    texts = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(jwk(RSA, "r")).encode(),
    ]
    for text in texts:
        why = refusal(hs256(secret=text, kid="r"), verifier)
        assert why == "its algorithm is not that of its key"


def test_a_token_does_not_choose_its_algorithm_nor_bring_its_key():
    verifier = Source(jwk(RSA, "r"), jwk(EC, "e")).verifier()
    thief = rsa.generate_private_key(65537, 2048)
    assert refusal(rs256(claims(), RSA, kid="e"), verifier).startswith("its algorithm")
    assert refusal(rs256(claims(), thief, kid="r"), verifier).startswith("its signature")
    brought = rs256(claims(), thief, jwk=jwk(thief, "t"), jku="https://thief.example", kid="t")
    assert refusal(brought, verifier) == "its issuer publishes no such key"
    unsigned = signed(claims(), lambda _: b"", alg="none", kid="r")
    assert refusal(unsigned, verifier).startswith("its algorithm")


def test_keys_for_something_else_are_left_out():
    weak = rsa.generate_private_key(65537, 1024)
    secret = {"kty": "oct", "kid": "o", "k": b64(SECRET)}
    private = jwk(EC, "p") | {"d": b64(EC.private_numbers().private_value.to_bytes(32, "big"))}
    verifier = Source(
        jwk(RSA, "enc", use="enc"),
        jwk(RSA, "pss", alg="PS256"),
        jwk(weak, "weak"),
        secret,
        private,
        {"kty": "RSA", "kid": "torn", "n": "AQAB"},
        {"kty": ["RSA"]},
        "no key",
        jwk(ED, "good"),
    ).verifier()
    for token in (
        rs256(claims(), RSA, kid="enc"),
        rs256(claims(), RSA, kid="pss"),
        rs256(claims(), weak, kid="weak"),
        hs256(kid="o"),
        es256(claims(), EC, kid="p"),
        rs256(claims(), RSA, kid="torn"),
    ):
        assert refusal(token, verifier) == "its issuer publishes no such key"
    assert access(eddsa(claims(), ED, kid="good"), verifier).subject == "someone"


def test_a_new_key_is_read_when_a_token_names_it_but_not_too_often():
    source = Source(jwk(RSA, "old"))
    verifier = source.verifier()
    access(rs256(claims(), RSA, kid="old"), verifier)
    assert source.readings == 1
    source.publish(jwk(RSA, "old"), jwk(EC, "new"))
    source.now = FLOOR - 1
    assert refusal(es256(claims(), EC, kid="new"), verifier) == "its issuer publishes no such key"
    assert source.readings == 1
    source.now = FLOOR
    assert access(es256(claims(), EC, kid="new"), verifier).subject == "someone"
    assert source.readings == 2
    for n in range(50):
        refusal(es256(claims(), EC, kid=f"made up {n}"), verifier)
    assert source.readings == 2


def test_a_withdrawn_key_ends_with_its_tokens():
    source = Source(jwk(RSA, "stolen"))
    verifier, token = source.verifier(), rs256(claims(), RSA, kid="stolen")
    access(token, verifier)
    source.publish(jwk(EC, "new"))
    source.now = LIFETIME - 1
    access(token, verifier)
    source.now = LIFETIME
    assert refusal(token, verifier) == "its issuer publishes no such key"


def test_the_last_good_keys_go_on_while_the_source_is_silent_or_broken():
    source = Source(jwk(RSA, "r"))
    verifier = source.verifier()
    access(rs256(claims(), RSA, kid="r"), verifier)
    source.fails, source.now = True, 10 * LIFETIME
    assert access(rs256(claims(sub="other"), RSA, kid="r"), verifier).subject == "other"
    assert source.readings == 2
    source.fails, source.now = False, 20 * LIFETIME
    for source.text in (b"<html>", b"[]", b'{"keys": {}}', jwks(), b"[" * 10_000):
        source.now += LIFETIME
        assert access(rs256(claims(), RSA, kid="r"), verifier).subject == "someone"


def test_without_keys_ever_a_token_is_neither_good_nor_bad():
    source = Source(jwk(RSA, "r"))
    verifier, token = source.verifier(), rs256(claims(), RSA, kid="r").encode()
    source.fails = True
    with pytest.raises(KeysUnavailable):
        access(token, verifier)
    source.fails = False
    with pytest.raises(KeysUnavailable):  # not asked again at once
        access(token, verifier)
    source.now = FLOOR
    assert access(token, verifier).subject == "someone"


def test_all_who_wait_for_a_new_key_share_one_reading():
    source = Source(jwk(RSA, "old"))
    verifier = source.verifier()
    access(rs256(claims(), RSA, kid="old"), verifier)
    source.publish(jwk(EC, "new"))
    source.now, source.wait = FLOOR, 0.1
    tokens = [es256(claims(sub=f"{n}"), EC, kid="new").encode() for n in range(20)]

    async def together():
        return await asyncio.gather(*(verifier.access(token) for token in tokens))

    assert [found.subject for found in asyncio.run(together())] == [f"{n}" for n in range(20)]
    assert source.readings == 2


# ---------------------------------------------------------------- where key sets come from


@pytest.fixture
def site():
    """Answers by path: a good set, one that is elsewhere, and one that does not end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("Location", "/good")
            self.end_headers()
            body = b" " * (1 << 20) if self.path == "/long" else jwks(jwk(RSA, "r"))
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_key_set_is_fetched_from_where_it_is_said_to_be(site):
    verifier = Verifier(published_keys(f"{site}/good"), "kgplan")
    assert access(rs256(claims(), RSA, kid="r"), verifier).subject == "someone"
    with pytest.raises(OSError, match="302"):
        fetch(f"{site}/moved")
    with pytest.raises(ValueError, match="longer"):
        fetch(f"{site}/long")


def test_a_key_set_in_a_file_is_read_again_too(tmp_path):
    path = tmp_path / "jwks.json"
    path.write_bytes(jwks(jwk(RSA, "r")))
    keys = published_keys(str(path))
    keys.load()
    assert access(rs256(claims(), RSA, kid="r"), Verifier(keys, "kgplan")).subject == "someone"
    path.unlink()
    with pytest.raises(KeysUnavailable, match=str(path)):
        keys.load()


@pytest.mark.parametrize(
    "place",
    [
        "http://issuer.example/keys",
        "http://127.0.0.1.issuer.example/keys",
        "http://localhost.example/keys",
        "ftp://127.0.0.1/keys",
        "file:///etc/keys",
    ],
)
def test_keys_do_not_come_over_a_way_that_others_can_change(place):
    with pytest.raises(ConfigError, match="https"):
        published_keys(place)


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(ConfigError) as refused:
        published_keys("https://user:hunter2@issuer.example/keys")
    assert "hunter2" not in str(refused.value)
