"""`kgplan demo` on the smallest tables that anyone has: a path, and a note of what could not be."""

import json

import pytest
from forked import run_kgplan as kgplan

ONE = {
    "concepts.csv": "concept_id,name\nk1,Loops\n",
    "items.csv": "item_id,kind\ni1,video\n",
    "item_concepts.csv": "item_id,concept_id\ni1,k1\n",
}
TWO = {
    "concepts.csv": "concept_id,name\nk1,Loops\nk2,Conditions\n",
    "items.csv": "item_id,kind\ni1,video\ni2,exercise\n",
    "item_concepts.csv": "item_id,concept_id\ni1,k1\ni2,k2\n",
    "prerequisites.csv": "before,after\nk2,k1\n",
}


@pytest.mark.parametrize(
    ("tables", "path"),
    [(ONE, [("k1", "i1")]), (TWO, [("k2", "i2"), ("k1", "i1")])],
    ids=["one concept", "a prerequisite"],
)
def test_a_path_without_any_event_follows_the_course_and_its_prerequisites(tmp_path, tables, path):
    site = tmp_path / "site"
    site.mkdir()
    for name, text in tables.items():
        (site / name).write_text(text, encoding="utf-8")
    done = kgplan(tmp_path, "demo", site, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    plan = told["plan"]
    assert [(s["concept_id"], s["resources"][0]["item_id"]) for s in plan["steps"]] == path
    assert plan["new"]
    assert not any(step["identified"] for step in plan["steps"])
    (embed,) = (stage for stage in told["stages"] if stage["stage"] == "embed")
    assert embed["details"]["trained"] is False
    assert any("too few to train on" in note for note in embed["details"]["notes"])
