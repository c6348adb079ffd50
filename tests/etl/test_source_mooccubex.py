"""MOOCCubeX's files, as its documentation and its open questions describe them, become tables."""

import json
from datetime import UTC, datetime

import pytest
from source_cases import Extracted, extracted

from kgplan.etl.sources import source_of

CS, MATHS = "计算机科学与技术", "数学"


def lines(*records):
    return "".join(
        f"{each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)}\n"
        for each in records
    )


def tabs(*pairs):
    return "".join("\t".join(pair) + "\n" for pair in pairs)


def concept(name, field=CS):
    return {"id": f"K_{name}_{field}", "name": name, "context": "..."}


def resource(type_, id_, *titles):
    return {"resource_type": type_, "resource_id": id_, "chapter": "1", "titles": list(titles)}


def piece(begun, until, at, speed=1.0):
    return {"start_point": begun, "end_point": until, "speed": speed, "local_start_time": at}


def pair(c1, c2, truth, text=(0.9, 0.1), graph=(0.9, 0.1)):
    return {
        "c1": c1,
        "c2": c2,
        "ground_truth": truth,
        "text_predict": list(text),
        "graph_predict": list(graph),
    }


def answer(user, problem, correct, at="2020-05-04 01:04:01"):
    return {
        "log_id": f"{user[2:]}_{problem[3:]}",
        "problem_id": problem,
        "user_id": user,
        "is_correct": correct,
        "attempts": 1,
        "score": 50,
        "submit_time": at,
    }


FILES = {
    "entities/concept.json": lines(
        *(concept("图"), concept("图", MATHS), concept("树"), concept("集合", MATHS)),
        *(concept("环", MATHS), concept("环", "物理学"), '{"id": "K_broken'),
    ),
    "entities/course.json": lines(
        {
            "id": "C_1",
            "name": "算法",
            "field": [],
            "resource": [
                resource("video", "V_1", "一", "图"),
                resource("exercise", "Ex_1", "一", "习题", ""),
                resource("video", "V_2", "二"),
                resource("video", "V_9", "三"),  # no ccid is known
                resource("exercise", "Ex_9", "期末"),  # its problems are not known
                resource("cloud", "X_1", "别的"),
            ],
        },
        {"id": "C_2", "name": "算法, 秋", "resource": [resource("video", "V_3", "图 again")]},
        {"id": "C_3", "name": "空"},
    ),
    "entities/video.json": lines(
        {"ccid": "aa", "name": "图", "start": [0.0, 60.5], "end": [60.0, 100.0], "text": ["", ""]}
    ),
    "entities/problem.json": lines(
        {"id": "Pm_1", "exercise_id": "Ex_1", "title": "习题一", "content": "?"},
        {"id": "Pm_7", "exercise_id": "Ex_7", "title": "无课程"},
    ),
    # V_1 and V_3 are runs of one video
    "relations/video_id-ccid.txt": tabs(("V_1", "aa"), ("V_2", "bb"), ("V_3", "aa"), ("V_8",)),
    "relations/exercise-problem.txt": tabs(("Ex_1", "Pm_2"), ("Ex_1", "Pm_1"), ("Ex_8", "Pm_8")),
    "relations/concept-video.txt": tabs(
        (f"K_图_{CS}", "aa"), (f"K_树_{CS}", "aa"), (f"K_图_{CS}", "zz"), ("no tab",)
    ),
    "relations/concept-problem.txt": tabs((f"K_树_{CS}", "Pm_2")),
    "prerequisites/cs.json": lines(
        pair("图", "树", 1),  # of the file's field, though 数学 has a 图 too
        pair("集合", "图", -1, (0.25, 0.75), (0.0, 1.0)),  # the only 集合 there is
        pair("树", "图", 0, (0.1, 0.9), (0.1, 0.9)),  # people say no
        pair("树", "集合", -1, (0.6, 0.4), (0.5, 0.5)),  # programs do
        pair("环", "图", 1),
        pair("群", "图", 1),
        pair("图", "集合", -1, ("?",), ()),
        pair("图", "集合", 2),
    ),
    "prerequisites/math.json": lines(pair("图", "集合", -1, (0.2, 0.8), ())),
    "relations/user-video.json": lines(
        {
            "user_id": "U_1",
            "seq": [
                {
                    "video_id": "V_1",
                    "segment": [
                        piece(0.0, 30.0, 1582449532),
                        piece(20.0, 40.0, 1582449600),  # 10 s of it twice
                        piece(70.0, 60.0, 1582449700),  # ends before it begins
                        piece(90.0, 100.0, 1582449800),
                    ],
                },
                {"video_id": "V_2", "segment": [piece(0.0, 80.0, 1582450000)]},
                {"video_id": "V_404", "segment": [piece(0.0, 5.0, 1582450000)]},
            ],
        },
        {
            "user_id": "U_2",
            "seq": [{"video_id": "V_2", "segment": [piece(100, 120.0, 1582460000)]}],
        },
        {"user_id": "U_3", "seq": []},
        "[1, 2]",
    ),
    "relations/user-problem.json": lines(
        answer("U_1", "Pm_1", 1),
        answer("U_1", "Pm_2", 0),
        answer("U_1", "Pm_7", 1, "2020-05-05 00:00:00"),
        answer("U_1", "Pm_404", 1),
        answer("U_2", "Pm_8", None),
        answer("U_2", "Pm_8", True, "yesterday"),
    ),
    "entities/user.json": lines(
        {"id": "U_1", "course_order": [2, 3], "enroll_time": ["2020-01-02 03:04:05", ""]},
        {"id": "U_2", "course_order": ["C_1", 404], "enroll_time": ["2020-01-01 00:00:00"]},
        {"id": "U_9", "course_order": [1], "enroll_time": ["2020-01-01 00:00:00"]},
        {"id": "U_8", "course_order": []},
        "{",
    ),
}


@pytest.fixture(scope="module")
def read(tmp_path_factory) -> Extracted:
    return extracted(tmp_path_factory.mktemp("mooccubex"), FILES)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def test_a_group_of_exercises_stands_for_its_problems_and_runs_of_a_video_for_one(read):
    assert read.report.format == "mooccubex"
    assert read.rows("course", "course_id", "name") == [
        ("C_1", "算法"),
        ("C_2", "算法, 秋"),
        ("C_3", "空"),
    ]
    in_order = sorted(read.rows("course_item"), key=lambda row: (row[0], row[2]))
    assert [row[:2] for row in in_order] == [
        *(("C_1", item) for item in ("aa", "Pm_2", "Pm_1", "bb", "V_9", "Ex_9", "X_1")),
        ("C_2", "aa"),
    ]
    # lengths: the last subtitle's end; of bb the furthest that anyone came
    assert {row[0]: row[1:] for row in read.rows("item")} == {
        "aa": ("video", "图", 100.0, None),
        "bb": ("video", "二", 120.0, None),
        "V_9": ("video", "三", None, None),
        "Pm_1": ("exercise", "习题一", None, None),
        "Pm_2": ("exercise", "习题", None, None),
        "Pm_7": ("exercise", "无课程", None, None),
        "Pm_8": ("exercise", None, None, None),
        "Ex_9": ("exercise", "期末", None, None),
        "X_1": ("text", "别的", None, None),
    }
    assert read.rows("item_concept") == [
        ("Pm_2", f"K_树_{CS}"),
        ("aa", f"K_图_{CS}"),
        ("aa", f"K_树_{CS}"),
    ]


def test_prerequisites_are_what_people_say_and_where_nobody_did_what_programs_do(read):
    here = f"K_图_{CS}"
    sets, graphs = f"K_集合_{MATHS}", f"K_图_{MATHS}"
    assert sorted(read.rows("prerequisite")) == sorted(
        [
            (here, f"K_树_{CS}", "dependency", None, None),
            (sets, here, "prediction", pytest.approx((0.75 + 1.0) / 2), None),
            (graphs, sets, "prediction", pytest.approx(0.8), None),
        ]
    )
    assert any(
        "prerequisites/cs.json: left out 1 pairs that people call none and 1" in note
        for note in read.report.notes
    )


def test_what_was_played_twice_counts_once_and_jumps_back_not_at_all(read):
    views = read.rows("learner_item", "learner_id", "item_id", "watched", "first_started_at")
    assert views == [
        ("U_1", "aa", pytest.approx(50 / 100), at(1582449532)),
        ("U_1", "bb", pytest.approx(80 / 120), at(1582450000)),
        ("U_2", "bb", pytest.approx(20 / 120), at(1582460000)),
    ]
    # V_1 is shown in C_1 alone, though its video is in both
    assert read.rows("watch", "learner_id", "course_id", "item_id") == [
        ("U_1", "C_1", "aa"),
        ("U_1", "C_1", "bb"),
        ("U_2", "C_1", "bb"),
    ]


def test_answers_are_those_of_problems_that_are_known(read):
    assert read.rows("answer", "learner_id", "item_id", "score", "answered_at") == [
        ("U_1", "Pm_1", 1.0, datetime(2020, 5, 4, 1, 4, 1)),
        ("U_1", "Pm_2", 0.0, datetime(2020, 5, 4, 1, 4, 1)),
        ("U_1", "Pm_7", 1.0, datetime(2020, 5, 5)),
    ]


def test_learners_take_the_courses_they_chose_and_those_whose_videos_they_opened(read):
    taken = read.rows("learner_course", "learner_id", "course_id", "enrolled_at")
    assert sorted(taken, key=str) == sorted(
        [
            ("U_1", "C_1", at(1582449532)),  # by its views alone
            ("U_1", "C_2", datetime(2020, 1, 2, 3, 4, 5)),
            ("U_1", "C_3", None),
            ("U_2", "C_1", at(1582460000)),  # chosen: which of the two times is not told
            ("U_9", "C_1", datetime(2020, 1, 1)),  # nothing else is known of this learner
        ],
        key=str,
    )
    assert ("U_9",) in read.rows("learner")
    assert ("U_8",) not in read.rows("learner")


def test_every_row_that_is_lost_is_told_with_its_place(read):
    assert [row[:3] for row in read.rejects()] == [
        ("entities/concept.json", 7, "broken_json"),
        ("entities/user.json", 2, "dangling_id"),
        ("entities/user.json", 5, "broken_json"),
        ("prerequisites/cs.json", 5, "ambiguous_name"),
        ("prerequisites/cs.json", 6, "unresolved_name"),
        ("prerequisites/cs.json", 7, "broken_row"),
        ("prerequisites/cs.json", 8, "broken_row"),
        ("relations/concept-video.txt", 3, "dangling_id"),
        ("relations/concept-video.txt", 4, "broken_row"),
        ("relations/user-problem.json", 4, "dangling_id"),
        ("relations/user-problem.json", 5, "missing_field"),
        ("relations/user-problem.json", 6, "impossible_time"),
        ("relations/user-video.json", 1, "dangling_id"),
        ("relations/user-video.json", 3, "missing_field"),
        ("relations/user-video.json", 4, "broken_json"),
    ]
    note = "relations/video_id-ccid.txt: 1 rows without two columns, the first on line 4"
    assert note in read.report.notes
    assert read.report.unused == ()
    assert "prerequisites/psy.json" in read.report.absent


def test_the_concepts_and_courses_alone_are_enough(tmp_path):
    needed = ("entities/concept.json", "entities/course.json", "relations/concept-video.txt")
    few = extracted(tmp_path, {name: FILES[name] for name in needed})
    assert [row[:2] for row in few.rows("course_item") if row[0] == "C_2"] == [("C_2", "V_3")]
    assert {"relations/user-video.json", "relations/video_id-ccid.txt"} <= set(few.report.absent)


def test_it_is_told_from_mooccube(tmp_path, mini_source):
    assert source_of(mini_source).name == "mooccube"
    for name in FILES:
        path = tmp_path / "MOOCCubeX" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert source_of(tmp_path).name == "mooccubex"


def test_files_in_other_forms_say_the_same_and_it_is_said(read, tmp_path):
    videos, groups = "entities/video.json", "relations/exercise-problem.txt"
    needs = "relations/concept-problem.txt"
    odd = FILES | {
        videos: json.dumps([json.loads(line) for line in FILES[videos].splitlines()], indent=1),
        groups: json.dumps([line.split("\t") for line in FILES[groups].splitlines()]),
        needs: ("concept_id,problem_id\n" + FILES[needs].replace("\t", ",")).encode("utf-16"),
    }
    found = extracted(tmp_path, odd)
    assert found.report.tables == read.report.tables
    for table in ("item", "item_concept", "course_item", "answer"):
        assert sorted(found.rows(table), key=str) == sorted(read.rows(table), key=str)
    assert set(found.report.notes) - set(read.report.notes) == {
        f"{videos}: read as one JSON list",
        f"{groups}: read as JSON",
        f"{needs}: read as UTF-16, separated by commas, with a header",
    }
