import itertools
import json
import math
import shutil
from pathlib import Path

import ladybug
import numpy as np
import pytest
from forked import run_kgplan
from miniature import ARRAY, CS_VECTOR, RECURSION, VECTOR

from kgplan.data.records import learned_concepts
from kgplan.model.neighbours import Neighbours
from kgplan.model.opening import open_records, open_snapshot
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore


@pytest.fixture(scope="module")
def home(mini_home) -> Path:
    """A home with the model of the miniature archive."""
    return mini_home.home


def similar(home, *arguments):
    """Run the command as a person would."""
    return run_kgplan(home, "similar", *arguments)


def test_neighbours_carry_the_parts_of_the_formula_best_first(home):
    shown = json.loads(similar(home, RECURSION, "--json").stdout)
    artifacts = ArtifactStore(Settings(home=home).artifacts)
    embedding, (records, _) = artifacts.current("embedding"), open_records(artifacts)
    vectors = dict(
        zip(embedding.array("entity_ids").tolist(), embedding.array("vectors"), strict=True)
    )
    learned = learned_concepts(records).matrix.toarray()
    learners = {
        concept: set(np.flatnonzero(column))
        for concept, column in zip(records.concept_ids.tolist(), learned.T, strict=True)
    }
    assert shown["concept_id"] == RECURSION
    rows = shown["neighbours"]
    assert {row["concept_id"] for row in rows} == set(records.concept_ids.tolist()) - {RECURSION}
    for row in rows:
        other = row["concept_id"]
        both = learners[RECURSION] & learners[other]
        apart = math.dist(vectors[RECURSION].astype(float), vectors[other].astype(float))
        lengths = math.sqrt(len(learners[RECURSION]) * len(learners[other]))
        assert row["semantic"] == pytest.approx(1 / (1 + apart), rel=1e-9)
        assert row["shared_learners"] == len(both)
        assert row["collaborative"] == pytest.approx(len(both) / lengths if both else 0)
    keys = [(-row["fused"], row["concept_id"]) for row in rows]
    assert keys == sorted(keys)


def test_a_concept_is_found_by_its_chinese_and_by_its_english_name(home):
    for name in ("递归", "recursion", " Recursion "):
        assert json.loads(similar(home, name, "--json").stdout)["concept_id"] == RECURSION


def test_the_limit_cuts_the_list(home):
    rows = json.loads(similar(home, RECURSION, "--limit", 3, "--json").stdout)["neighbours"]
    whole = json.loads(similar(home, RECURSION, "--json").stdout)["neighbours"]
    assert rows == whole[:3]


def test_people_see_a_table_with_names(home):
    done = similar(home, ARRAY, "--limit", 7)
    assert done.returncode == 0
    assert "递归" in done.stdout


def test_an_ambiguous_name_lists_the_ids_that_have_it(home):
    done = similar(home, "向量")
    assert done.returncode == 2
    listed = done.stderr.splitlines()
    assert listed[0] == "kgplan: 2 concepts are called '向量'; give an id:"
    assert {line.split()[0] for line in listed[1:]} == {VECTOR, CS_VECTOR}


def test_an_unknown_concept_is_one_sentence_with_close_matches(home):
    done = similar(home, "recursoin")
    assert done.returncode == 2
    assert done.stderr == f"kgplan: no concept 'recursoin'; close matches: {RECURSION} (递归)\n"
    assert similar(home, "zzz").stderr.endswith("list them with `kgplan concepts`\n")


def test_a_similarity_made_without_neighbours_says_what_to_run(home, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(home, old)
    artifacts = ArtifactStore(Settings(home=old).artifacts)
    with artifacts.draft("similarity", {"alpha": 0.7}, {}) as draft:
        draft.put(bounds=np.zeros(4))
    artifacts.switch(draft.finished())
    done = similar(old, RECURSION)
    assert done.returncode == 2
    assert "run `kgplan similarity` again" in done.stderr


def test_a_concept_added_to_the_graph_is_listed_and_answered_by_the_graph_alone(home, tmp_path):
    edited = shutil.copytree(home, tmp_path / "home")
    database = ladybug.Database(edited / "graph.lbug", max_db_size=1 << 30)
    connection = ladybug.Connection(database)
    connection.execute(
        "MATCH (c:Course {id: 'C_2'}) CREATE (c)-[:COURSE_HAS_CONCEPT]->"
        "(:Concept {id: 'K_new', name: '新概念', source: 'designer'})"
    )
    connection.close()
    database.close()
    artifacts = ArtifactStore(Settings(home=home).artifacts)

    def of(folder, concept_id):
        graph = open_snapshot(Settings(home=folder))
        return Neighbours(artifacts, graph).of(concept_id, limit=10)

    before, nothing = of(home, RECURSION)
    assert nothing == []
    rows, notes = of(edited, RECURSION)
    (there,) = [row for row in rows if row.concept_id == "K_new"]
    assert [row for row in rows if row != there] == before
    keys = [(-row.fused, row.concept_id) for row in rows]
    assert keys == sorted(keys)
    own, own_notes = of(edited, "K_new")
    assert {row.concept_id for row in own} == {RECURSION, *(row.concept_id for row in before)}
    (back,) = [row for row in own if row.concept_id == RECURSION]
    assert back.fused == there.fused
    # eq. (8) without a collaborative part: the semantic one, between the extremes of stored pairs,
    # beyond which a new concept may lie
    vectors = artifacts.current("similarity").array("vectors").astype(float)
    pairs = [1 / (1 + math.dist(*pair)) for pair in itertools.combinations(vectors, 2)]
    for row in own:
        share = (row.semantic - min(pairs)) / (max(pairs) - min(pairs))
        assert row.fused == pytest.approx(0.7 * min(max(share, 0), 1))
        assert (row.collaborative, row.shared_learners) == (0, 0)
    for told in (notes, own_notes):
        assert told[0] == "Without learners of their own, compared by the graph alone: K_new."
        assert told[1].startswith("Newer than the vectors: K_new.")
    shown = similar(edited, "新概念", "--limit", 2).stdout
    assert "compared by the graph alone: K_new." in shown


def test_neighbours_written_into_the_graph_are_found_there_by_the_designers_question(
    home, tmp_path
):
    copied = tmp_path / "home"
    shutil.copytree(home, copied)

    def ask():
        question = ("similar_to", "--param", f"concept_id={RECURSION}", "--json")
        done = run_kgplan(copied, "graph", "ask", *question)
        return [(row["concept_id"], row["weight"]) for row in json.loads(done.stdout)]

    shown = json.loads(similar(copied, RECURSION, "--limit", 3, "--write-graph", "--json").stdout)
    rows = [(row["concept_id"], row["fused"]) for row in shown["neighbours"]]
    assert len(rows) == 3
    assert ask() == rows


def test_help_has_an_example(home):
    assert "kgplan similar 二叉树" in similar(home, "--help").stdout
