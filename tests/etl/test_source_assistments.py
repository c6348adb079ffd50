"""ASSISTments' skill builder file and split answers become tables."""

import pytest
from source_cases import extracted

from kgplan.errors import SourceError

HEADER = (
    "order_id,assignment_id,user_id,assistment_id,problem_id,original,correct,attempt_count,"
    "ms_first_response,tutor_mode,answer_type,skill_id,skill_name,answer_text\n"
)


def row(order, user, problem, correct, skill, name, original=1, text=""):
    before = f"{order},1,{user},9,{problem},{original},{correct},1,5,tutor,choose"
    return f"{before},{skill},{name},{text}\n"


def test_a_problem_of_two_skills_is_one_answer(tmp_path):
    text = (
        HEADER
        + row(50, 1, 51, 1, 10, "Box and Whisker")
        + row(40, 1, 52, 0, 11, "Circle Graph", text="½ caf\xe9")
        + row(50, 1, 51, 1, 12, "Median")  # the second skill of the first answer
        + row(60, 2, 51, 0, 10, "Box and Whisker")
        + row(61, 2, 53, 1, "", "")  # a problem without a skill
        + row(62, 2, 54, 1, 10, "Box and Whisker", original=0)
        + row(63, 2, 51, "x", 10, "Box and Whisker")
        + "64,1\n"
    )
    read = extracted(tmp_path, {"skill_builder_data_corrected.csv": text.encode("latin-1")})
    assert read.report.format == "assistments"
    assert read.rows("answer", "learner_id", "item_id", "position", "score") == [
        ("1", "problem-51", 0, 1.0),
        ("1", "problem-52", 1, 0.0),
        ("2", "problem-51", 0, 0.0),
        ("2", "problem-53", 1, 1.0),
    ]
    assert read.rows("item_concept") == [
        ("problem-51", "skill-10"),
        ("problem-51", "skill-12"),
        ("problem-52", "skill-11"),
    ]
    assert ("skill-10", "Box and Whisker") in read.rows("concept", "concept_id", "name")
    # scaffolding is for those who failed: no answer, and no problem of its own
    assert "problem-54" not in dict(read.rows("item", "item_id", "kind"))
    assert any("left out 1 rows of answers to scaffolding" in n for n in read.report.notes)
    assert any("1 rows name no skill" in note for note in read.report.notes)
    assert [reject[1:3] for reject in read.rejects()] == [(8, "broken_row"), (9, "broken_row")]


def test_skills_that_share_a_row_are_several(tmp_path):
    text = HEADER + row(1, 1, 51, 1, "10_12", '"Box and Whisker,Median"') + row(2, 1, 52, 1, 7, "A")
    read = extracted(tmp_path, {"skill_builder_data_corrected_collapsed.csv": text})
    assert read.rows("concept", "concept_id", "name") == [
        ("skill-10", "Box and Whisker"),
        ("skill-12", "Median"),
        ("skill-7", "A"),
    ]


def test_two_files_of_the_same_answers_are_refused(tmp_path):
    files = {f"skill_builder_data{end}.csv": HEADER for end in ("", "_corrected")}
    with pytest.raises(SourceError, match="hold the same answers; give one of them"):
        extracted(tmp_path, files)


def test_all_parts_of_split_answers_are_read(tmp_path):
    read = extracted(
        tmp_path,
        {
            "data/q.csv": "item_id,concept_id\n7,3\n7,4\n8,3\n9,\n",
            "data/train.csv": "learner_id,item_id,score\n3,7,1\n3,8,0\n",
            "data/valid.csv": "learner_id,item_id,score\n4,7,0.5\n",
            "data/test.csv": "learner_id,item_id,score\n4,5,1\n4,8,2\n",
        },
    )
    assert read.report.format == "split"
    # 3 is a learner, a concept and no item
    assert read.rows("item_concept") == [
        ("item-7", "concept-3"),
        ("item-7", "concept-4"),
        ("item-8", "concept-3"),
    ]
    assert read.rows("answer", "learner_id", "item_id", "score") == [
        ("3", "item-7", 1.0),
        ("3", "item-8", 0.0),
        ("4", "item-7", 0.5),
        ("4", "item-5", 1.0),
    ]
    assert [row[:3] for row in read.rejects()] == [
        ("q.csv", 5, "missing_field"),
        ("test.csv", 3, "broken_row"),
    ]
