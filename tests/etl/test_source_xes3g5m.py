"""XES3G5M's files, after their own description, become tables."""

import json
from datetime import UTC, datetime

import pytest
from source_cases import extracted

from kgplan.errors import SourceError

METADATA = {
    "metadata/questions.json": json.dumps(
        {
            "0": {
                "content": "小明 有\n3 个苹果",
                "kc_routes": ["思维----应用题----年龄问题", "思维----计算"],
                "type": 0,
            },
            "1": {"content": "", "kc_routes": ["别的----应用题----年龄问题", "思维----没有的"]},
            "2": {"content": "?", "kc_routes": None},
        }
    ),
    "metadata/kc_routes_map.json": json.dumps(
        {"0": "思维", "1": "应用题", "2": "年龄问题", "3": "计算", "4": "别的"}
    ),
}
HEADER = "fold,uid,questions,concepts,responses,timestamps,selectmasks,is_repeat\n"
DAY = 1_600_000_000_000


def sequence(uid, questions, concepts, responses, times, repeats):
    lists = (questions, concepts, responses, times, [1] * len(questions), repeats)
    return f"0,{uid}," + ",".join(f'"{",".join(map(str, each))}"' for each in lists) + "\n"


BY_QUESTION = {
    "question_level/train_valid_sequences_quelevel.csv": HEADER
    + sequence(5, [0, 1, -1], ["2_3", "2", -1], [1, 0, -1], [DAY, DAY + 500, -1], [0, 0, -1])
    + sequence(5, [2, 9], [3, 3], [1, 1], [DAY + 900, DAY + 950], [0, 0])
    + sequence(6, [0, 1], ["2_3"], [1, 0], [DAY, DAY], [0, 0]),
    "question_level/test_quelevel.csv": HEADER + sequence(7, [1], [2], [1], [DAY], [0]),
}
BY_CONCEPT = {
    "kc_level/train_valid_sequences.csv": HEADER
    + sequence(5, [0, 0, 1], [2, 3, 2], [1, 1, 0], [DAY, DAY, DAY + 500], [0, 1, 0])
}
ANSWERS = [("5", "question-0", 1.0), ("5", "question-1", 0.0)]


def test_sequences_become_answers_and_routes_a_tree(tmp_path):
    windows = {"question_level/test_window_sequences_quelevel.csv": HEADER}
    read = extracted(tmp_path, {**METADATA, **BY_QUESTION, **BY_CONCEPT, **windows})
    assert read.report.format == "xes3g5m"
    assert read.rows("answer", "learner_id", "item_id", "score") == [
        *ANSWERS,
        ("5", "question-2", 1.0),
        ("7", "question-1", 1.0),
    ]
    first = datetime.fromtimestamp(DAY / 1000, UTC).replace(tzinfo=None)
    assert read.rows("answer", "answered_at")[0] == (first,)
    assert read.rows("broader_concept") == [
        ("concept-0", "concept-1"),
        ("concept-0", "concept-3"),
        ("concept-1", "concept-2"),
        ("concept-4", "concept-1"),  # by another route
    ]
    # question 2 has no route, but a sequence tells its concept
    assert read.rows("item_concept") == [
        ("question-0", "concept-2"),
        ("question-0", "concept-3"),
        ("question-1", "concept-2"),
        ("question-2", "concept-3"),
    ]
    names = dict(read.rows("item", "item_id", "name"))
    assert names["question-0"] == "小明 有 3 个苹果"
    notes = " ".join(read.report.notes)
    assert "1 steps of routes are not in metadata/kc_routes_map.json" in notes
    assert "kc_level/train_valid_sequences.csv: the same answers" in notes
    assert [reject[1:3] for reject in read.rejects() if "sequences" in reject[0]] == [
        (3, "dangling_id"),  # there is no question 9
        (4, "broken_row"),  # lists of different lengths
    ]
    assert read.report.unused == ("question_level/test_window_sequences_quelevel.csv",)


def test_by_concept_a_question_of_two_concepts_is_answered_once(tmp_path):
    read = extracted(tmp_path, {**METADATA, **BY_CONCEPT})
    assert read.rows("answer", "learner_id", "item_id", "score") == ANSWERS
    assert read.rejects() == []


def test_metadata_that_is_no_json_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"metadata/questions\.json is no JSON"):
        extracted(tmp_path, {**METADATA, "metadata/questions.json": '{"0": '})
