"""EdNet's files, after their own description, become tables."""

import zipfile
from datetime import UTC, datetime

from source_cases import extracted

from kgplan.etl.extract import extract

CONTENTS = {
    "contents/questions.csv": "question_id,bundle_id,explanation_id,correct_answer,part,tags,"
    "deployed_at\n"
    "q1,b1,e1,a,3,179;53,1571279008033\n"
    "q2,b1,e1,d,3,53,1571279009205\n"
    "q3,b2,e2,b,5,-1,1571279009205\n",
    "contents/lectures.csv": "lecture_id,part,tags,video_length,deployed_at\n"
    "l1,5,99,200000,1570426256512\n"
    "l2,0,53,-1,-1\n",
}
KT1 = "timestamp,solving_id,question_id,user_answer,elapsed_time\n"
KT3 = "timestamp,action_type,item_id,source,user_answer,platform\n"


def act(at, kind, item, answer=""):
    return f"{1573364188664 + at},{kind},{item},sprint,{answer},mobile\n"


def when(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None)


def test_an_answer_is_right_where_it_is_the_questions_own(tmp_path):
    read = extracted(
        tmp_path,
        {
            **CONTENTS,
            "KT1/u1.csv": KT1
            + "1548996377530,48,q1,a,47000\n1548996378149,48,q2,a,47000\n"
            + "1548996378150,49,q9,a,1\n1548996378151,49,q1,,1\n1,2\n",
            "KT1/u2.csv": KT1.replace("\n", "\r\n") + "1548996377530,1,q2,D,47000",
            "KT1/u3.csv": "timestamp,item_id\n1,q1\n",
            "KT1/u4.csv": "",
        },
    )
    assert read.report.format == "ednet"
    assert read.rows("answer", "learner_id", "item_id", "score", "answered_at") == [
        ("u1", "q1", 1.0, when(1548996377530)),
        ("u1", "q2", 0.0, when(1548996378149)),
        ("u2", "q2", 1.0, when(1548996377530)),
    ]
    assert read.rows("item", "item_id", "kind", "duration") == [
        ("l1", "video", 200.0),
        ("l2", "video", None),
        ("q1", "exercise", None),
        ("q2", "exercise", None),
        ("q3", "exercise", None),
    ]
    assert read.rows("item_concept") == [
        ("l1", "tag-99"),
        ("l2", "tag-53"),
        ("q1", "tag-179"),
        ("q1", "tag-53"),
        ("q2", "tag-53"),
    ]
    told = sorted((line, reason) for _, line, reason, _ in read.rejects())
    assert told == sorted(
        [
            (1, "broken_row"),  # u3, another header
            (1, "broken_row"),  # u4, none
            (4, "dangling_id"),
            (5, "missing_field"),
            (6, "broken_row"),
        ]
    )
    assert any("KT1/u3.csv" in detail for *_, detail in read.rejects())


ACTIONS = (
    KT3
    + act(0, "enter", "b1")
    + act(10, "respond", "q1", "b")
    + act(20, "respond", "q1", "a")  # the last before the bundle is submitted
    + act(30, "respond", "q2", "a")
    + act(40, "submit", "b1")
    + act(50, "enter", "e1")
    + act(60, "quit", "e1")
    + act(70, "enter", "l1")
    + act(50_070, "quit", "l1")  # 50 of 200 s
    + act(60_000, "enter", "l2")
    + act(60_500, "quit", "l2")  # of unknown length
    + act(60_600, "enter", "b2")
    + act(60_700, "respond", "q3", "b")
    + act(60_800, "enter", "b1")  # the other was never submitted
    + act(60_900, "respond", "q1", "c")
    + act(61_000, "submit", "b1")
    + act(61_100, "enter", "l1")  # and never left
)


def test_of_actions_the_last_answer_before_its_bundle_is_submitted_counts(tmp_path):
    read = extracted(tmp_path, {**CONTENTS, "KT3/u7.csv": ACTIONS, "KT3/u8.csv": KT3})
    begun = 1573364188664
    assert read.rows("answer", "learner_id", "item_id", "score", "answered_at") == [
        ("u7", "q1", 1.0, when(begun + 20)),
        ("u7", "q2", 0.0, when(begun + 30)),
        ("u7", "q1", 0.0, when(begun + 60_900)),
    ]
    assert read.rows("learner_item", "learner_id", "item_id", "watched") == [
        ("u7", "l1", 0.25),
        ("u7", "l2", 1.0),
    ]
    assert any("left out 1 answers that were never submitted" in n for n in read.report.notes)
    assert any("left out 1 lectures that were entered" in n for n in read.report.notes)
    assert read.rejects() == []


def test_where_both_are_there_answers_are_read_once_and_from_a_zip(tmp_path):
    path, out = tmp_path / "EdNet.zip", tmp_path / "out"
    out.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in CONTENTS.items():
            archive.writestr(name, text)
        archive.writestr("KT1/u7.csv", KT1 + "1573364188684,1,q1,a,10\n")
        archive.writestr("KT3/u7.csv", ACTIONS)
    report = extract(path, out)
    assert (report.tables["answer"], report.tables["learner_item"]) == (1, 2)
    assert any("answers are those of KT1" in note for note in report.notes)
