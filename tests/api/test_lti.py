"""Learning platforms open the explorer by LTI 1.3: a platform that the test plays, and thieves."""

import json
import logging
import re
import stat
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from fastapi.testclient import TestClient
from learner_cases import hand_model
from lti_platform import (
    ADMINISTRATOR,
    CLAIM,
    DEEP,
    HERE,
    INSTRUCTOR,
    LEARNER,
    MEMBERSHIP,
    PlayedPlatform,
    forwarded,
    handed,
)
from pydantic import SecretStr
from tokens_by_hand import SECRET, b64, claims, hs256, jwk, signed

from kgplan.api.keeper import Keeper
from kgplan.api.lti.own_key import own_key
from kgplan.api.lti.registrations import read_registrations
from kgplan.api.service import make_service
from kgplan.errors import ConfigError
from kgplan.settings import Settings

URN = "urn:kgplan:problem:"
PLATFORM = PlayedPlatform()
OTHER = PlayedPlatform("https://other.example", "kgplan-2", "2", kid="other")


@pytest.fixture(scope="module")
def model():
    return hand_model(1).planner()


@pytest.fixture(scope="module")
def make(model, tmp_path_factory):
    """Makes the service, with its own records; gives what makes browsers that ask it."""
    apps = []
    key = tmp_path_factory.mktemp("key") / "lti.pem"  # making one takes longer than all else
    form = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    key.write_bytes(rsa.generate_private_key(65537, 2048).private_bytes(*form))

    def service(*platforms, changes=None, lines=None, url=HERE, **settings):
        folder = tmp_path_factory.mktemp("lti")
        path = written(folder, platforms or (PLATFORM, OTHER), changes or {}, url, key)
        given = {"home": folder, "lti": path, "auth_secret": SecretStr(SECRET.decode())}
        keeper = Keeper(lambda: model, lambda: "always the same")
        app = make_service(Settings(**given | settings), keeper, lines)
        apps.append(app)
        return lambda: TestClient(app, HERE, raise_server_exceptions=False)

    yield service
    for app in apps:
        with TestClient(app):  # its end closes the records
            pass


def written(folder, platforms, changes, url, key):
    """The settings file of platforms, each with its keys in a file beside it."""
    registered = []
    for n, each in enumerate(platforms):
        (folder / f"keys-{n}.json").write_bytes(each.key_set())
        registered.append(each.registration(f"keys-{n}.json") | changes.get(each.issuer, {}))
    path = folder / "lti.json"
    path.write_text(json.dumps({"url": url, "key": str(key), "platforms": registered}))
    return path


@pytest.fixture(scope="module")
def browsers(make):
    return make()


@pytest.fixture
def browser(browsers):
    return browsers()


def bearer(given):
    return {"Authorization": f"Bearer {given['token']}"}


def claims_in(token):
    return jwt.decode(token, options={"verify_signature": False})


def refused(answer, *why):
    """Whether it is told as every problem is, with the reason, in a page that may be framed."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (answer.status_code, told["type"]) == (403, f"{URN}launch-refused"), told
    assert "frame-ancestors https://lms.example" in answer.headers["content-security-policy"]
    assert 'id="handed"' not in answer.text
    return all(each in told["detail"] for each in why)


# ---------------------------------------------------------------- what a launch opens


def test_a_launch_opens_the_learners_own_path_and_nobody_elses(browser):
    given = handed(PLATFORM.launch(browser, course="A", sub="new here"))
    assert given["address"] == "#/learner/new%20here?course=A"
    read = "/v1/learners/{}/path?course_id=A"
    own = browser.get(read.format("new here"), headers=bearer(given))
    assert own.status_code == 200
    assert own.json()["steps"]  # a newcomer's: from what is known before any evidence
    other = browser.get(read.format("learner"), headers=bearer(given))
    assert (other.status_code, other.json()["type"]) == (403, f"{URN}other-learner")
    for refused_to_all in ("/v1/admin/models", "/v1/learners?prefix=l"):
        assert browser.get(refused_to_all, headers=bearer(given)).status_code == 403
    event = {"event_id": "e", "learner_id": "new here", "course_id": "A", "enrols": True}
    assert browser.post("/v1/events", json=event, headers=bearer(given)).status_code == 403


def test_the_request_to_the_platform_is_that_of_the_standard(browser):
    question = PLATFORM.begin(browser)
    assert question["state"] != PLATFORM.begin(browser)["state"]
    assert question["nonce"] != PLATFORM.begin(browser, "POST")["nonce"]
    assert question | {"state": "", "nonce": ""} == {
        "site": "7",  # of the platform's own address
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": "kgplan-1",
        "redirect_uri": f"{HERE}/lti/launch",
        "login_hint": "hint of the person",
        "lti_message_hint": "hint of the message",
        "state": "",
        "nonce": "",
    }


def test_behind_a_proxy_browsers_are_sent_to_the_address_that_they_know(make):
    url = f"{HERE}/paths"  # the proxy takes /paths away, and speaks http to an inner address
    app = make(url=url)().app
    inner = TestClient(app, "http://10.0.0.5:8000")
    target = {"target_link_uri": f"{url}/lti/launch"}
    question = PLATFORM.begin(inner, **target)
    assert question["redirect_uri"] == f"{url}/lti/launch"
    assert refused(PLATFORM.initiate(inner), "target_link_uri")  # of the host, beside our path
    claimed = {f"{CLAIM}target_link_uri": f"{url}/lti/launch"}
    token = PLATFORM.signed(PLATFORM.claims(question["nonce"], "A", **claimed))
    page = PLATFORM.post(inner, question, token, PLATFORM.issuer)
    assert handed(page)
    assert '<base href="../">' in page.text  # from .../lti/launch: the page, wherever that is


def test_the_cookie_of_a_login_works_in_a_frame_and_is_nobody_elses(browser):
    answer = PLATFORM.initiate(browser)
    name, *attributes = re.split("; ?", answer.headers["set-cookie"])
    assert name.startswith("__Host-")  # RFC 6265bis: no other host, no other path, Secure
    wanted = {"Path=/", "HttpOnly", "Secure", "SameSite=None", "Partitioned"}
    assert wanted < set(attributes)
    assert answer.headers["cache-control"] == "private, no-store"


def test_two_tools_on_a_page_may_log_in_at_once(browser):
    questions = [PLATFORM.begin(browser) for _ in range(3)]
    for each in questions:
        token = PLATFORM.signed(PLATFORM.claims(each["nonce"], "A"))
        assert handed(PLATFORM.post(browser, each, token))


def test_where_no_cookie_is_kept_the_platforms_own_page_speaks_for_the_browser(browsers):
    question = PLATFORM.begin(browsers())
    token = PLATFORM.signed(PLATFORM.claims(question["nonce"], "A"))
    for origin in (None, "null", "https://thief.example", "https://lms.example.net"):
        assert refused(PLATFORM.post(browsers(), question, token, origin), "another browser")
    assert refused(PLATFORM.post(browsers(), question, token, OTHER.issuer), "another browser")
    assert handed(PLATFORM.post(browsers(), question, token, PLATFORM.issuer))


def test_registered_platforms_may_frame_what_they_open_and_nobody_else(make):
    frames = ["https://school.instructure.com"]
    browser = make(PLATFORM, changes={PLATFORM.issuer: {"frames": frames}})()
    origins = f"frame-ancestors {PLATFORM.issuer} {frames[0]}"
    launched, start = PLATFORM.launch(browser, course="A"), browser.get("/")
    for page in (launched, start):
        assert origins in page.headers["content-security-policy"].split("; ")
    assert "base-uri 'self'" in launched.headers["content-security-policy"]
    assert launched.headers["cache-control"] == "private, no-store"
    for other in ("/docs", "/health", "/v1/courses"):
        assert "frame-ancestors 'none'" in browser.get(other).headers["content-security-policy"]


def test_nothing_of_it_is_there_where_no_platform_is_registered(model, tmp_path):
    settings = Settings(home=tmp_path, auth_secret=SecretStr(SECRET.decode()))
    app = make_service(settings, Keeper(lambda: model, lambda: "always the same"))
    with TestClient(app, HERE) as client:
        for path in ("login", "launch", "deep-links", "jwks", "config"):
            assert client.get(f"/lti/{path}").json()["type"] == f"{URN}no-such-operation"
        assert "frame-ancestors 'none'" in client.get("/").headers["content-security-policy"]
    assert not (tmp_path / "lti.pem").exists()


# ---------------------------------------------------------------- which course, which learner


@pytest.mark.parametrize(
    ("custom", "context", "query"),
    [
        ({"course_id": "B"}, {"id": "A"}, "?course=B"),  # what the link says goes first
        ({"course_id": "no such"}, {"id": "A"}, "?course=no+such"),  # and the page says so
        ({"course_id": "x" * 501}, {"id": "A"}, "?course=A"),  # which can be no id
        ({"course_id": "$Canvas.course.sisSourceId"}, {"id": "A"}, "?course=A"),
        (None, {"id": "42", "label": "A"}, "?course=A"),
        (None, {"id": "urn:site:course:B"}, "?course=B"),
        (None, {"id": "unit/42"}, "?course=Z"),  # by the rule for ids of activities
        (None, {"id": "7", "label": "Algorithms"}, ""),
        (None, None, ""),
        ([], "no object", ""),
    ],
)
def test_the_course_is_the_links_else_the_one_it_stands_in(ruled, custom, context, query):
    changed = {f"{CLAIM}custom": custom, f"{CLAIM}context": context, "sub": "learner"}
    given = handed(PLATFORM.launch(ruled(), **changed))
    assert given["address"] == f"#/learner/learner{query}"


@pytest.fixture(scope="module")
def ruled(make):
    return make(item_ids="unit/42 => Z")


def test_people_of_one_name_on_two_platforms_are_two_people(make):
    browser = make()()
    first = handed(PLATFORM.launch(browser, course="A", sub="2"))
    second = handed(OTHER.launch(browser, course="A", sub="2"))
    ids = [claims_in(each["token"])["learner_id"] for each in (first, second)]
    assert ids == ["2", "https://other.example|2"]  # docs/guide/service.md, "Whose ids"
    for given, own, other in ((first, *ids), (second, *reversed(ids))):
        address = "/v1/learners/{}/mastery"
        own, other = (each.replace("|", "%7C").replace("/", "%2F") for each in (own, other))
        assert browser.get(address.format(own), headers=bearer(given)).status_code == 200
        assert browser.get(address.format(other), headers=bearer(given)).status_code == 403


def test_nobody_takes_anothers_whole_id_for_a_name(make):
    browser = make()()
    handed(PLATFORM.launch(browser, sub="2"))
    handed(OTHER.launch(browser, sub="2"))
    thief = handed(PLATFORM.launch(browser, sub="https://other.example|2"))
    learner = claims_in(thief["token"])["learner_id"]
    assert learner == "https://lms.example|https://other.example|2"


def test_the_learner_of_a_launch_is_the_one_of_its_platforms_statements(make):
    browser = make(home_pages="https://other.example/")()
    given = handed(PLATFORM.launch(browser, course="A", sub="7"))
    statement = {
        "actor": {"account": {"homePage": PLATFORM.issuer, "name": "7"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://lms.example/videos/v_e"},
    }
    platforms = hs256(claims(iss=None, scope="events:write"))
    headers = {"Authorization": f"Bearer {platforms}", "X-Experience-API-Version": "1.0.3"}
    sent = browser.post("/xapi/statements", json=statement, headers=headers)
    assert sent.status_code == 200, sent.text
    learner = claims_in(given["token"])["learner_id"]
    assert learner == "https://lms.example|7"
    address = "/v1/learners/" + learner.replace("|", "%7C").replace("/", "%2F")
    assert browser.get(address, headers=bearer(given)).json()["events"] == 2  # and the visit


def test_a_platform_may_name_its_people_by_a_parameter_that_it_fills_in(make):
    browser = make(PLATFORM, changes={PLATFORM.issuer: {"learner": "user"}})()
    given = handed(PLATFORM.launch(browser, **{f"{CLAIM}custom": {"user": "learner"}}))
    assert claims_in(given["token"])["learner_id"] == "learner"
    for unfilled in ({}, {"user": "$Canvas.user.id"}, {"user": ""}, {"user": 7}):
        assert refused(PLATFORM.launch(browser, **{f"{CLAIM}custom": unfilled}), "who opens it")


# ---------------------------------------------------------------- roles


def of_role(browser, *roles, **changed):
    return claims_in(
        handed(PLATFORM.launch(browser, **{f"{CLAIM}roles": list(roles)}, **changed))["token"]
    )


def test_no_role_reaches_other_learners_unless_the_operator_says_so(make, browser):
    for roles in (
        [LEARNER],
        [INSTRUCTOR],
        [ADMINISTRATOR],
        ["Instructor"],
        [],
        [f"{MEMBERSHIP}Mentor"],
    ):
        token = of_role(browser, *roles, sub="t")
        assert (token["learner_id"], token["scope"]) == ("t", "paths:read graph:read")
    tutors = make(PLATFORM, changes={PLATFORM.issuer: {"every_learner": ["Instructor"]}})()
    given = handed(PLATFORM.launch(tutors, "A", sub="t", **{f"{CLAIM}roles": [INSTRUCTOR]}))
    assert given["address"] == "#/learner?course=A"
    address = "/v1/learners/t/courses"  # who looks at others is no learner
    assert tutors.get(address, headers=bearer(given)).status_code == 404
    assert "learner_id" not in claims_in(given["token"])
    assert tutors.get("/v1/learners/learner/mastery", headers=bearer(given)).status_code == 200
    elsewhere = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"
    assert of_role(tutors, LEARNER, elsewhere)["learner_id"] == "someone"
    assert of_role(tutors, ADMINISTRATOR)["learner_id"] == "someone"


def test_scopes_are_those_that_the_operator_gives_a_role(make):
    scopes = {"Learner": ["paths:read", "graph:read", "events:write"], "Instructor": ["graph:read"]}
    browser = make(PLATFORM, changes={PLATFORM.issuer: {"scopes": scopes}})()
    assert of_role(browser, LEARNER)["scope"] == "paths:read graph:read events:write"
    assert of_role(browser, LEARNER, INSTRUCTOR)["scope"] == "graph:read"
    assert of_role(browser, ADMINISTRATOR)["scope"] == "paths:read graph:read"


def test_a_visit_ends(make, browser):
    token = handed(PLATFORM.launch(browser))["token"]
    assert 3_590 < claims_in(token)["exp"] - time.time() <= 3_600
    header, _, signature = token.split(".")
    longer = b64(json.dumps(claims_in(token) | {"exp": 2**40}).encode())
    answer = browser.get(
        "/v1/courses", headers={"Authorization": f"Bearer {header}.{longer}.{signature}"}
    )
    assert answer.json()["type"] == f"{URN}invalid-token"


def test_our_other_tokens_go_on_and_do_not_pass_for_a_visits(browser):
    own = {"aud": "kgplan", "exp": int(time.time()) + 60, "scope": "graph:read"}
    for said, status in ((own, 200), (own | {"iss": f"{HERE}/lti"}, 401)):
        headers = {"Authorization": f"Bearer {hs256(said)}"}
        assert browser.get("/v1/courses", headers=headers).status_code == status, said
    for odd in ("a", "a.b.c", "..", "a.e30.c", "a.W10.c", "a.\xff.c"):
        headers = {"Authorization": f"Bearer {odd}".encode("latin-1")}
        assert browser.get("/v1/courses", headers=headers).status_code == 401


# ---------------------------------------------------------------- attacks


def test_a_launch_counts_once(browser):
    question = PLATFORM.begin(browser)
    token = PLATFORM.signed(PLATFORM.claims(question["nonce"]))
    assert handed(PLATFORM.post(browser, question, token))
    assert refused(PLATFORM.post(browser, question, token), "used before")
    again = PLATFORM.signed(PLATFORM.claims(question["nonce"], "A"))  # freshly signed
    assert refused(PLATFORM.post(browser, question, again), "used before")


def test_what_is_refused_uses_no_nonce_up(browser):
    question = PLATFORM.begin(browser)
    bad, good = (
        PLATFORM.claims(question["nonce"], aud=aud) for aud in ("else", PLATFORM.client_id)
    )
    assert refused(PLATFORM.post(browser, question, PLATFORM.signed(bad)))
    assert handed(PLATFORM.post(browser, question, PLATFORM.signed(good)))


NOW = int(time.time())
WRONG = {
    "wrong audience": ({"aud": "another tool"}, "another audience"),
    "no audience": ({"aud": None}, "no claim aud"),
    "one of several, asked for by another": (
        {"aud": ["kgplan-1", "another tool"], "azp": "another tool"},
        "another party",
    ),
    "one of several, asked for by nobody": ({"aud": ["kgplan-1", "another tool"]}, "another party"),
    "asked for by another": ({"azp": "another tool"}, "another party"),
    "wrong issuer": ({"iss": "https://thief.example"}, "another issuer"),
    "another platform's issuer": ({"iss": OTHER.issuer}, "another issuer"),
    "expired": ({"exp": NOW - 60}, "expired"),
    "without end": ({"exp": None}, "no claim exp"),
    "from the future": ({"iat": NOW + 3_600}, "not valid yet"),
    "without a time": ({"iat": None}, "no claim iat"),
    "another nonce": ({"nonce": "another"}, "nonce"),
    "no nonce": ({"nonce": None}, "no claim nonce"),
    "a nonce of another kind": ({"nonce": ["x"]}, "nonce"),
    "nobody": ({"sub": None}, "no claim sub"),
    "an odd name": ({"sub": "a\u0000b"}, "no id"),
    "a long name": ({"sub": "x" * 600}, "no id"),
    "another deployment": ({f"{CLAIM}deployment_id": "2"}, "deployment"),
    "no deployment": ({f"{CLAIM}deployment_id": None}, "deployment"),
    "another version": ({f"{CLAIM}version": "1.1"}, "LTI 1.3.0"),
    "another message": ({f"{CLAIM}message_type": "LtiSubmissionReviewRequest"}, "message_type"),
    "no link": ({f"{CLAIM}resource_link": {}}, "which link"),
    "leads elsewhere": ({f"{CLAIM}target_link_uri": "https://thief.example/"}, "target_link_uri"),
    "leads beside": ({f"{CLAIM}target_link_uri": f"{HERE}.thief.example/"}, "target_link_uri"),
    "a learner who chooses": (
        PLATFORM.choosing() | {f"{CLAIM}roles": [LEARNER]},
        "teach or administrate",
    ),
    "a choice that is taken nowhere": (
        PLATFORM.choosing(deep_link_return_url="http://lms.example/return"),
        "deep_link_return_url",
    ),
    "a choice that runs a script": (
        PLATFORM.choosing(deep_link_return_url="javascript:alert(1)"),
        "deep_link_return_url",
    ),
    "a choice of something else": (PLATFORM.choosing(accept_types=["link"]), "ltiResourceLink"),
}


@pytest.mark.parametrize("changed", WRONG)
def test_a_message_that_is_wrong_in_one_claim_opens_nothing(browser, changed):
    claims, why = WRONG[changed]
    assert refused(PLATFORM.launch(browser, **claims), why)


def test_one_of_several_audiences_asked_for_by_us_is_ours(browser):
    assert handed(PLATFORM.launch(browser, aud=["kgplan-1", "x"], azp="kgplan-1"))
    assert handed(PLATFORM.launch(browser, aud=["kgplan-1"]))


def forgeries(claims):
    """Id tokens that nobody of the platform signed (RFC 8725, 2)."""
    public = PLATFORM.key.public_key()
    texts = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(jwk(PLATFORM.key, PLATFORM.kid)).encode(),
    ]
    thief = rsa.generate_private_key(65537, 2048)
    thieves = PlayedPlatform(key=thief)
    good = PLATFORM.signed(claims)
    yield from (hs256(claims, text, kid=PLATFORM.kid) for text in texts)
    yield signed(claims, lambda _: b"", alg="none", kid=PLATFORM.kid)
    yield signed(claims, lambda _: b"", alg="none")
    yield thieves.signed(claims)
    yield good.rpartition(".")[0] + "."
    yield f"{good.rpartition('.')[0]}.{b64(b'x' * 256)}"
    yield ".".join(
        [good.split(".")[0], b64(json.dumps(claims | {"sub": "x"}).encode()), good.split(".")[2]]
    )
    yield OTHER.signed(claims)
    yield "no token"
    yield "x" * 70_000
    yield "\u0000.\u20ac.\u20ac"


def test_what_the_platform_did_not_sign_opens_nothing(browser):
    question = PLATFORM.begin(browser)
    claims = PLATFORM.claims(question["nonce"])
    for forged in forgeries(claims):
        assert refused(PLATFORM.post(browser, question, forged), "id token"), forged[:99]
    assert handed(PLATFORM.post(browser, question, PLATFORM.signed(claims)))  # which was possible


def test_a_state_is_of_one_browser(browsers):
    thief, victim = browsers(), browsers()
    question = PLATFORM.begin(thief)  # with the thief's account at the platform
    PLATFORM.begin(victim)
    token = PLATFORM.signed(PLATFORM.claims(question["nonce"], sub="thief"))
    assert refused(PLATFORM.post(victim, question, token), "another browser")
    (name,) = [each.name for each in thief.cookies.jar]
    victim.cookies.set(name, "guessed", domain="kgplan.example")
    assert refused(PLATFORM.post(victim, question, token, PLATFORM.issuer), "another browser")


def test_a_state_is_ours_and_of_this_platform(browser):
    question = PLATFORM.begin(browser)
    token = PLATFORM.signed(PLATFORM.claims(question["nonce"]))
    visit = handed(PLATFORM.launch(browser))["token"]  # sealed by us, for something else
    payload = claims_in(question["state"])
    for forged in ("", "x", visit, hs256(payload), signed(payload, lambda _: b"", alg="none")):
        assert refused(PLATFORM.post(browser, question | {"state": forged}, token), "state")
    others = OTHER.begin(browser)  # of the login at one platform, the message of another
    mixed = PLATFORM.signed(PLATFORM.claims(others["nonce"]))
    assert refused(PLATFORM.post(browser, others, mixed), "id token")


def test_a_state_ends(browser, monkeypatch):
    question = PLATFORM.begin(browser)
    token = PLATFORM.signed(PLATFORM.claims(question["nonce"]))
    tool = browser.app.state.lti
    late = tool.key.seal("state", claims_in(question["state"]), -60.0, time.time())
    assert refused(PLATFORM.post(browser, question | {"state": late}, token), "expired")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "https://thief.example"}, "not registered"),
        ({"iss": None}, "not registered"),
        ({"client_id": "kgplan-2"}, "not registered"),
        ({"login_hint": None}, "login_hint"),
        ({"target_link_uri": None}, "target_link_uri"),
        ({"target_link_uri": "https://thief.example/lti/launch"}, "target_link_uri"),
        ({"target_link_uri": f"{HERE}.thief.example/"}, "target_link_uri"),
        ({"target_link_uri": f"{HERE}@thief.example/"}, "target_link_uri"),
        ({"target_link_uri": "//thief.example/"}, "target_link_uri"),
        ({"target_link_uri": "javascript:alert(1)"}, "target_link_uri"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_login_leads_to_its_registered_platform_and_nowhere_else(browser, method, changed, why):
    answer = PLATFORM.initiate(browser, method, **changed)
    assert refused(answer, why)
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers


def test_a_login_needs_no_client_id_where_there_is_one(make, browser):
    assert PLATFORM.begin(browser, client_id=None)["client_id"] == "kgplan-1"
    second = PlayedPlatform(client_id="kgplan-9")
    both = make(PLATFORM, second)()
    assert refused(PLATFORM.initiate(both, client_id=None), "not registered")
    assert second.begin(both)["client_id"] == "kgplan-9"


def test_what_is_no_form_is_refused(browser):
    good = PLATFORM.begin(browser)
    for body, kind in (
        (json.dumps(good).encode(), "application/json"),
        (b"state=%ff&id_token=x", "application/x-www-form-urlencoded"),
        (b"state=x&state=y", "application/x-www-form-urlencoded"),
        (b"a&" * 200, "application/x-www-form-urlencoded"),
        (b"\xff\x00=1", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
    ):
        answer = browser.post("/lti/launch", content=body, headers={"Content-Type": kind})
        assert refused(answer), body
    answer = browser.get("/lti/login?iss=a&iss=b")
    assert refused(answer, "twice")


def test_what_the_platform_answers_instead_is_told(browser):
    question = PLATFORM.begin(browser)
    for error, told in (("login_required", "login_required"), ("<script>", "no id_token")):
        form = {"state": question["state"], "error": error}
        assert refused(browser.post("/lti/launch", data=form), f"the platform answered: {told};")


def test_a_person_is_told_by_the_page_what_a_program_is_told_by_the_problem(browser):
    before = counted(browser)
    asked = browser.get("/lti/login", params={"iss": "<script>alert(1)</script>"})
    assert refused(asked, "not registered")
    browser.headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
    page = browser.get("/lti/login", params={"iss": "<script>alert(1)</script>"})
    assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
    (text,) = re.findall('id="handed">(.*?)</script>', page.text)
    told = json.loads(text)
    assert told["address"] == "#/refused"
    assert told["problem"] == {**asked.json(), "instance": told["problem"].get("instance")}
    assert counted(browser) == before + 2


def counted(browser):
    """Refused launches, as the service counts them."""
    found = re.findall(
        r'^kgplan_problems_total\{problem="launch-refused"\} (\S+)$',
        browser.get("/metrics").text,
        re.MULTILINE,
    )
    return sum(map(float, found))


def test_a_launch_is_a_line_of_the_log_that_holds_nothing_of_it(make, caplog):
    caplog.set_level(logging.DEBUG)
    lines = []
    browser = make(lines=lambda level, fields: lines.append(fields))()
    question = PLATFORM.begin(browser)
    token = PLATFORM.signed(PLATFORM.claims(question["nonce"], "A", sub="someone quiet"))
    given = handed(PLATFORM.post(browser, question, token))
    assert refused(PLATFORM.post(browser, question, token))
    told = [(each["route"], each["status"], each.get("problem")) for each in lines]
    launches = [("/lti/launch", 200, None), ("/lti/launch", 403, "launch-refused")]
    assert told == [("/lti/login", 302, None), *launches]
    kept = [each.getMessage() for each in caplog.records if "httpx" not in each.name]
    written = f"{lines} {kept}"
    for secret in (question["state"], token, question["nonce"], given["token"], "someone quiet"):
        assert secret[:20] not in written
        assert secret[-12:] not in written


def test_these_operations_are_counted_and_bounded_as_the_others_are(make):
    browser = make(rate=0.01, burst=3, body_bytes=5_000)()
    statuses = [PLATFORM.initiate(browser).status_code for _ in range(4)]
    assert statuses == [302, 302, 302, 429]
    browser = make(body_bytes=5_000)()
    answer = browser.post("/lti/launch", data={"state": "x" * 6_000})
    assert (answer.status_code, answer.json()["type"]) == (413, f"{URN}body-too-large")


# ---------------------------------------------------------------- deep links


def test_who_teaches_chooses_a_course_and_the_link_opens_its_path(browser):
    given = handed(PLATFORM.launch(browser, **PLATFORM.choosing()))
    assert given["address"] == "#/choose"
    assert claims_in(given["token"])["scope"] == "graph:read"
    assert browser.get("/v1/courses", headers=bearer(given)).status_code == 200
    form = {"ticket": given["ticket"], "course_id": "B"}
    answer = browser.post("/lti/deep-links", data=form)
    where, message = forwarded(answer)
    assert where == "https://lms.example/return?course=42&sesskey=a%2Fb"
    assert f"frame-ancestors {PLATFORM.issuer}" in answer.headers["content-security-policy"]
    (published,) = browser.get("/lti/jwks").json()["keys"]
    assert jwt.get_unverified_header(message)["kid"] == published["kid"]
    said = jwt.decode(
        message,
        jwt.PyJWK(published, "RS256").key,
        algorithms=["RS256"],
        audience=PLATFORM.issuer,
        issuer=PLATFORM.client_id,
        options={"require": ["exp", "iat", "nonce", "aud", "iss"]},
    )
    assert said[f"{CLAIM}message_type"] == "LtiDeepLinkingResponse"
    assert said[f"{CLAIM}version"] == "1.3.0"
    assert said[f"{CLAIM}deployment_id"] == "1"
    assert said[f"{DEEP}data"] == "csrf:7"
    (item,) = said[f"{DEEP}content_items"]
    assert (item["type"], item["url"]) == ("ltiResourceLink", f"{HERE}/lti/launch")
    assert item["title"] == browser.get("/v1/courses/B", headers=bearer(given)).json()["name"]
    followed = PLATFORM.launch(browser, sub="learner", **{f"{CLAIM}custom": item["custom"]})
    assert handed(followed)["address"] == "#/learner/learner?course=B"


def test_nothing_chosen_is_an_answer_too(browser):
    given = handed(PLATFORM.launch(browser, **PLATFORM.choosing(data=None)))
    _, message = forwarded(browser.post("/lti/deep-links", data={"ticket": given["ticket"]}))
    said = claims_in(message)
    assert said[f"{DEEP}content_items"] == []
    assert f"{DEEP}data" not in said


def test_a_choice_needs_its_ticket_and_a_course_of_the_graph(browser):
    given = handed(PLATFORM.launch(browser, **PLATFORM.choosing()))
    for ticket in ("", "x", given["token"], hs256(claims_in(given["ticket"]))):
        for course in ("B", "no such"):  # which only tokens may find out
            answer = browser.post("/lti/deep-links", data={"ticket": ticket, "course_id": course})
            assert refused(answer, "ticket")
    form = {"ticket": given["ticket"], "course_id": "no such"}
    assert browser.post("/lti/deep-links", data=form).json()["type"] == f"{URN}unknown-course"
    ticket = {"Authorization": f"Bearer {given['ticket']}"}  # is no token
    assert browser.get("/v1/courses", headers=ticket).status_code == 401


# ---------------------------------------------------------------- keys and registration


def test_the_platforms_keys_are_read_from_its_address(make):
    answers, asked = [PLATFORM.key_set()], []

    class Published(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answers[0])

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Published) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}/certs.php?site=7"
        browser = make(PLATFORM, changes={PLATFORM.issuer: {"jwks": place}})()
        assert handed(PLATFORM.launch(browser, course="A"))
        assert handed(PLATFORM.launch(browser, course="A"))
        assert asked == ["/certs.php?site=7"]  # and kept
        server.shutdown()


def test_while_the_platforms_keys_cannot_be_had_nobody_is_let_in(make):
    place = "http://127.0.0.1:9/certs"  # nobody listens
    browser = make(PLATFORM, changes={PLATFORM.issuer: {"jwks": place}})()
    answer = PLATFORM.launch(browser)
    assert (answer.status_code, answer.json()["type"]) == (503, f"{URN}keys-unavailable")


def test_our_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    made = own_key(None, tmp_path)
    path = tmp_path / "lti.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert own_key(None, tmp_path).public == made.public
    assert own_key(path, tmp_path / "elsewhere").public == made.public
    assert [each.name for each in tmp_path.iterdir()] == ["lti.pem"]
    assert len({made.secret("visit"), made.secret("state"), made.secret("ticket")}) == 3


def test_processes_that_start_at_once_have_one_key(tmp_path):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(own_key(None, tmp_path))) for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({each.public["kid"] for each in found}) == 1
    assert len(found) == 4


def test_the_public_key_holds_nothing_private(browser):
    (published,) = browser.get("/lti/jwks").json()["keys"]
    assert published.keys() == {"kty", "n", "e", "alg", "use", "kid"}


def test_the_configuration_names_where_platforms_find_us(browser):
    told = browser.get("/lti/config").json()
    assert told["oidc_initiation_url"] == f"{HERE}/lti/login"
    assert told["target_link_uri"] == f"{HERE}/lti/launch"
    assert browser.get(told["public_jwk_url"]).json() == browser.get("/lti/jwks").json()
    (canvas,) = told["extensions"]
    kinds = {each["placement"]: each["message_type"] for each in canvas["settings"]["placements"]}
    assert kinds["link_selection"] == "LtiDeepLinkingRequest"


GOOD = PLATFORM.registration("keys-0.json")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"platforms": [GOOD]}, "url is missing"),
        ({"url": HERE}, "platforms is missing"),
        ({"url": HERE, "platforms": []}, "platforms is []"),
        ({"url": "http://kgplan.example", "platforms": [GOOD]}, "url is 'http://kgplan.example'"),
        ({"url": HERE, "platforms": [GOOD | {"jwks": None}]}, "platforms[0].jwks is None"),
        ({"url": HERE, "platforms": [GOOD, {"issuer": HERE}]}, "platforms[1].client_id is missing"),
        ({"url": HERE, "platforms": [GOOD | {"deployment": "1"}]}, "did you mean 'deployments'?"),
        (
            {"url": HERE, "platforms": [GOOD | {"deployments": []}]},
            "platforms[0].deployments is []",
        ),
        (
            {"url": HERE, "platforms": [GOOD, GOOD]},
            "two platforms have issuer 'https://lms.example'",
        ),
        ({"url": HERE, "platforms": [GOOD | {"auth_url": "http://lms.example/"}]}, "https://host"),
        ({"url": HERE, "platforms": [GOOD | {"auth_url": "https://a.b/;x"}]}, "a character"),
        ({"url": HERE, "platforms": [GOOD | {"frames": ["*"]}]}, "platforms[0].frames[0] is '*'"),
        (
            {"url": HERE, "platforms": [GOOD | {"scopes": {"Learner": ["admin"]}}]},
            "platforms[0].scopes.Learner[0] is 'admin'",
        ),
        ({"url": HERE, "platforms": [GOOD | {"scopes": {"Guest": []}}]}, "scopes.Guest"),
        ({"url": HERE, "platforms": [GOOD | {"every_learner": ["Learner"]}]}, "every_learner"),
        ({"url": HERE, "platforms": [GOOD], "minutes": 0}, "minutes is 0"),
        ([], "the file is []"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(tmp_path, values, told):
    path = tmp_path / "lti.json"
    path.write_text(json.dumps(values))
    with pytest.raises(ConfigError) as error:
        read_registrations(path)
    assert str(error.value).startswith(f"{path}: ")
    assert told in str(error.value)


def test_a_file_that_cannot_be_read_is_told_with_its_line(tmp_path):
    path = tmp_path / "lti.toml"
    path.write_text('url = "https://kgplan.example"\nminutes =\n')
    with pytest.raises(ConfigError, match=re.escape(f"{path}:2: the file is no TOML")):
        read_registrations(path)
    path = tmp_path / "lti.json"
    path.write_text('{"url": "https://kgplan.example",\n"minutes" 60}')
    with pytest.raises(ConfigError, match=re.escape(f"{path}:2: the file is no JSON")):
        read_registrations(path)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_registrations(tmp_path / "none.toml")


def test_a_toml_file_says_the_same(tmp_path):
    path = tmp_path / "lti.toml"
    path.write_text(
        f'url = "{HERE}/"\nkey = "own.pem"\n\n[[platforms]]\n'
        + "".join(f"{name} = {json.dumps(value)}\n" for name, value in GOOD.items())
        + '[platforms.scopes]\nLearner = ["paths:read"]\n'
    )
    found = read_registrations(path)
    (platform,) = found.platforms
    assert (found.url, found.key) == (HERE, tmp_path / "own.pem")
    assert platform.jwks == str(tmp_path / "keys-0.json")
    assert platform.scopes_of("Learner") == ("paths:read",)
    assert platform.scopes_of("Instructor") == ("paths:read", "graph:read")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"auth": "off"}, "KGPLAN_AUTH is off"),
        ({"auth": "dev"}, "KGPLAN_AUTH is dev"),
    ],
)
def test_a_service_that_asks_nobody_is_opened_by_no_platform(make, change, told):
    with pytest.raises(ConfigError, match=told):
        make(**change)


def test_a_key_that_is_none_stops_the_start(make, tmp_path):
    (tmp_path / "own.pem").write_text("no key")
    with pytest.raises(ConfigError, match="openssl genrsa"):
        own_key(tmp_path / "own.pem", tmp_path)
    with pytest.raises(ConfigError, match="cannot be read or made"):
        own_key(tmp_path / "none.pem", tmp_path)
    with pytest.raises(ConfigError, match=r"platforms\[0\]\.jwks: the key set .* cannot be read"):
        make(PLATFORM, changes={PLATFORM.issuer: {"jwks": "none.json"}})
