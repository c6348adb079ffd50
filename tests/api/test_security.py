"""Every operation asks for a token and its scope; a learner's token reaches this learner only."""

import asyncio
import base64
import json
import multiprocessing
import stat
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from planning_cases import hand_case
from starlette.responses import PlainTextResponse
from tokens_by_hand import ISSUER, SECRET, claims, hs256, jwks, signed

from kgplan.api.app import create_app
from kgplan.api.audit import AuditLog, hashed
from kgplan.api.keeper import Keeper
from kgplan.api.keys import PublishedKeys, SecretKeys
from kgplan.api.security import (
    OPEN,
    Security,
    check_operations,
    check_settings,
    operations,
    require,
    required_by,
)
from kgplan.api.tokens import SCOPES, Verifier
from kgplan.errors import AuditUnavailable, ConfigError
from kgplan.model.current import CurrentLearners
from kgplan.settings import Settings
from kgplan.store.events import open_events

REFRESH = "/v1/admin/graph/refresh"
URN = "urn:kgplan:problem:"
XAPI = {"X-Experience-API-Version": "1.0.3"}


def verifier():
    return Verifier(SecretKeys([SECRET]), "kgplan", ISSUER)


@pytest.fixture(scope="module")
def model():
    return hand_case().planner()


@pytest.fixture(scope="module")
def made(model, tmp_path_factory):
    """What makes an application with its own security; the records are shared."""
    folder = tmp_path_factory.mktemp("security")
    store = open_events(f"sqlite:///{folder / 'learners.db'}")

    def make(security=None, audit_log=None):
        return create_app(
            Keeper(lambda: model, lambda: "always the same"),
            learners=CurrentLearners(store),
            security=security or Security(verifier()),
            audit_log=audit_log,
        )

    yield make
    store.close()


@pytest.fixture(scope="module")
def app(made):
    return made()


@pytest.fixture(scope="module")
def client(app):
    return TestClient(app, raise_server_exceptions=False)


def bearer(**changed):
    return {"Authorization": f"Bearer {hs256(claims(**changed))}"}


def owned(learner="learner", scope="paths:read events:write"):
    """A learner's token."""
    return bearer(learner_id=learner, scope=scope)


def named(answer):
    return answer.status_code, answer.json()["type"].removeprefix(URN)


def guarded(app):
    """(method, address, what it requires) of every operation below /v1 and /xapi."""
    found = [
        (method, route.path, required_by(route)[0])
        for route in operations(app)
        if route.path.startswith(("/v1/", "/xapi/"))
        for method in sorted(route.methods - {"HEAD"})
    ]
    assert len(found) >= 20
    return found


def ask(client, method, path, **options):
    """Ask for an operation of the route table, its parameters filled with `nobody`."""
    filled = path
    for name in ("learner_id", "concept_id", "course_id"):
        filled = filled.replace(f"{{{name}:path}}", "nobody").replace(f"{{{name}}}", "nobody")
    filled = "/".join("any" if part.startswith("{") else part for part in filled.split("/"))
    return client.request(method, filled, **options)


# ---------------------------------------------------------------- deny by default


def test_no_operation_answers_without_a_token(app, client):
    for method, path, _ in guarded(app):
        answer = ask(client, method, path)
        assert named(answer) == (401, "missing-token"), (method, path)
        assert answer.headers["www-authenticate"] == 'Bearer realm="kgplan"'  # RFC 6750, 3.1


def test_no_operation_answers_to_a_token_without_its_scope(app, client):
    for method, path, required in guarded(app):
        others = " ".join(SCOPES.keys() - {required.scope})
        answer = ask(client, method, path, headers=bearer(scope=others))
        assert named(answer) == (403, "insufficient-scope"), (method, path)
        assert required.scope in answer.json()["detail"]
        assert answer.headers["www-authenticate"] == (
            f'Bearer realm="kgplan", error="insufficient_scope", scope="{required.scope}"'
        )


def test_the_scope_is_enough_for_every_operation(app, client):
    for method, path, required in guarded(app):
        headers = bearer(scope=required.scope) | XAPI
        assert ask(client, method, path, headers=headers).status_code not in (401, 403, 500)


def test_no_operation_on_a_learner_answers_to_another_learners_token(app, client):
    headers = owned("other", scope=" ".join(SCOPES))
    reached = [each for each in guarded(app) if "{learner_id" in each[1]]
    assert len(reached) >= 7
    for method, path, _ in reached:
        answer = ask(client, method, path, headers=headers)
        assert named(answer) == (403, "other-learner"), (method, path)


def test_a_learner_sees_what_the_own_mastery_rests_on_and_nobody_else_s(client):
    address = "/v1/learners/{}/mastery/d"
    for scope in ("paths:read", "events:write"):
        own, other = (
            client.get(address.format(each), headers=owned("learner", scope=scope))
            for each in ("learner", "other")
        )
        assert own.status_code == (200 if scope == "paths:read" else 403)
        assert other.status_code == 403


def test_no_operation_for_administrators_answers_to_a_learners_token(app, client):
    for method, path, required in guarded(app):
        if required.scope == required.own == "admin":
            answer = ask(client, method, path, headers=owned(scope=" ".join(SCOPES)))
            assert named(answer) == (403, "other-learner"), (method, path)


def test_each_scope_is_what_the_operation_is_for(app):
    table = {(method, path): required.scope for method, path, required in guarded(app)}
    assert table[("GET", "/v1/learners/{learner_id}/path")] == "paths:read"
    assert table[("POST", "/v1/paths")] == "paths:read"
    assert table[("GET", "/v1/learners/{learner_id:path}/export")] == "paths:read"
    assert table[("POST", "/v1/learners/{learner_id:path}/feedback")] == "events:write"
    assert table[("DELETE", "/v1/learners/{learner_id:path}")] == "admin"
    for (_, path), scope in table.items():
        if path.startswith("/v1/admin"):
            assert scope == "admin"
        if path.startswith(("/xapi/", "/v1/events")):
            assert scope == "events:write"
        if path.endswith(("/class", "/stuck")):  # of a course, and they name its learners
            assert scope == "teach"
        elif path.startswith(("/v1/concepts", "/v1/courses", "/v1/graph")):
            assert scope == "graph:read"


def test_the_description_names_each_at_pathscope(app, client):
    document = client.get("/openapi.json").json()
    scheme = document["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    told = {
        (method.upper(), path): operation["security"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    for method, path, required in guarded(app):
        assert told[(method, path.replace(":path", ""))] == [{"bearer": [required.scope]}]
    for path, at_path in document["paths"].items():
        for operation in at_path.values():
            refusals = {"401", "403"} & operation["responses"].keys()
            assert refusals == ({"401", "403"} if operation["security"] else set()), path
    open_ones = {path for (_, path), security in told.items() if security == []}
    assert "/health" in open_ones
    assert not [path for path in open_ones if path.startswith(("/v1", "/xapi"))]


def with_route(path, **options):
    app, router = FastAPI(openapi_url=None), APIRouter()
    router.add_api_route(path, lambda: None, **options)
    app.include_router(router)
    return app


def mounted(path):
    app = FastAPI(openapi_url=None)
    app.mount(path, lambda scope, receive, send: PlainTextResponse("open")(scope, receive, send))
    return app


@pytest.mark.parametrize(
    "app",
    [
        with_route("/v1/forgotten"),
        with_route("/v1/hidden", include_in_schema=False),
        with_route("/v1/open", openapi_extra=OPEN),
        with_route("/elsewhere"),
        with_route("/v1/twice", dependencies=[require("admin"), require("graph:read", "none")]),
        with_route("/v1/whose", dependencies=[require("paths:read")]),
        with_route("/v1/learners/{learner_id}", dependencies=[require("paths:read", "none")]),
        mounted("/v1/aside"),
        mounted("/v1"),
        mounted("/xapi"),
    ],
)
def test_an_application_with_an_operation_for_nobody_knows_whom_is_not_made(app):
    with pytest.raises(ValueError, match="require"):
        check_operations(app)


def test_a_scope_that_does_not_exist_cannot_be_required():
    with pytest.raises(ValueError, match="SCOPES"):
        require("paths:reed")


def test_what_everyone_may_see_needs_no_token(client):
    for path in ("/", "/docs", "/openapi.json", "/health"):
        assert client.get(path).status_code == 200, path


# ---------------------------------------------------------------- the header


@pytest.mark.parametrize(
    ("header", "status", "name", "challenge"),
    [
        ("Basic dXNlcjpwYXNz", 401, "missing-token", 'Bearer realm="kgplan"'),
        (hs256(), 401, "missing-token", 'Bearer realm="kgplan"'),
        ("Bearer", 401, "invalid-token", 'Bearer realm="kgplan", error="invalid_token"'),
        ("Bearer x", 401, "invalid-token", 'Bearer realm="kgplan", error="invalid_token"'),
        (f"Bearer {hs256()} x", 401, "invalid-token", None),
        (f"Bearer {hs256(claims(note='x' * 9000))}", 401, "invalid-token", None),
        (f"Bearer {signed(claims(), lambda _: b'', alg='none')}", 401, "invalid-token", None),
    ],
    # tokens hold the second at which they were made, and processes collect in different ones
    ids=["basic", "no word before it", "no token", "no JWT", "two words", "long", "unsigned"],
)
def test_a_header_without_a_good_token_is_401(client, header, status, name, challenge):
    answer = client.get("/v1/graph/health", headers={"Authorization": header})
    assert named(answer) == (status, name)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == challenge or challenge is None


def by_password(token, user="moodle"):
    pair = base64.b64encode(f"{user}:{token}".encode()).decode()
    return {"Authorization": f"Basic {pair}"} | XAPI


def test_a_token_may_be_a_password_where_statements_are_sent(client):
    sent = statement("learner", n=20)
    for user in ("moodle", "", "a b"):
        headers = by_password(hs256(claims(scope="events:write")), user)
        assert client.post("/xapi/statements", json=sent, headers=headers).status_code == 200
    assert client.get("/xapi/about", headers=by_password(hs256())).status_code == 200
    for path in ("/v1/graph/health", "/v1/learners/learner/mastery"):
        answer = client.get(path, headers=by_password(hs256()))
        assert named(answer) == (401, "missing-token")
        assert "Basic" not in answer.headers["www-authenticate"]


def test_a_password_is_checked_as_a_token_is(client):
    sent = statement("learner", n=21)
    for token, status, name in (
        ("wrong", 401, "invalid-token"),
        ("", 401, "invalid-token"),
        (hs256(claims(exp=1)), 401, "invalid-token"),
        (hs256(claims(scope="paths:read")), 403, "insufficient-scope"),
        (hs256(claims(scope="events:write", learner_id="other")), 403, "other-learner"),
    ):
        answer = client.post("/xapi/statements", json=sent, headers=by_password(token))
        assert named(answer) == (status, name)
        if status == 401:
            challenges = answer.headers["www-authenticate"]
            assert challenges.startswith('Bearer realm="kgplan", error="invalid_token"')
            assert ', Basic realm="kgplan"' in challenges
    for credentials in ("", "!", "bm9jb2xvbg==", "ü"):  # the third holds no colon
        headers = {b"Authorization": f"Basic {credentials}".encode()}
        assert named(client.get("/xapi/about", headers=headers)) == (401, "invalid-token")
    pair = [("Authorization", by_password(hs256())["Authorization"])] * 2
    assert named(client.get("/xapi/about", headers=pair)) == (400, "malformed-authorization")


def test_a_learners_token_makes_nobody_the_owner_of_ids(model, tmp_path):
    """Else whoever comes first, from a home page of their own, would own the platform's ids."""
    store = open_events(f"sqlite:///{tmp_path / 'learners.db'}")
    keeper = Keeper(lambda: model, lambda: "always the same")
    app = create_app(keeper, learners=CurrentLearners(store), security=Security(verifier()))
    client = TestClient(app, raise_server_exceptions=False)
    mine = statement("learner", n=30)
    mine["actor"]["account"]["homePage"] = "https://learners-own.example"
    headers = owned("learner", scope="events:write") | XAPI
    assert client.post("/xapi/statements", json=mine, headers=headers).status_code == 200
    sent = client.post("/xapi/statements", json=statement("new", n=31), headers=bearer() | XAPI)
    assert sent.status_code == 200
    assert client.get("/v1/learners/new/mastery", headers=bearer()).status_code == 200
    mine["id"] = statement("", n=32)["id"]
    again = client.post("/xapi/statements", json=mine, headers=headers)
    assert named(again) == (403, "other-learner")
    store.close()


def test_the_schemes_name_may_be_written_in_any_case(client):
    for scheme in ("bearer", "BEARER"):  # RFC 9110, 11.1
        headers = {"Authorization": f"{scheme} {hs256()}"}
        assert client.get("/v1/graph/health", headers=headers).status_code == 200


def test_two_headers_are_refused_whichever_is_good(client):
    good, bad = f"Bearer {hs256()}", "Bearer x"
    for pair in ([good, bad], [bad, good], [good, good]):
        answer = client.get("/v1/graph/health", headers=[("Authorization", each) for each in pair])
        assert named(answer) == (400, "malformed-authorization")
        assert 'error="invalid_request"' in answer.headers["www-authenticate"]


def test_a_token_in_the_address_or_a_cookie_counts_for_nothing(client):
    query = {"access_token": hs256(), "token": hs256()}
    answer = client.get("/v1/graph/health", params=query, headers={"Cookie": f"token={hs256()}"})
    assert named(answer) == (401, "missing-token")


def test_nothing_of_a_request_is_read_before_its_token(client):
    answer = client.post("/v1/events", content=b"{not JSON", headers={"Content-Length": "9"})
    assert named(answer) == (401, "missing-token")
    assert named(client.get("/v1/no-such-operation")) == (401, "missing-token")


def test_the_version_of_xapi_is_named_when_refusing_too(client):
    assert client.get("/xapi/about").headers["x-experience-api-version"] == "1.0.3"


def test_keys_that_cannot_be_read_are_503_and_come_back(made):
    silent, now = [True], [0.0]

    def read():
        if silent[0]:
            raise ConnectionError
        return jwks()

    keys = PublishedKeys(read, "there", lambda: now[0])
    client = TestClient(made(Security(Verifier(keys, "kgplan"))), raise_server_exceptions=False)
    answer = client.get("/v1/graph/health", headers=bearer())
    assert named(answer) == (503, "keys-unavailable")
    assert int(answer.headers["retry-after"]) > 0


# ---------------------------------------------------------------- a learner's token


def event(n, learner):
    return {"event_id": f"s{n}", "learner_id": learner, "item_id": "v_a", "share": 0.5}


def statement(learner, name="8f87ccde-bb56-4c2e-ab83-44982ef22d{:02x}", n=0):
    return {
        "id": name.format(n),
        "actor": {"account": {"homePage": "https://mooc.example", "name": learner}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://mooc.example/videos/v_b"},
    }


def item(learner):
    return {"learner_id": learner, "course_id": "A"}


def test_a_learners_token_reads_and_writes_this_learner(client):
    headers = owned()
    get, post = client.get, client.post
    assert get("/v1/learners/learner/path?course_id=A", headers=headers).status_code == 200
    assert get("/v1/learners/learner/mastery", headers=headers).status_code == 200
    assert post("/v1/paths", json={"items": [item("learner")] * 2}, headers=headers).is_success
    assert post("/v1/events", json=[event(1, "learner"), event(2, "learner")], headers=headers)
    sent = post("/xapi/statements", json=statement("learner"), headers=headers | XAPI)
    assert sent.status_code == 200
    said = {"concept_id": "d", "said": "done"}
    assert post("/v1/learners/learner/feedback", json=said, headers=headers).status_code == 200
    assert get("/v1/learners/learner/export", headers=headers).status_code == 200


def counted(client, learner):
    told = client.get(f"/v1/learners/{learner}/mastery", headers=bearer()).json()
    return told["events"]["counted"]


def voiding(kind, name, learner, n=99):
    """What says that an event never counted: its address and body."""
    if kind == "plain":
        return "/v1/events", {"event_id": f"w{name}{learner}", "learner_id": learner, "voids": name}
    ref = {"objectType": "StatementRef", "id": name}
    verb = {"id": "http://adlnet.gov/expapi/verbs/voided"}
    return "/xapi/statements", statement(learner, n=n) | {"verb": verb, "object": ref}


@pytest.mark.parametrize("first", ["event", "void"])
@pytest.mark.parametrize("kind", ["plain", "xapi"])
def test_a_learners_token_withdraws_this_learners_events_and_nobody_elses(made, kind, first):
    client = TestClient(made(), raise_server_exceptions=False)
    uid = f"bb{len(kind) * 10 + len(first):06d}-bb56-4c2e-ab83-44982ef22df0"
    victim, mallory = f"victim-{kind}-{first}", f"mallory-{kind}-{first}"
    lms = bearer(scope="events:write")

    def send(headers, address, body):
        answer = client.post(address, json=body, headers=headers | XAPI)
        assert answer.status_code == 200, answer.text

    def stored(headers, learner, name):
        if kind == "plain":
            body = {"event_id": name, "learner_id": learner, "item_id": "v_a", "share": 1}
            send(headers, "/v1/events", body)
        else:
            send(headers, "/xapi/statements", statement(learner, name))

    steps = [
        lambda: stored(lms, victim, uid),
        lambda: send(owned(mallory), *voiding(kind, uid, mallory, n=len(first))),
    ]
    for step in steps if first == "event" else steps[::-1]:
        step()
    assert counted(client, victim) == 1
    send(owned(victim), *voiding(kind, uid, victim, n=90 + len(first)))  # of the learner's own: yes
    assert counted(client, victim) == 1  # the void itself; the event does not count any more
    events = client.get(f"/v1/learners/{victim}/mastery", headers=bearer()).json()["events"]
    assert events["unknown_items"] == []
    stored(owned(mallory), mallory, uid.replace("bb", "cc", 1))
    send(lms, *voiding(kind, uid.replace("bb", "cc", 1), "teacher", n=70 + len(kind) + len(first)))
    assert counted(client, mallory) == 1  # a platform's void reaches everyone


@pytest.mark.parametrize("kind", ["plain", "xapi"])
def test_ids_of_others_can_be_neither_taken_nor_probed(made, kind):
    client = TestClient(made(), raise_server_exceptions=False)
    lms, mine = bearer(scope="events:write"), owned(f"m-{kind}")

    def send(headers, learner, name, video):
        if kind == "plain":
            body = {"event_id": name, "learner_id": learner, "item_id": video, "share": 1}
            return client.post("/v1/events", json=body, headers=headers)
        body = statement(learner, name) | {"object": {"id": f"https://mooc.example/{video}"}}
        return client.post("/xapi/statements", json=body, headers=headers | XAPI)

    known, new, taken = (f"{c}f87ccde-bb56-4c2e-ab83-44982ef2{len(kind):04d}" for c in "abc")
    assert send(lms, "v", known, "v_a").status_code == 200
    probes = [send(mine, f"m-{kind}", name, "v_b") for name in (known, new)]
    assert [probe.status_code for probe in probes] == [200, 200]
    told = [
        probe.text.replace(name, "it") for probe, name in zip(probes, (known, new), strict=True)
    ]
    assert told[0] == told[1]
    assert send(mine, f"m-{kind}", taken, "v_b").status_code == 200
    assert send(lms, "v", taken, "v_a").status_code == 200  # the platform's own ids are free
    assert send(lms, "v", taken, "v_b").status_code == 409  # and still one event each
    assert send(mine, f"m-{kind}", taken, "v_a").status_code == 409


@pytest.mark.parametrize("foreign", ["new", "nobody", "learner ", "LEARNER", "learner/x", ""])
def test_a_learners_token_sends_nothing_for_another(client, foreign):
    headers = owned()
    refused = [
        client.post("/v1/paths", json={"items": [item("learner"), item(foreign)]}, headers=headers),
        client.post("/v1/events", json=[event(3, "learner"), event(4, foreign)], headers=headers),
        client.post("/v1/events", json=event(4, foreign), headers=headers),
    ]
    if foreign.strip():
        two = [statement("learner", n=1), statement(foreign, n=2)]
        name = two[1]["id"]
        refused += [
            client.post("/xapi/statements", json=two, headers=headers | XAPI),
            client.put(f"/xapi/statements?statementId={name}", json=two[1], headers=headers | XAPI),
        ]
    for answer in refused:
        # an id that nobody may have is wrong for everyone, and says nothing of a learner
        malformed = answer.status_code in (400, 422) and foreign in ("", "learner ")
        assert malformed or named(answer) == (403, "other-learner")
    exported = client.get("/v1/learners/learner/export", headers=bearer()).json()
    stored = {each["event_id"] for each in exported["events"] if "event_id" in each}
    assert not stored & {"s3", "s4"}


def test_a_refusal_does_not_tell_whether_the_other_learner_exists(client):
    def told(learner):
        answer = client.get(f"/v1/learners/{learner}/path?course_id=A", headers=owned())
        body = {k: v for k, v in answer.json().items() if k != "instance"}
        return answer.status_code, body, answer.headers["www-authenticate"]

    assert told("new") == told("nobody")


def test_slashes_in_an_address_do_not_make_one_learner_another(client):
    for path in (
        "learner%2Fx/mastery",
        "learner%2Fmastery/mastery",
        "learner/x/mastery",
        "x%2F..%2Flearner/mastery",
        "learner%00/mastery",
        "%2Flearner/mastery",
        "learner%2F/mastery",
        "learner%252F/mastery",
    ):
        answer = client.get(f"/v1/learners/{path}", headers=owned())
        assert named(answer) == (403, "other-learner"), path
    slashed = owned("a/b")
    assert named(client.get("/v1/learners/a%2Fb/mastery", headers=slashed))[0] == 404
    assert named(client.get("/v1/learners/a/mastery", headers=slashed)) == (403, "other-learner")


def test_a_learner_is_not_told_of_learners_with_a_similar_id(client):
    path, mine = "/v1/learners/learnr/mastery", owned("learnr")
    assert client.get(path, headers=bearer()).json()["close_matches"] == ["learner"]
    problem = client.get(path, headers=mine).json()
    assert (problem["status"], problem["close_matches"]) == (404, [])
    assert "learner'" not in json.dumps(problem)
    assert "close" not in problem["detail"]
    batch = client.post("/v1/paths", json={"items": [item("learnr")]}, headers=mine)
    assert batch.json()["results"][0]["path"]["new"]
    assert '"learner"' not in batch.text


def test_the_graph_tells_nothing_of_learners_so_a_learners_token_may_read_it(client):
    headers = owned(scope="graph:read")
    assert client.get("/v1/concepts", headers=headers).status_code == 200
    assert named(client.get("/v1/concepts", headers=owned())) == (403, "insufficient-scope")


def test_who_is_a_learner_is_not_told_to_learners(client):
    assert client.get("/v1/learners", headers=bearer(scope="paths:read")).status_code == 200
    assert named(client.get("/v1/learners", headers=owned())) == (403, "insufficient-scope")
    everything = owned(scope=" ".join(SCOPES))
    assert named(client.get("/v1/learners", headers=everything)) == (403, "other-learner")


def test_erasure_is_for_administrators_and_the_learner_who_may_write(client):
    address = "/v1/learners/new"
    assert client.post("/v1/events", json=event(5, "new"), headers=bearer()).status_code == 200

    def erase(headers):
        return client.delete(address, headers=headers)

    assert named(erase(bearer(scope="events:write paths:read"))) == (403, "insufficient-scope")
    assert named(erase(owned("new", "paths:read"))) == (403, "insufficient-scope")
    assert named(erase(owned("learner", "events:write admin"))) == (403, "other-learner")
    assert erase(owned("new", "events:write")).json()["events"] == 1
    assert erase(bearer(scope="admin")).status_code == 200


# ---------------------------------------------------------------- audit


@contextmanager
def audited_client(made, path):
    log = AuditLog(path)
    yield TestClient(made(audit_log=log), raise_server_exceptions=False)
    log.close()


def lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_administration_export_and_erasure_leave_a_line_each(made, tmp_path):
    path = tmp_path / "below" / "audit.jsonl"
    with audited_client(made, path) as client:
        client.post("/v1/events", json=event(6, "erased"), headers=bearer())
        client.get("/v1/learners/erased/path?course_id=A", headers=bearer())
        assert path.read_text() == ""
        client.post(REFRESH, headers=bearer(sub="operator"))
        client.post(REFRESH, headers=bearer(sub="intruder", scope="paths:read"))
        client.get("/v1/learners/erased/export", headers=bearer(sub="lms"))
        client.get("/v1/learners/nobody/export", headers=bearer(sub="lms"))
        client.delete("/v1/learners/erased", headers=owned("erased") | {"X-Request-ID": "r1"})
    found = [(e["action"], e["outcome"], e["subject"], e["target"]) for e in lines(path)]
    someone = hashed("someone")
    assert found == [
        ("refresh-graph", "begun", "operator", ""),
        ("refresh-graph", "done", "operator", ""),
        ("refresh-graph", "refused: insufficient-scope", "intruder", ""),
        ("export", "begun", "lms", hashed("erased")),
        ("export", "done", "lms", hashed("erased")),
        ("export", "begun", "lms", hashed("nobody")),
        ("export", "failed: unknown-learner", "lms", hashed("nobody")),
        ("erase", "begun", someone, hashed("erased")),
        ("erase", "done", someone, hashed("erased")),
    ]
    assert [e["learner_token"] for e in lines(path)] == [False] * 7 + [True] * 2
    assert lines(path)[-1]["request_id"] == "r1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # an erased learner is named nowhere in the log
    assert '"erased"' not in path.read_text()


def append(path, number):
    log = AuditLog(path)
    for n in range(200):
        log.write({"process": number, "n": n, "padding": "x" * 500})
    log.close()


def test_processes_that_share_a_log_do_not_mix_their_lines(tmp_path):
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=append, args=(path, k)) for k in range(4)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    found = lines(path)
    assert sorted((e["process"], e["n"]) for e in found) == [
        (k, n) for k in range(4) for n in range(200)
    ]


def test_what_cannot_be_noted_is_not_done(made):
    with audited_client(made, Path("/dev/full")) as client:
        keeper, mastery = client.app.state.keeper, "/v1/learners/erased/mastery"
        client.post("/v1/events", json=event(7, "erased"), headers=bearer())
        kept = client.get(mastery, headers=bearer()).content
        keeper.refresh = lambda: pytest.fail("the graph was looked at")
        refused = [
            client.post(REFRESH, headers=bearer()),
            client.delete("/v1/learners/erased", headers=bearer()),
            client.get("/v1/learners/erased/export", headers=bearer()),
        ]
        assert [named(each) for each in refused] == [(503, "audit-unavailable")] * 3
        assert client.get(mastery, headers=bearer()).content == kept


def test_what_is_done_is_answered_though_its_end_cannot_be_noted(made, tmp_path, caplog):
    path = tmp_path / "audit.jsonl"
    with audited_client(made, path) as client:
        log = client.app.state.audit
        write = log.write

        def write_begins(line):
            if line["outcome"] != "begun":
                raise AuditUnavailable("the disk is full")
            write(line)

        log.write = write_begins
        assert client.post(REFRESH, headers=bearer()).status_code == 200
    assert [each["outcome"] for each in lines(path)] == ["begun"]
    assert "refresh-graph: done, and no line in the audit log says so" in caplog.text


@pytest.mark.parametrize("learner", [None, "erased"])
def test_a_subject_with_half_a_character_is_noted_by_its_escape(made, tmp_path, learner):
    path, subject = tmp_path / "audit.jsonl", "a\ud800"
    own = {} if learner is None else {"learner_id": learner, "scope": "paths:read events:write"}
    token = bearer(sub=subject, **own)
    with audited_client(made, path) as client:
        client.post("/v1/events", json=event(8, "erased"), headers=bearer())
        assert client.delete("/v1/learners/erased", headers=token).status_code == 200
    escaped = "a\\ud800"
    expected = escaped if learner is None else hashed(escaped)
    assert [each["subject"] for each in lines(path)] == [expected] * 2


# ---------------------------------------------------------------- pages elsewhere


def page(**headers):
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("headers", "auth", "status"),
    [
        ({}, "dev", 200),  # curl
        (page(Origin="http://localhost:8000", Sec_Fetch_Site="same-origin"), "dev", 200),
        (page(Origin="http://localhost:8000"), "dev", 200),  # an old browser
        (page(Sec_Fetch_Site="none"), "dev", 200),
        (page(Origin="https://lms.example", Sec_Fetch_Site="cross-site"), "dev", 200),  # listed
        (page(Origin="https://evil.example", Sec_Fetch_Site="cross-site"), "dev", 403),
        (page(Sec_Fetch_Site="cross-site"), "dev", 403),
        (page(Origin="http://localhost:3000", Sec_Fetch_Site="same-site"), "dev", 403),
        (page(Origin="https://evil.example"), "dev", 403),
        (page(Origin="null"), "dev", 403),
        (page(Origin="https://evil.example", Sec_Fetch_Site="cross-site"), "off", 403),
        (page(Origin="https://front.example"), "off", 200),  # a proxy with another Host
        (page(Origin="https://front.example", Sec_Fetch_Site="same-origin"), "off", 200),
    ],
)
def test_without_tokens_a_page_elsewhere_changes_nothing(made, headers, auth, status):
    security = Security.of(Settings(auth=auth, cors=("https://lms.example",)))
    client = TestClient(made(security), base_url="http://localhost:8000")
    for path in (REFRESH, "/v1/events", "/xapi/statements"):
        asked = client.post(path, json=event(9, "u"), headers=headers)
        assert (asked.status_code == 403) == (status == 403), path
        if status == 403:
            assert asked.json()["type"].endswith(":foreign-page")
    assert client.get("/v1/courses", headers=headers).status_code == 200


def test_with_a_token_the_origin_says_nothing(made):
    client = TestClient(made(), raise_server_exceptions=False)
    foreign = page(Origin="https://evil.example", Sec_Fetch_Site="cross-site")
    assert client.post(REFRESH, headers=bearer() | foreign).status_code == 200


def test_a_log_that_cannot_be_opened_is_refused_at_the_start(tmp_path):
    with pytest.raises(ConfigError, match="KGPLAN_AUDIT"):
        AuditLog(tmp_path)


# ---------------------------------------------------------------- browsers


def policy(answer):
    return dict(
        part.strip().split(" ", 1) if " " in part.strip() else (part.strip(), "")
        for part in answer.headers["content-security-policy"].split(";")
    )


def test_every_answer_says_what_a_browser_may_do_with_it(client):
    answers = [
        client.get("/"),
        client.get("/docs"),
        client.get("/openapi.json"),
        client.get("/health"),
        client.get("/v1/graph/health"),
        client.get("/no-such-page"),
        client.get("/v1/learners/learner/path?course_id=A", headers=bearer()),
        client.get("/v1/learners/learner/path.svg?course_id=A", headers=bearer()),
    ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert policy(answer)["frame-ancestors"] == "'none'"
        scripts = policy(answer).get("script-src", policy(answer)["default-src"])
        assert "unsafe" not in scripts
        assert "http" not in answer.headers["content-security-policy"]
        assert "strict-transport-security" not in answer.headers
        assert len(answer.headers.get_list("content-security-policy")) == 1


def test_the_description_page_loads_from_this_service_only(client):
    page = client.get("/docs")
    assert "http" not in page.text.replace("http-equiv", "")
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"docs-assets/{name}" in page.text
        assert client.get(f"/docs-assets/{name}").status_code == 200


def test_answers_about_learners_are_kept_by_nobody_else(client):
    def cache(path):
        return client.get(path, headers=bearer()).headers["cache-control"]

    assert cache("/v1/learners/learner/path?course_id=A") == "private, no-cache"
    for path in ("mastery", "plans", "export", "path?course_id=Q"):
        assert cache(f"/v1/learners/learner/{path}") == "private, no-store"


def test_only_pages_of_listed_origins_may_ask(made):
    app = made(Security(verifier(), origins=("https://lms.example",)))
    client = TestClient(app)
    wish = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    path = "/v1/graph/health"
    allowed = client.options(path, headers=wish | {"Origin": "https://lms.example"})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://lms.example"
    assert "access-control-allow-credentials" not in allowed.headers
    answer = client.get(path, headers=bearer() | {"Origin": "https://lms.example"})
    assert answer.headers["access-control-allow-origin"] == "https://lms.example"
    assert "Origin" in answer.headers["vary"]
    refused = client.get(path, headers={"Origin": "https://lms.example"})
    assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (401, True)
    for origin in ("https://lms.example.evil", "http://lms.example", "null"):
        assert client.options(path, headers=wish | {"Origin": origin}).status_code == 400
        answer = client.get(path, headers=bearer() | {"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers


def test_without_a_list_no_other_origin_may_ask(client):
    headers = {"Origin": "https://lms.example", "Access-Control-Request-Method": "GET"}
    answer = client.options("/v1/graph/health", headers=headers)
    assert not [name for name in answer.headers if name.startswith("access-control")]


# ---------------------------------------------------------------- settings


def settings(**given):
    return Settings(_env_file=None, **given)


def test_the_service_does_not_start_before_it_is_said_who_may_ask(tmp_path):
    with pytest.raises(ConfigError) as refused:
        check_settings(settings())
    for way_out in ("KGPLAN_AUTH_SECRET_FILE", "KGPLAN_AUTH_JWKS", "--dev"):
        assert way_out in str(refused.value)
    check_settings(settings(auth_secret=SECRET.decode()))
    check_settings(settings(auth_jwks="https://issuer.example/keys"))
    check_settings(settings(auth="off"), "0.0.0.0")


def test_a_short_secret_is_refused_and_not_repeated():
    with pytest.raises(ConfigError, match=r"31 bytes.* 32") as refused:
        check_settings(settings(auth_secret="0123456789" * 3 + "1"))
    assert "0123456789" not in str(refused.value)


def test_two_kinds_of_keys_are_refused():
    with pytest.raises(ConfigError, match="keep one"):
        check_settings(settings(auth_secret=SECRET.decode(), auth_jwks="https://i.example/keys"))


def test_development_is_for_this_machine_only(made):
    for host in ("127.0.0.1", "::1", "localhost"):
        check_settings(settings(auth="dev"), host)
    for host in ("0.0.0.0", "::", "192.168.1.7", "kgplan.example"):
        with pytest.raises(ConfigError, match="development"):
            check_settings(settings(auth="dev"), host)


def test_in_development_a_name_that_was_bent_to_this_machine_gets_no_answer(made, caplog):
    """DNS rebinding: a page of another site asks its own name, which now leads to loopback."""
    security = Security.of(settings(auth="dev"))
    assert "every request is answered" in caplog.text
    client = TestClient(made(security))
    for host in ("127.0.0.1:8000", "localhost:8000", "localhost", "[::1]:8000"):
        assert client.get("/v1/graph/health", headers={"Host": host}).status_code == 200
    for host in ("evil.example", "evil.example:8000", "localhost.evil.example", ""):
        assert client.get("/v1/graph/health", headers={"Host": host}).status_code == 400


def test_a_secret_file_holds_one_secret_a_line(tmp_path):
    path = tmp_path / "secret"
    path.write_text("a new secret that signs from now on, long".replace(" ", "-") + "\n")
    with path.open("a") as stream:
        stream.write("the-old-secret-that-still-verifies,-long\n\n")
    found = Security.of(settings(auth_secret_file=path)).verifier
    for secret in path.read_bytes().split():
        token = hs256(claims(iss=None), secret=secret)
        assert asyncio.run(found.access(token.encode())).subject == "someone"
    with pytest.raises(ConfigError, match="token --new-secret"):
        Security.of(settings(auth_secret_file=tmp_path / "missing"))


def test_a_key_set_file_must_be_of_use_at_the_start_and_a_silent_address_need_not(tmp_path, caplog):
    path = tmp_path / "jwks.json"
    path.write_bytes(jwks())
    with pytest.raises(ConfigError, match="KGPLAN_AUTH_JWKS"):
        Security.of(settings(auth_jwks=str(path)))
    Security.of(settings(auth_jwks="http://127.0.0.1:9/keys"))
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("given", ["*", "lms.example", "https://lms.example/", "https://a/b"])
def test_only_origins_can_be_listed(given):
    with pytest.raises(ValueError, match="no origin"):
        settings(cors=given)


def test_origins_are_separated_by_commas_or_spaces():
    listed = settings(cors="https://a.example, http://localhost:5173 https://b.example:8443").cors
    assert listed == ("https://a.example", "http://localhost:5173", "https://b.example:8443")
