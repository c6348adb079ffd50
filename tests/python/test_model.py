import shutil
import sys
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from miniature import ARRAY, RECURSION
from planning_cases import hand_case

import kgplan
from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.diagnosis import LearnerModelConfig
from kgplan.embedding import EmbeddingConfig
from kgplan.errors import AmbiguousName, ConfigError, MissingExtra, UnknownConcept, UnknownLearner
from kgplan.model.current import CurrentLearners
from kgplan.model.opening import open_planner
from kgplan.planning import PlanOptions
from kgplan.python import model as module
from kgplan.python.chain import chain_of
from kgplan.python.rows import SHOWN, Rows
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.events import open_events

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def model(mini_home):
    """The miniature's model, opened as a notebook would."""
    with kgplan.open(mini_home.home) as opened:
        yield opened


def test_a_path_is_the_planner_s_and_names_serve_as_ids(model, mini_home):
    planner = open_planner(mini_home)
    options = PlanOptions(length=3, exclude=(ARRAY,))
    path = model.plan("U_1", "线性代数", length=3, exclude="数组")
    assert path.to_dict() == planner.plan("U_1", "C_1", options).to_dict()
    assert tuple(path) == path.plan.steps
    towards = model.towards("U_1", "recursion")
    assert towards.plan == planner.plan_towards("U_1", RECURSION)
    whys = planner.explain(towards.plan)
    assert tuple(model.explain(towards)) == whys
    assert model.explain(towards).to_frame()["because"].tolist() == [why.because for why in whys]
    assert list(model.mastery("U_1", "线性代数")) == planner.mastery("U_1", "C_1")


def test_resources_are_the_planner_s_best_first_with_what_each_rank_rests_on(model, mini_home):
    found = model.resources("U_1", "recursion", language="zh")
    told = open_planner(mini_home).resources("U_1", RECURSION, None, PlanOptions(language="zh"))
    assert tuple(found) == told.resources
    frame = found.to_frame()
    assert frame["place"].tolist() == [each.rank.place for each in told.resources]
    assert frame["because"].str.endswith("。").all()
    of_course = model.resources("U_2", course="线性代数", limit=2)
    assert 0 < len(of_course) <= 2
    assert set(of_course.to_frame()["course_id"]) == {"C_1"}
    with pytest.raises(ConfigError, match="give a concept, a course, or both"):
        model.resources("U_1")


def test_what_is_not_there_is_told_with_what_was_meant(model):
    with pytest.raises(UnknownConcept, match=r"close matches: K_递归_计算机科学技术 \(递归\)"):
        model.chain("K_递归_计算机科学")
    with pytest.raises(AmbiguousName, match="2 concepts are called '向量'"):
        model.similar("向量")
    with pytest.raises(UnknownLearner):
        model.mastery("nobody", "C_1")
    assert model.plan("nobody", "C_1").plan.new
    with pytest.raises(ConfigError, match="limit is 51; it goes from 1 to 50"):
        model.similar("递归", 51)
    with pytest.raises(ConfigError, match="there is no folder"):
        kgplan.open(model.settings.home / "nowhere")
    with pytest.raises(ConfigError, match="no setting 'grpah'; close matches: graph"):
        kgplan.open(model.settings.home, grpah="ladybug:///here")


def test_graph_and_model_are_opened_once(mini_home, monkeypatch):
    opened = []
    real = module.open_snapshot
    monkeypatch.setattr(
        module, "open_snapshot", lambda settings: opened.append(settings) or real(settings)
    )
    model = kgplan.open(mini_home.home)
    assert opened == []
    for _ in range(2):
        model.courses()
        model.plan("U_1", "C_1")
        model.similar("递归")
    assert len(opened) == 1
    model.renew().concepts()
    assert len(opened) == 2


def test_an_answer_is_a_sequence_a_frame_and_a_table(model):
    courses = model.courses()
    assert [course.course_id for course in courses] == courses.to_frame()["course_id"].tolist()
    assert {"field", "school", "concepts", "learners"} <= set(courses.to_frame().columns)
    assert [course.name for course in model.courses("线性")] == ["线性代数"]
    assert courses[0].name in repr(courses[:1])
    assert courses[1].name not in repr(courses[:1])
    path = model.plan("U_1", "C_1", length=3)
    frame = path.to_frame()
    assert frame["mastery"].tolist() == [step.terms.mastery for step in path]
    assert frame["item_id"].tolist() == [step.resources[0].item_id for step in path]
    nothing = model.concepts("no such concept")
    assert (len(nothing), len(nothing.to_frame())) == (0, 0)
    assert list(nothing.to_frame().columns) == list(model.concepts().to_frame().columns)
    assert {"concept_id", "fused", "semantic"} <= set(model.similar("递归").to_frame().columns)
    found = model.ask("leads_to", concept_id="递归")
    assert {"concept_id", "name", "depth"} <= set(found.to_frame().columns)
    assert "leads_to" in [question.name for question in model.questions()]


def test_a_table_shows_the_first_rows_and_is_html_that_parses():
    rows = Rows("a < b", list(range(SHOWN + 5)), {"n": lambda n: f"<{n}>"}, notes=["栈 & 队列"])
    drawn = ElementTree.fromstring(f"<div>{rows._repr_html_()}</div>")
    cells = [cell.text for cell in drawn.iter("td")]
    assert cells == [f"<{n}>" for n in range(SHOWN)]
    assert [text.text for text in drawn.iter("p")][1:] == ["… and 5 more", "栈 & 队列"]
    lines = repr(rows).splitlines()
    assert (lines[0], lines[1], lines[-1]) == (f"a < b ({SHOWN + 5})", "n", "栈 & 队列")
    assert len(lines) == SHOWN + 4


def test_without_pandas_only_the_frame_is_missing(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert "线性代数" in repr(model.courses())
    with pytest.raises(MissingExtra, match=r"kgplan\[notebook\]"):
        model.courses().to_frame()


def test_what_the_service_recorded_counts_as_in_the_service(mini_home, tmp_path):
    home = shutil.copytree(mini_home.home, tmp_path / "home")
    settings = mini_home.model_copy(update={"home": home})
    planner, store = open_planner(settings), open_events(settings.records_url)
    service = create_app(
        Keeper(lambda: planner, lambda: "the same"), learners=CurrentLearners(store)
    )
    with TestClient(service) as client, kgplan.open(home) as model:
        old = model.mastery("U_1")
        for learner in ("U_1", "newcomer"):
            event = {"event_id": learner, "learner_id": learner, "item_id": "V_4", "share": 1.0}
            client.post("/v1/events", json=event).raise_for_status()
            plan = client.get(f"/v1/learners/{learner}/path?course_id=C_2").json()
            path = model.plan(learner, "C_2")
            assert [step["terms"] for step in plan["steps"]] == [
                step["terms"] for step in path.to_dict()["steps"]
            ]
            assert len(model.explain(path)) == len(path)
            told = client.get(f"/v1/learners/{learner}/mastery").json()["concepts"]
            assert {each["concept_id"]: each["mastery"] for each in told} == {
                each.concept_id: each.mastery for each in model.mastery(learner)
            }
        assert list(model.mastery("U_1")) != list(old)
    store.close()


def test_refit_changes_the_keys_that_are_named_and_no_other(mini_home, tmp_path):
    home = shutil.copytree(mini_home.home, tmp_path / "home")
    store = ArtifactStore(mini_home.model_copy(update={"home": home}).artifacts)
    model, before = kgplan.open(home), store.in_use()
    old = model.planner
    for wrong in ({"training.epoch": 1}, {"damping": 2}, {"similarity.alpha": "much"}):
        with pytest.raises(ConfigError):
            model.refit(wrong)
    with pytest.raises(ConfigError, match="no stage 'diagnosis'; there are embed, diagnose"):
        model.refit(stages=["diagnosis"])
    assert (store.in_use(), model.planner) == (before, old)

    (report,) = model.refit(stages=["similarity"], similarity={"alpha": 0.2})
    assert store.in_use() == before | {"similarity": report.version}
    assert (old.similarity.alpha, model.planner.similarity.alpha) == (0.7, 0.2)
    assert model.planner.model_version != old.model_version

    told = []
    reports = model.refit(
        {"training.epochs": 1, "refit.epochs": 1},
        diagnose={"damping": 0.2},
        progress=lambda what, done, total: told.append(what),
    )
    assert reports.to_frame()["stage"].tolist() == [
        "embed",
        "diagnose",
        "resources",
        "engagement",
        "similarity",
        "switch",
    ]
    config = EmbeddingConfig.default()
    training, last = (
        each.model_copy(update={"epochs": 1}) for each in (config.training, config.refit)
    )
    made = {kind: store.current(kind).manifest["config"] for kind in ("embedding", "diagnosis")}
    expected = config.model_copy(update={"training": training, "refit": last})
    assert made["embedding"] == expected.to_dict()
    assert made["diagnosis"] == LearnerModelConfig(damping=0.2).to_dict()
    assert model.planner.similarity.alpha == 0.7
    assert told


def test_a_chain_has_the_fewest_steps_from_each_concept_to_its_end():
    # by hand: d needs b and c, b needs a and (in a cycle) d
    chain = chain_of(hand_case().graph, "d", depth=2)
    assert chain.steps == {"d": 0, "b": 1, "c": 1, "a": 2}
    assert chain.edges == [("a", "b"), ("b", "d"), ("c", "d"), ("d", "b")]
    assert set(chain_of(hand_case().graph, "d", depth=1).steps) == {"d", "b", "c"}


def test_a_chain_and_a_path_draw_themselves_with_every_name_and_edge(model):
    svg = ElementTree.fromstring(chain_of(hand_case().graph, "d", depth=2)._repr_svg_())
    names = {text.text for text in svg.iter(f"{SVG}text")}
    arrows = [path for path in svg.iter() if path.get("marker-end")]
    assert (names, len(arrows)) == ({"a", "b", "c", "d"}, 4)
    path = model.plan("U_1", "C_1", length=3)
    drawn = ElementTree.fromstring(path.picture()._repr_svg_())
    assert {step.name for step in path} <= {text.text for text in drawn.iter(f"{SVG}text")}


def test_py2neo_needs_a_server(model):
    with pytest.raises(ConfigError, match="py2neo needs a Neo4j server"):
        model.py2neo_graph()


def test_py2neo_runs_matches_and_makes_frames_on_the_real_server(neo4j_server):
    neo4j_server.run(
        "CREATE (:Concept {id: 'K_a', name: '栈'})-[:PREREQUISITE_OF]->(:Concept {id: 'K_b'})"
    )
    graph = kgplan.Model(neo4j_server.settings).py2neo_graph()
    frame = graph.run("MATCH (n:Concept) RETURN n.id AS id ORDER BY id").to_data_frame()
    assert frame["id"].tolist() == ["K_a", "K_b"]
    (edge,) = graph.match(r_type="PREREQUISITE_OF")
    assert edge.start_node["name"] == "栈"
