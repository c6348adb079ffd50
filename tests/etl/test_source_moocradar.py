"""MOOCRadar's files, as those who use them read them, become tables; nothing is evaluated."""

import json
from datetime import datetime

from source_cases import extracted

EVIL = "__import__('pathlib').Path('evaluated').touch()"


def problem(id_, concepts, detail, course="C_1"):
    return json.dumps(
        {
            "problem_id": id_,
            "course_id": course,
            "concepts": concepts,
            "cognitive_dimension": 1,
            "detail": detail,
        },
        ensure_ascii=False,
    )


def log(user, item, correct, at="2020-05-04 01:04:01"):
    return {
        "log_id": "1",
        "problem_id": item,
        "user_id": user,
        "is_correct": correct,
        "attempts": 1,
        "score": 2.0,
        "submit_time": at,
        "skill_id": 1,
        "course_id": "C_1",
    }


PROBLEMS = "\n".join(
    (
        problem("Pm_1", ["供给", "需求"], "{'title': '第一章', 'option': {'A': \"it's\"}}"),
        problem("Pm_2", ["K_需求"], '{"title": "二", "answer": null}', "C_2"),
        problem("Pm_3", [], EVIL),
        problem("Pm_4", "供给", "(" * 5000),
        '{"problem_id": "Pm_5", "conc',
        problem("Pm_6", ["供给"], {"title": "六"}),
    )
)
SEQUENCES = json.dumps(
    [
        {"seq": [log("U_1", "Pm_1", 1), log("U_1", "Pm_2", False)]},
        {"seq": [log("U_2", "Pm_1", 0, "2020-06-01 00:00:00"), 7, log("U_2", "Pm_9", 1)]},
    ]
)
ANSWERS = [("U_1", "Pm_1", 1.0), ("U_1", "Pm_2", 0.0), ("U_2", "Pm_1", 0.0)]


def test_problems_with_details_of_any_kind_and_the_finest_answers_are_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read = extracted(
        tmp_path,
        {
            "data/problem.json": PROBLEMS,
            "data/student-problem-middle.json": SEQUENCES,
            "data/student-problem-coarse.json": "[]",
        },
    )
    assert not (tmp_path / "evaluated").exists()
    assert read.report.format == "moocradar"
    assert dict(read.rows("item", "item_id", "name")) == {
        "Pm_1": "第一章",
        "Pm_2": "二",
        "Pm_3": None,
        "Pm_4": None,
        "Pm_6": "六",
    }
    # one concept, whether or not it comes with the mark of an id
    assert read.rows("concept", "concept_id", "name") == [("K_供给", "供给"), ("K_需求", "需求")]
    assert ("Pm_2", "K_需求") in read.rows("item_concept")
    assert read.rows("answer", "learner_id", "item_id", "score") == ANSWERS
    assert read.rows("learner_course", "learner_id", "course_id", "enrolled_at") == [
        ("U_1", "C_1", datetime(2020, 5, 4, 1, 4, 1)),
        ("U_1", "C_2", datetime(2020, 5, 4, 1, 4, 1)),
        ("U_2", "C_1", datetime(2020, 6, 1)),
    ]
    assert any("2 details cannot be read" in note for note in read.report.notes)
    assert any("student-problem-coarse.json: the same answers" in n for n in read.report.notes)
    assert [row[:3] for row in read.rejects()] == [
        ("problem.json", 5, "broken_json"),
        ("student-problem-middle.json", 1, "broken_json"),
        ("student-problem-middle.json", 1, "dangling_id"),
    ]


def test_answers_may_lie_flat_and_on_lines(tmp_path):
    flat = "\n".join(
        json.dumps(each) for learner in json.loads(SEQUENCES)[:1] for each in learner["seq"]
    )
    read = extracted(tmp_path, {"problem.json": PROBLEMS, "student-problem-fine.json": flat})
    assert read.rows("answer", "learner_id", "item_id", "score") == ANSWERS[:2]
