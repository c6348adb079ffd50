"""Batches, explanations, ETags, the graph, limits and problems over HTTP."""

import threading
import time
import tracemalloc
from dataclasses import replace

import jsonschema
import pytest
from fastapi.testclient import TestClient
from planning_cases import hand_case, random_case
from pydantic import TypeAdapter

from kgplan.api import models
from kgplan.api.answers import AnswerCache, etag_of
from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.keys import SecretKeys
from kgplan.api.limits import Limits
from kgplan.api.models import path_json, plan_json
from kgplan.api.security import Security
from kgplan.api.tokens import Verifier
from kgplan.graph.snapshot import snapshot_of
from kgplan.model.current import AtOnce
from kgplan.planning import PlanOptions

PATH = "/v1/learners/learner/path"
URN = "urn:kgplan:problem:"


def client_of(limits=None, planner=None):
    made = planner or hand_case().planner()
    keeper = Keeper(lambda: made, lambda: "always the same")
    return TestClient(create_app(keeper, limits), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client():
    return client_of()


# ---------------------------------------------------------------- paths


def test_options_over_http_are_the_planners(client):
    planner = hand_case().planner()
    query = {
        "towards": "d",
        "length": 5,
        "exclude": ["a", "e"],
        "pin": "c",
        "theta": 0.95,
        "language": "zh",
    }
    body = client.get(PATH, params=query).json()
    options = PlanOptions(5, exclude=("a", "e"), pin=("c",), theta=0.95, language="zh")
    expected = planner.plan_towards("learner", "d", options)
    assert [s["concept_id"] for s in body["steps"]] == [s.concept_id for s in expected.steps]
    assert [s["because"] for s in body["steps"]] == [s.because for s in expected.steps]
    assert (body["course_id"], body["towards"]) == (None, "d")
    assert body["options"]["exclude"] == ["a", "e"]


def test_explanations_come_when_asked_for(client):
    planner = hand_case().planner()
    query = {"course_id": "A", "length": 5, "max_prerequisites": 2, "neighbours": 2}
    assert client.get(PATH, params=query).json()["explanations"] is None
    told = client.get(PATH, params=query | {"explain": True}).json()["explanations"]
    expected = planner.explain(planner.plan("learner", "A", PlanOptions(5, 2, 2)))
    assert [e["concept_id"] for e in told] == [e.concept_id for e in expected]
    assert [[c["because"] for c in e["changes"]] for e in told] == [
        [c.because for c in e.changes] for e in expected
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "query.course_id"),
        ({"course_id": "A", "towards": "d"}, "query.towards"),
        ({"course_id": "A", "pin": "a", "exclude": "a"}, "query.pin"),
        ({"course_id": "A", "planner": "best"}, "query.planner"),
        ({"course_id": "A", "language": "de"}, "query.language"),
        ({"course_id": "A", "minutes": 0}, "query.minutes"),
    ],
)
def test_a_wrong_option_is_422_and_named(client, query, field):
    answer = client.get(PATH, params=query)
    assert answer.status_code == 422
    assert answer.json()["type"] == URN + "bad-parameters"
    assert [each["field"] for each in answer.json()["fields"]] == [field]


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/v1/learners/somebody/path", {"course_id": "Q"}, "query.course_id"),
        (PATH, {"course_id": "Q"}, "query.course_id"),
        (PATH, {"towards": "Q"}, "query.towards"),
        (PATH, {"course_id": "A", "exclude": ["a", "Q"]}, "query.exclude"),
        ("/v1/concepts/Q/unlocks", {}, "path.concept_id"),
        ("/v1/courses/Q/map", {}, "path.course_id"),
    ],
)
def test_what_is_unknown_is_404_with_its_field(client, path, query, field):
    answer = client.get(path, params=query)
    assert answer.status_code == 404
    assert [each["field"] for each in answer.json()["fields"]] == [field]


# ---------------------------------------------------------------- batch


def test_each_item_of_a_batch_has_its_own_path_or_problem(client):
    items = [
        {"learner_id": "learner", "course_id": "A", "length": 5},
        {"learner_id": "learner", "towards": "dd"},
        {"learner_id": "somebody", "course_id": "A"},
        {"learner_id": "new", "towards": "d", "explain": True},
        {"learner_id": "learner"},
        {"learner_id": "learner", "course_id": "A", "pin": ["Q"]},
    ]
    results = client.post("/v1/paths", json={"items": items}).json()["results"]
    assert [r["status"] for r in results] == [200, 404, 200, 200, 422, 404]
    for item, result in zip(items, results, strict=True):
        query = {name: value for name, value in item.items() if name != "learner_id"}
        alone = client.get(f"/v1/learners/{item['learner_id']}/path", params=query)
        if result["status"] == 200:
            assert result["path"] == alone.json()
            assert result["etag"] == alone.headers["etag"]
            assert result["problem"] is None
        else:
            assert result["problem"]["type"] == alone.json()["type"]
            assert result["problem"]["close_matches"] == alone.json()["close_matches"]
            assert result["path"] is None
    fields = [r["problem"]["fields"][0]["field"] for r in results if r["problem"]]
    assert fields == ["body.items.1.towards", "body.items.4.course_id", "body.items.5.pin"]
    assert results[1]["problem"]["close_matches"] == ["d"]


def test_a_thousand_paths_are_answered_and_one_more_is_refused(client):
    item = {"learner_id": "learner", "course_id": "A"}
    answer = client.post("/v1/paths", json={"items": [item] * 1000})
    assert len(answer.json()["results"]) == 1000
    refused = client.post("/v1/paths", json={"items": [item] * 1001})
    assert (refused.status_code, refused.json()["type"]) == (413, URN + "batch-too-large")


# ---------------------------------------------------------------- ETags


def test_an_answer_that_the_client_has_is_304_without_a_body(client):
    first = client.get(PATH, params={"course_id": "A"})
    etag = first.headers["etag"]
    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = client.get(PATH, params={"course_id": "A"}, headers={"If-None-Match": sent})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    assert (
        client.get(PATH, params={"course_id": "A"}, headers={"If-None-Match": '"other"'}).content
        == first.content
    )
    missing = client.get(PATH, params={"course_id": "Q"}, headers={"If-None-Match": "*"})
    assert missing.status_code == 404


def test_answers_that_differ_have_other_etags(client):
    seen = {}
    queries = [
        {"course_id": "A"},
        {"course_id": "A", "length": 5},
        {"course_id": "A", "explain": True},
        {"course_id": "A", "language": "zh"},
        {"towards": "d"},
    ]
    for query in queries:
        for suffix in ("", ".svg"):
            seen[client.get(PATH + suffix, params=query).headers["etag"]] = (suffix, query)
    assert len(seen) == 2 * len(queries)


def test_another_graph_model_or_learner_version_is_another_etag():
    class Learners:
        version = "1"

        def learner_version(self, planner, learner_id):
            return self.version

        def current(self, planner, learner_id):
            return None

        def at_once(self, planner, learner_id):
            return AtOnce(self.version, True, None)

        def remember(self, plan, text, learner_version):
            pass

    case, learners = hand_case(), Learners()
    planner = case.planner()
    changed = random_case(1).planner()
    mark, made = ["a"], {"a": planner, "b": changed}
    keeper = Keeper(lambda: made[mark[0]], lambda: mark[0])
    client = TestClient(create_app(keeper, learners=learners))

    def etag(path=PATH, **query):
        return client.get(path, params=query).headers["etag"]

    first = etag(course_id="A")
    assert etag(course_id="A") == first
    learners.version = "2"
    second = etag(course_id="A")
    maps = etag("/v1/courses/A/map")
    planner.model_version = "another"
    third = etag(course_id="A")
    assert len({first, second, third}) == 3
    assert etag("/v1/courses/A/map") == maps
    mark[0] = "b"
    keeper.refresh()
    assert etag("/v1/courses/A/map") != maps


def test_kept_answers_are_bounded_and_the_oldest_leaves_first():
    cache, made = AnswerCache(2), []

    def ask(name):
        def make():
            made.append(name)
            return name.encode(), "text/plain"

        assert cache.get(name, make).body == name.encode()

    for name in "abacab":
        ask(name)
    assert made == ["a", "b", "c", "b"]  # c drove out b, not a, which was asked for later
    assert len(cache) == 2


STATE = ("graph", "model", False, "learner")


def test_kept_answers_are_bounded_by_their_bytes_and_a_huge_one_drives_out_nobody():
    cache = AnswerCache(1_000, budget=100_000)
    for n in range(100):
        cache.get(f"e{n}", lambda: (bytes(10_000), "text/plain"))
        assert cache.n_bytes <= 100_000
    assert 8 <= len(cache) <= 10
    kept = len(cache)
    assert cache.find("e99") is not None
    assert cache.get("huge", lambda: (bytes(200_000), "text/plain")).body == bytes(200_000)
    assert (cache.find("huge"), len(cache)) == (None, kept)
    cache.clear()
    assert (len(cache), cache.n_bytes) == (0, 0)


def test_wordings_are_few_and_short_and_leave_with_their_answer():
    cache = AnswerCache(2)
    answer = cache.get("e", lambda: (b"body", "text/plain"), "u", ("path", "C"))
    words = [("/path", b"z=%d" % n) for n in range(20)]
    for each in words:
        cache.hold(each, STATE, answer)
    held = [each for each in words if cache.held(each, STATE) is answer]
    assert held == words[-4:]
    before = cache.n_bytes
    cache.hold(("/path", b"z" * 10_000), STATE, answer)
    assert cache.n_bytes == before
    for name in ("f", "g"):  # drive out the first
        other = cache.get(name, lambda: (b"other", "text/plain"))
    assert [cache.held(each, STATE) for each in words] == [None] * 20
    cache.hold(words[0], STATE, answer)  # that left meanwhile
    assert cache.held(words[0], STATE) is None
    cache.hold(words[0], STATE, other)
    cache.clear()
    assert (cache.n_bytes, cache.held(words[0], STATE)) == (0, None)


def test_asking_in_words_that_hold_keeps_the_answer():
    cache = AnswerCache(2)
    answer = cache.get("e", lambda: (b"body", "text/plain"))
    cache.hold(("/path", b""), STATE, answer)
    for name in "fgh":
        assert cache.held(("/path", b""), STATE) is answer
        cache.get(name, lambda: (b"other", "text/plain"))
    assert cache.held(("/path", b""), STATE) is answer


@pytest.mark.parametrize(("size", "wordings"), [(0, 0), (0, 4), (3_000, 1), (50_000, 4)])
def test_what_is_kept_weighs_no_more_than_is_counted(size, wordings):
    n = 300
    tracemalloc.start()
    try:
        begun = tracemalloc.get_traced_memory()[0]
        cache = AnswerCache(n)
        for i in range(n):
            body = lambda: (bytes(size), "text/plain")  # noqa: E731
            answer = cache.get(etag_of("path", i), body, f"U_{i:08}", ("path", f"C_{i}"))
            for w in range(wordings):
                words = f"/v1/learners/U_{i:08}/path", b"course_id=C_%d&z=%d" % (i, w)
                cache.hold(words, (f"graph {i}", f"model {i}", False, f"learner {i}"), answer)
        taken = tracemalloc.get_traced_memory()[0] - begun
    finally:
        tracemalloc.stop()
    assert len(cache) == n
    assert taken <= cache.n_bytes <= 3 * taken


def test_odd_wordings_of_one_path_do_not_fill_the_memory():
    client = client_of(Limits(answer_bytes=200_000))
    for n in range(300):
        query = {"course_id": [f"{n}" + "z" * 5_000, "A"]}  # the last one counts
        assert client.get(PATH, params=query).status_code == 200
        client.get("/v1/graph", params={"limit": 1_000 + n})
    assert client.app.state.answers.n_bytes <= 200_000


def test_what_is_kept_about_a_learner_can_be_forgotten():
    client = client_of()
    for learner in ("learner", "new"):
        client.get(f"/v1/learners/{learner}/path", params={"course_id": "A"})
    items = [{"learner_id": "learner", "course_id": "B"}]
    client.post("/v1/paths", json={"items": items})
    kept = client.app.state.answers
    assert len(kept) == 3
    kept.forget("learner")
    assert len(kept) == 1


# ---------------------------------------------------------------- graph


def test_concepts_are_searched_with_the_kind_of_match_and_their_sizes(client):
    """b and c lead to d, which leads back to b; only course A has d."""
    body = client.get("/v1/concepts", params={"text": "d"}).json()
    sizes = {"prerequisites": 2, "unlocks": 1, "courses": 1}
    named = {"id": "d", "name": "d", "name_en": "", "field": ""}
    assert body["found"] == [named | sizes | {"match": "exact"}]
    assert client.get("/v1/concepts", params={"text": "\u3000Ｄ"}).json() == body
    assert len(client.get("/v1/concepts").json()["found"]) == 6


def test_courses_of_one_name_are_told_apart_by_field_school_and_size():
    case = hand_case()
    case.entities["course"] = [{"id": k, "name": "same"} for k in "ABZ"]
    case.entities["field"] = [{"id": "F_1", "name": "数学"}, {"id": "F_2", "name": ""}]
    case.entities["school"] = [{"id": "S_1", "name": "清华大学"}]
    case.edges["field_has_course"] = [
        {"head": "F_1", "tail": "A"},
        {"head": "F_2", "tail": "A"},
        {"head": "F_2", "tail": "B"},
    ]
    case.edges["school_has_course"] = [{"head": "S_1", "tail": "B"}]
    graph = snapshot_of(case.entities, case.edges)
    client = client_of(planner=replace(case, graph=graph).planner())
    rows = client.get("/v1/courses", params={"text": "same"}).json()["found"]
    told = ("id", "field", "school", "concepts", "items", "learners")
    assert {tuple(row[each] for each in told) for row in rows} == {
        ("A", "数学", "", 3, 3, 0),
        ("B", "F_2", "清华大学", 3, 3, 1),
        ("Z", "", "", 0, 0, 0),
    }


def test_prerequisites_and_what_is_unlocked_have_their_depth(client):
    """b and c lead to d; a and d (a cycle) lead to b."""
    up = client.get("/v1/concepts/d/prerequisites", params={"depth": 2}).json()
    assert [(c["id"], c["depth"]) for c in up["concepts"]] == [("b", 1), ("c", 1), ("a", 2)]
    down = client.get("/v1/concepts/a/unlocks").json()
    assert [c["id"] for c in down["concepts"]] == ["b"]
    assert down["deeper"] is True


def test_a_course_map_names_what_the_course_does_not_have(client):
    body = client.get("/v1/courses/A/map").json()
    assert [(c["id"], c["depth"]) for c in body["concepts"]] == [("d", 0), ("e", 0), ("f", 1)]
    assert [c["id"] for c in body["missing"]] == ["b", "c"]


def test_the_case_export_over_http_keeps_its_bytes(client):
    one, other = client.get("/v1/graph/case"), client.get("/v1/graph/case")
    assert one.content == other.content
    kinds = {a["associationType"] for a in one.json()["CFAssociations"]}
    assert kinds == {"precedes", "isChildOf"}


# ---------------------------------------------------------------- limits and problems


def test_a_body_beyond_the_limit_is_refused_however_it_is_sent():
    client = client_of(Limits(body_bytes=100))
    small = client.post("/v1/paths", json={"items": []})
    assert small.status_code == 200
    said = client.post("/v1/paths", content=b"x" * 101)
    streamed = client.post("/v1/paths", content=(b"x" * 40 for _ in range(3)))
    for answer in (said, streamed):
        assert (answer.status_code, answer.json()["type"]) == (413, URN + "body-too-large")
    kind = {"content-type": "application/json"}
    streamed_small = client.post("/v1/paths", content=iter([b'{"items"', b": []}"]), headers=kind)
    assert streamed_small.json()["results"] == []


def test_a_client_that_asks_too_often_is_told_when_to_come_back():
    client = client_of(Limits(per_second=0.1, burst=2, client_header="X-Client"))

    def ask(name):
        return client.get(PATH, params={"course_id": "A"}, headers={"X-Client": name})

    assert [ask("one").status_code for _ in range(3)] == [200, 200, 429]
    refused = ask("one")
    assert refused.json()["type"] == URN + "rate-limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert ask("other").status_code == 200
    assert client.get("/health").status_code == 200  # those who watch the service are not counted


def asked_from(address, limits):
    made = hand_case().planner()
    app = create_app(Keeper(lambda: made, lambda: "always the same"), limits)
    return TestClient(app, raise_server_exceptions=False, client=(address, 5))


def test_only_a_proxy_names_the_client_and_by_what_it_added_last():
    limits = Limits(per_second=0.001, burst=2, client_header="X-Real-IP", proxies=("10.0.0.0/8",))
    outside, proxy = asked_from("203.0.113.7", limits), asked_from("10.0.0.1", limits)

    def ask(client, *headers):
        return client.get("/v1/courses", headers=[*headers, ("X-Forwarded-For", "1.2.3.4")])

    asked = [ask(outside, ("X-Real-IP", f"9.9.9.{n}")).status_code for n in range(4)]
    assert asked == [200, 200, 429, 429]
    named = [[("X-Real-IP", f"9.9.9.{n}"), ("X-Real-IP", "198.51.100.1")] for n in range(3)]
    assert [ask(proxy, *each).status_code for each in named] == [200, 200, 429]
    listed = [("X-Real-IP", f"9.9.9.{n}, 198.51.100.2") for n in range(3)]
    assert [ask(proxy, each).status_code for each in listed] == [200, 200, 429]
    assert ask(proxy, ("X-Real-IP", "198.51.100.3")).status_code == 200


@pytest.mark.parametrize("path", ["/xapi/about", "//v1/courses", "/v1/nothing"])
def test_every_guarded_address_is_counted(path):
    client = asked_from("203.0.113.7", Limits(per_second=0.001, burst=2))
    version = {"X-Experience-API-Version": "1.0.3"}
    address = f"http://testserver{path}"  # where // would begin a host
    asked = [client.get(address, headers=version).status_code for _ in range(4)]
    assert asked[:2] == [asked[0]] * 2
    assert asked[0] != 429
    assert asked[2:] == [429, 429]


def test_refused_tokens_are_counted_too():
    made = hand_case().planner()
    keeper = Keeper(lambda: made, lambda: "always the same")
    security = Security(Verifier(SecretKeys((b"s" * 32,)), "kgplan", ""))
    client = TestClient(create_app(keeper, Limits(per_second=0.001, burst=3), security=security))
    token = {"Authorization": "Bearer x.y.z"}
    asked = [client.get("/v1/courses", headers=token).status_code for _ in range(5)]
    assert asked == [401, 401, 401, 429, 429]


def test_a_redirection_stays_on_the_host_that_was_asked(client):
    slash = client.get("/v1/planners/", headers={"Host": "elsewhere"}, follow_redirects=False)
    assert (slash.status_code, slash.headers["location"]) == (307, "/v1/planners")


def test_a_request_that_takes_too_long_is_given_up():
    client = client_of(Limits(seconds=0.1))
    go_on = threading.Event()

    @client.app.get("/slow")
    def slow():
        go_on.wait(60)
        return "late"

    begun = time.monotonic()
    answer = client.get("/slow")
    waited = time.monotonic() - begun
    go_on.set()
    assert (answer.status_code, answer.json()["type"]) == (503, URN + "took-too-long")
    assert waited < 30
    while client.get(PATH, params={"course_id": "A"}).status_code != 200:
        assert time.monotonic() - begun < 60  # a busy machine may need more than 0.1 s at first


def test_a_batch_stops_at_its_deadline():
    planner = hand_case().planner()
    made, answered, goes_on = [], threading.Event(), threading.Event()
    plan = planner.plan

    def slow_plan(*args):
        made.append(args)
        if len(made) == 2:
            answered.wait(60)
        if len(made) > 2:
            goes_on.set()
        return plan(*args)

    planner.plan = slow_plan
    client = client_of(Limits(seconds=0.1, cached_answers=0), planner)
    item = {"learner_id": "learner", "course_id": "A"}
    answer = client.post("/v1/paths", json={"items": [item] * 100})
    assert answer.json()["type"] == URN + "took-too-long"
    answered.set()
    assert not goes_on.wait(0.3)  # the others take less


def test_unknown_addresses_methods_and_faults_are_problems_too(client):
    assert client.get("/v1/nothing").json()["type"] == URN + "no-such-operation"
    wrong = client.delete("/v1/graph/health")
    assert (wrong.status_code, wrong.json()["type"]) == (405, URN + "method-not-allowed")
    assert wrong.headers["allow"] == "GET"
    faulty = client_of()

    @faulty.app.get("/faulty")
    def fault():
        raise ZeroDivisionError("secret")

    answer = faulty.get("/faulty")
    assert (answer.status_code, answer.json()["type"]) == (500, URN + "internal")
    assert "secret" not in answer.text


# ---------------------------------------------------------------- description


def test_every_operation_on_paths_and_graph_has_an_example_that_fits_its_schema(client):
    document = client.get("/openapi.json").json()
    resolver = {"components": document["components"]}
    names = set()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["operationId"] not in names
            names.add(operation["operationId"])
            if not {"paths", "graph"} & set(operation["tags"]):
                continue
            content = operation["responses"]["200"]["content"]
            ((kind, said),) = content.items()
            schema = said.get("schema", {})
            named = document["components"]["schemas"].get(schema.get("$ref", "").split("/")[-1])
            examples = [said["example"]] if "example" in said else (named or {})["examples"]
            assert examples, path
            for example in examples:
                if kind == "application/json":
                    jsonschema.validate(example, schema | resolver)


@pytest.mark.parametrize("stale", [False, True])
def test_a_path_is_written_as_pydantic_would(stale):
    for seed in range(20):
        planner = random_case(seed).planner()
        plan = planner.plan("u2", "A", PlanOptions(length=6))
        why = planner.explain(plan) if seed % 2 else None
        path = models.Path(**vars(plan), stale=stale, explanations=why)
        assert path_json(plan_json(plan), stale, why) == TypeAdapter(models.Path).dump_json(path)
