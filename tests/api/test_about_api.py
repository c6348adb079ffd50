"""One course, one concept and one learner over HTTP."""

import json
import shutil
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from learner_cases import hand_model
from miniature import FUNCTION, SET
from pydantic import TypeAdapter

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper, keep_planner
from kgplan.api.service import make_service
from kgplan.api.shared import keep_shared_planner
from kgplan.data.links import Links
from kgplan.errors import GraphUnavailable
from kgplan.graph.about import about_concept, about_course
from kgplan.graph.definition import Definitions
from kgplan.graph.store import open_graph
from kgplan.model.current import CurrentLearners
from kgplan.model.opening import open_planner
from kgplan.settings import Settings

LINKS = Links("https://lms.example/{course_id}/{item_id}")


def client_of(planner, links=LINKS, **options):
    app = create_app(Keeper(lambda: planner, lambda: "always the same"), links=links, **options)
    return TestClient(app, raise_server_exceptions=False)


# ---------------------------------------------------------------- courses and concepts


@pytest.fixture(scope="module")
def mini(mini_home):
    return open_planner(mini_home)


def test_a_course_is_answered_from_the_archive_to_the_address_of_its_videos(mini):
    """Of the miniature: C_1 shows V_2, V_1 and V_5, which covers nothing; 甲大学 offers it."""
    body = client_of(mini).get("/v1/courses/C_1").json()
    assert (body["name"], body["fields"]) == ("线性代数", ["数学"])
    assert [(v["id"], v["title"], v["minutes"]) for v in body["items"]] == [
        ("V_2", "矩阵", pytest.approx(200 / 60)),
        ("V_1", "集合与函数", pytest.approx(100 / 60)),
    ]
    assert body["items"][0]["url"] == "https://lms.example/C_1/V_2"
    assert body["schools"] == ["甲大学"]
    by_name = {each["name"]: each["taught"] for each in body["concepts"]}
    assert by_name.pop("数组") is False
    assert all(by_name[name] for name in ("集合", "函数", "矩阵"))


def test_the_answers_are_the_cores_own(mini):
    client = client_of(mini)
    for path, found in (
        ("courses/C_1", about_course(mini.graph, mini.records, LINKS, "C_1")),
        (f"concepts/{quote(SET)}", about_concept(mini.graph, mini.records, LINKS, SET)),
    ):
        answer = client.get(f"/v1/{path}")
        assert answer.status_code == 200
        assert answer.json() == json.loads(TypeAdapter(type(found)).dump_json(found))
        same = client.get(f"/v1/{path}", headers={"If-None-Match": answer.headers["etag"]})
        assert same.status_code == 304


@pytest.mark.parametrize("keep", [keep_planner, keep_shared_planner])
def test_a_concept_tells_what_it_is_and_an_edit_of_that_is_another_answer(own_home, keep):
    """The versions of graph and model do not count it."""
    settings = own_home.model_copy(update={"auth": "off"})
    keeper = keep(settings)
    with TestClient(make_service(settings, keeper)) as client:
        path = f"/v1/concepts/{quote(FUNCTION)}"
        first = client.get(path)
        assert first.json()["definition"].split("\n") == [
            "给每个元素配上唯一一个元素的对应关系。",
            "学科：数学 › 集合论",
            "见载：《数学名词》第一版",
        ]
        with open_graph(settings.graph_url) as store:
            (row,) = [row for row in store.read("export.concept") if row["id"] == FUNCTION]
            changed = row | {"explanation": "a person's words"}
            store.write("load.concept", rows=[changed], run_id="by hand")
        keeper.refresh()
        second = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert second.status_code == 200
        assert second.json() == first.json() | {"definition": "a person's words"}


def test_a_concept_is_told_without_what_it_is_as_long_as_the_graph_cannot_be_read(mini):
    away = True

    def read():
        if away:
            raise GraphUnavailable("it is being loaded")
        return {SET: "things together"}

    client = client_of(mini, definitions=Definitions(read))
    path = f"/v1/concepts/{quote(SET)}"
    before = client.get(path)
    assert (before.status_code, before.json()["definition"]) == (200, None)
    away = False
    after = client.get(path)
    assert after.json() == before.json() | {"definition": "things together"}
    assert after.headers["etag"] != before.headers["etag"]


def test_other_addresses_of_the_platform_are_another_answer(mini):
    one, other = (
        client_of(mini).get("/v1/courses/C_1"),
        client_of(mini, None).get("/v1/courses/C_1"),
    )
    assert one.headers["etag"] != other.headers["etag"]
    assert other.json()["items"][0]["url"] is None


def test_paths_name_the_addresses_of_the_platform_and_other_addresses_are_another_answer():
    """By the planner, as the answer is the plan that every way to it gives."""
    asked = "/v1/learners/learner/path?course_id=A"
    answers = []
    for links in (LINKS, Links("https://other.example/{item_id}"), Links()):
        client = client_of(hand_model(6).planner(links=links), links)
        sent = {"If-None-Match": ", ".join(each.headers["etag"] for each in answers)}
        answers.append(client.get(asked, headers=sent))
        assert answers[-1].status_code == 200  # not what the client has of other addresses
        again = {"If-None-Match": answers[-1].headers["etag"]}
        assert client.get(asked, headers=again).status_code == 304
        opened = [each for step in answers[-1].json()["steps"] for each in step["resources"]]
        assert opened
        assert [each["url"] for each in opened] == [
            links.to(each["course_id"], each["item_id"]) for each in opened
        ]


@pytest.mark.parametrize("keep", [keep_planner, keep_shared_planner])
def test_a_served_path_has_the_addresses_of_the_settings(mini_home, tmp_path, keep):
    shutil.copytree(mini_home.home, tmp_path / "home")
    settings = mini_home.model_copy(
        update={"home": tmp_path / "home", "auth": "off", "links": LINKS.template}
    )
    with TestClient(make_service(settings, keep(settings))) as client:
        steps = client.get("/v1/learners/somebody/path?course_id=C_1").json()["steps"]
    opened = [each["url"] for step in steps for each in step["resources"]]
    assert opened == ["https://lms.example/C_1/V_2", "https://lms.example/C_1/V_1"]  # its order


def test_the_service_takes_the_template_from_its_settings(mini, tmp_path):
    settings = Settings(home=tmp_path, auth="off", links=LINKS.template)
    with TestClient(make_service(settings, Keeper(lambda: mini, lambda: "the same"))) as client:
        [video, *_] = client.get("/v1/courses/C_1").json()["items"]
    assert video["url"] == "https://lms.example/C_1/V_2"


@pytest.mark.parametrize(
    ("path", "problem"),
    [("courses/C_9", "unknown-course"), ("concepts/K_9", "unknown-concept")],
)
def test_what_is_unknown_is_404_with_the_field(mini, path, problem):
    answer = client_of(mini).get(f"/v1/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, f"urn:kgplan:problem:{problem}")
    assert answer.json()["fields"][0]["field"].startswith("path.")


def test_an_id_may_hold_slashes_and_what_lies_below_one_goes_on(client):
    for path in ("courses/a/b", "concepts/a/b", "learners/a/b"):
        answer = client.get(f"/v1/{path}")
        assert (answer.status_code, "'a/b'" in answer.json()["detail"]) == (404, True)
    assert client.get("/v1/courses/A/map").json()["missing"]
    assert client.get("/v1/concepts/d/unlocks").json()["direction"] == "down"
    assert client.get("/v1/learners/learner/mastery").status_code == 200
    assert client.get("/v1/learners/learner/path?course_id=A").status_code == 200


# ---------------------------------------------------------------- learners


@pytest.fixture(scope="module")
def planner():
    return hand_model().planner()


@pytest.fixture
def client(planner, store):
    return client_of(planner, learners=CurrentLearners(store))


def about(client, learner):
    answer = client.get(f"/v1/learners/{quote(learner, safe='')}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_learner_is_told_from_the_records_and_from_events_since(client):
    """The learner takes B, which has a, b and c, and watched v_a and v_c."""
    before = about(client, "learner")
    assert (before["in_model"], before["views"], before["events"]) == (True, 2, 0)
    assert (before["first_event"], before["last_event"]) == (None, None)
    [course] = before["courses"]
    assert course == {"course_id": "B", "name": "B", "items": 3, "opened": 2, "done": 2}
    events = [
        {"event_id": "1", "item_id": "v_b", "course_id": "B", "share": 0.5, "time": at(2)},
        {"event_id": "2", "item_id": "v_e", "course_id": "A", "share": 0.9, "time": at(1)},
        {"event_id": "3", "item_id": "v_a", "course_id": "B", "share": 0.1, "time": at(3)},
    ]
    sent = [each | {"learner_id": "learner"} for each in events]
    assert client.post("/v1/events", json=sent).is_success
    after = about(client, "learner")
    assert (after["views"], after["events"]) == (4, 3)
    assert (after["first_event"], after["last_event"]) == (at(1), at(3))
    assert [(c["course_id"], c["opened"], c["done"]) for c in after["courses"]] == [
        ("A", 1, 1),
        ("B", 3, 2),
    ]


def test_a_learner_known_by_events_alone_is_not_in_the_model(client):
    assert client.get("/v1/learners/zed").status_code == 404
    event = {"event_id": "1", "learner_id": "zed", "course_id": "A", "enrols": True, "time": at(1)}
    assert client.post("/v1/events", json=event).is_success
    told = about(client, "zed")
    assert (told["in_model"], told["views"], told["events"]) == (False, 0, 1)
    assert [(c["course_id"], c["opened"]) for c in told["courses"]] == [("A", 0)]


def test_of_an_erased_learner_nothing_is_told_and_later_only_what_came_since(client):
    assert client.delete("/v1/learners/learner").is_success
    assert client.get("/v1/learners/learner").status_code == 404
    event = {"event_id": "1", "learner_id": "learner", "item_id": "v_e", "share": 1}
    assert client.post("/v1/events", json=event).is_success
    told = about(client, "learner")
    assert (told["in_model"], told["views"]) == (False, 1)
    assert [course["course_id"] for course in told["courses"]] == ["A"]


def at(day):
    return f"2026-03-0{day}T10:15:00Z"
