"""Canvas's outcomes and their results, as live events and as the report on them."""

import json

import pytest
from source_cases import extracted

from kgplan.errors import SourceError

OUTCOMES = (
    "vendor_guid,object_type,title,description,display_name,calculation_method,calculation_int,"
    "workflow_state,parent_guids,mastery_points,ratings,,,,,\n"
    "g1,group,Writing,,,,,active,,,,,,,,\n"
    "g2,group,English,,,,,,,,,,,,,\n"
    'thesis,outcome,State a thesis,"<p>One sentence, &amp; no <b>more</b>.</p>",T-1,'
    "decaying_average,65,active,g1 g2,3,5,Exceeds,3,Meets,0,Not yet\n"
    "canvas_outcome:12,outcome,Cite,,,highest,,active,g1,3,4,Well,2,Partly,,\n"
    "old,outcome,Gone,,,,,deleted,g1,,,,,,,\n"
    "x,standard,Else,,,,,active,,,,,,,,\n"
    "short,outcome\n"
)


def event(name, /, about=None, **body):
    return json.dumps({"metadata": {"event_name": name, **(about or {})}, "body": body})


def result(learner, outcome, score, possible=5, kind="created", **rest):
    asset = {"associated_asset_type": "Assignment", "associated_asset_id": "7"}
    told = {
        "user_uuid": learner,
        "learning_outcome_id": outcome,
        "score": score,
        "possible": possible,
        "attempt": 1,
        "assessed_at": "2026-03-01T10:00:00Z",
        "result_context_type": "Course",
        "result_context_id": "3",
    }
    return event(f"learning_outcome_result_{kind}", **(told | asset | rest))


EVENTS = [
    result("ada", "12", 4, id="r1"),
    # one assignment, another criterion; ids of all sites together say the same
    result("ada", "21070000000000034", 2.5, id="r2", associated_asset_id="21070000000000007"),
    event("learning_outcome_created", learning_outcome_id="34", vendor_guid="thesis"),
    result("bob", "12", 0, id="r3"),
    result("bob", "12", 3, id="r3", kind="updated", updated_at="2026-03-02T10:00:00Z"),
    result("bob", "12", 5, id="r3", kind="updated", updated_at="2026-03-03T10:00:00Z"),
    result("cyd", "12", 6, id="r4"),  # more than are possible
    result("cyd", "56", None, None, percent=0.5, associated_asset_type="Quizzes::Quiz"),
    result("dan", "12", None, id="r6"),
    result("eve", "12", 1, id="r7", workflow_state="deleted"),
    # as Canvas sent it in 2019, without learner and asset
    event("learning_outcome_result_created", learning_outcome_id="1", score=5, possible=5),
    "{cut",
    event("submission_created", submission_id="1"),
    # no learner; and a course that only the metadata tell
    result("", "12", 1, id="r8"),
    result(
        "fay", "12", 1, id="r9", result_context_type="Account",
        about={"context_type": "Course", "context_id": "21070000000000004"},
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    files = {"outcomes.csv": OUTCOMES, "events.jsonl": "".join(f"{each}\n" for each in EVENTS)}
    return extracted(tmp_path_factory.mktemp("canvas"), files)


def test_outcomes_and_groups_are_concepts_below_all_their_parents(site):
    assert site.report.format == "canvas"
    assert site.rows("concept", "concept_id", "name", "explanation") == [
        ("canvas_outcome:12", "Cite", None),
        ("canvas_outcome:56", "canvas_outcome:56", None),
        ("g1", "Writing", None),
        ("g2", "English", None),
        ("thesis", "State a thesis", "One sentence, & no more."),
    ]
    assert site.rows("broader_concept") == [
        ("g1", "canvas_outcome:12"),
        ("g1", "thesis"),
        ("g2", "thesis"),
    ]


def test_an_event_is_learner_concept_item_and_answer(site):
    assert site.rows("answer", "learner_id", "item_id", "score") == [
        ("ada", "assignment-7-outcome-12", 0.8),
        ("ada", "assignment-7-outcome-34", 0.5),
        ("bob", "assignment-7-outcome-12", 1.0),
        ("cyd", "assignment-7-outcome-12", 1.0),
        ("cyd", "quiz-7-outcome-56", 0.5),
        ("fay", "assignment-7-outcome-12", 0.2),
    ]
    assert site.rows("item_concept") == [
        ("assignment-7-outcome-12", "canvas_outcome:12"),
        ("assignment-7-outcome-34", "thesis"),
        ("quiz-7-outcome-56", "canvas_outcome:56"),
    ]
    assert site.rows("item", "kind") == [("exercise",)] * 3
    assert site.rows("learner_course", "learner_id", "course_id") == [
        ("ada", "course-3"),
        ("bob", "course-3"),
        ("cyd", "course-3"),
        ("fay", "course-4"),
    ]


def test_what_is_not_used_is_told_with_its_line(site):
    assert sorted(each[:3] for each in site.rejects()) == [
        ("events.jsonl", 4, "not_in_force"),
        ("events.jsonl", 5, "not_in_force"),
        ("events.jsonl", 9, "missing_field"),
        ("events.jsonl", 10, "not_in_force"),
        ("events.jsonl", 11, "missing_field"),
        ("events.jsonl", 12, "broken_json"),
        ("events.jsonl", 14, "missing_field"),
        ("outcomes.csv", 6, "not_in_force"),
        ("outcomes.csv", 7, "broken_row"),
        ("outcomes.csv", 8, "broken_row"),
    ]
    assert site.report.notes[-3:] == (
        "events submission_created: 1, not read",
        "outcomes that no outcomes CSV has: 1, known by their results alone",
        "results with more points than are possible: 1, read as all points",
    )


REPORT = (
    "student name,student id,student sis id,assessment title,assessment id,assessment type,"
    "submission date,submission score,learning outcome name,learning outcome id,attempt,"
    "outcome score,assessment question,assessment question id,course name,course id,course sis id,"
    "assignment url,learning outcome points possible,learning outcome mastered\n"
    "Ada,31,,Essay,7,assignment,2026-03-01T10:00:00Z,9,Cite,12,1,4,,,English,3,,"
    "https://canvas.example/courses/3/assignments/7,5,1\n"
    "Ada,31,,Test,9,quiz,2026-03-02T10:00:00Z,9,Thesis,34,1,0,Which?,88,English,3,,,2,0\n"
    "Bob,32,,Essay,7,assignment,,,Cite,12,,,,,English,3,,,,\n"
    "Cyd,33,,Essay,7,assignment,2026-03-01T10:00:00Z,9,Cite,12,1,,,,English,3,,,5,1\n"
)


def test_the_report_on_results_says_the_same_with_names(tmp_path):
    found = extracted(tmp_path, {"report.csv": REPORT})
    assert found.rows("concept", "concept_id", "name") == [
        ("canvas_outcome:12", "Cite"),
        ("canvas_outcome:34", "Thesis"),
    ]
    assert found.rows("course", "course_id", "name") == [("course-3", "English")]
    assert found.rows("item", "item_id", "name", "url") == [
        (
            "assignment-7-outcome-12",
            "Essay",
            "https://canvas.example/courses/3/assignments/7",
        ),
        ("question-88-outcome-34", "Test", None),
    ]
    assert found.rows("answer", "learner_id", "item_id", "score") == [
        ("31", "assignment-7-outcome-12", 0.8),
        ("31", "question-88-outcome-34", 0.0),
    ]
    assert [each[:3] for each in found.rejects()] == [
        ("report.csv", 4, "not_in_force"),
        ("report.csv", 5, "missing_field"),
    ]


def test_results_that_are_told_in_two_ways_are_refused(tmp_path):
    with pytest.raises(SourceError, match=r"report\.csv and live\.json both tell results"):
        extracted(tmp_path, {"report.csv": REPORT, "live.json": EVENTS[0]})
