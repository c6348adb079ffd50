"""Junyi Academy's files of 2015, after their own description, become tables."""

from datetime import UTC, datetime

import pytest
from source_cases import extracted

HEADER = (
    "name,live,prerequisites,h_position,v_position,creation_date,seconds_per_fast_problem,"
    "pretty_display_name,short_display_name,topic,area\n"
)
LOG = (
    "user_id,exercise,problem_type,problem_number,topic_mode,suggested,review_mode,time_done,"
    "time_taken,time_taken_attempts,correct,count_attempts,hint_used,count_hints,"
    "hint_time_taken_list,earned_proficiency,points_earned\n"
)
ASKED = (
    "Exercise_A,Exercise_B,Similarity_avg,Similarity_raw,Difficulty_avg,Difficulty_raw,"
    "Prerequisite_avg,Prerequisite_raw\n"
)


def log(user, exercise, at, correct):
    return f"{user},{exercise},0,1,false,false,false,{at},4,3&1,{correct},2,false,0,null,false,0\n"


def asked(a, b, score):
    return f"{a},{b},1,1_1,1,1_1,{score},1_9\n"


FILES = {
    "junyi/junyi_Exercise_table.csv": HEADER
    + "circles,TRUE,,1,2,2012,13,圓,,shapes,geometry\n"
    + "parts_of_circles,TRUE,,1,2,2012,13,圓的部分,圓,shapes,geometry\n"
    + 'radius,TRUE,"circles,parts_of_circles",1,2,2012,13,,半徑,shapes,geometry\n'
    + "adding,TRUE,,1,2,2012,13,,,,arithmetic\n"
    + "subtracting,TRUE,adding,1,2,2012,13,,,,arithmetic\n"
    + "looping,TRUE,looping,1,2,2012,13,,,shapes,geometry\n"
    + "lost,TRUE,unknown,1,2,2012,13,,,shapes,geometry\n"
    + "short,TRUE\n",
    # B is what is needed before A, from 1 to 9
    "junyi/relationship_annotation_training.csv": ASKED
    + asked("radius", "parts_of_circles", 7)
    + asked("radius", "circles", 2)  # people doubt what the map draws
    + asked("radius", "adding", 5.5)
    + asked("adding", "radius", 1)
    + asked("adding", "circles", 11),
    "junyi/relationship_annotation_testing.csv": ASKED
    + asked("circles", "adding", 9)
    + asked("radius", "adding", 8),
    "junyi/junyi_ProblemLog_original.csv": LOG
    + log(12884, "radius", 1420714810324490, "false")
    + log(12884, "radius", 1420714820324490, "true")
    + log(7, "gone", 1420714810324490, "true")
    + log(7, "adding", "later", "true")
    + log(7, "adding", 1420714810324490, "maybe"),
}


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    return extracted(tmp_path_factory.mktemp("junyi"), FILES)


def test_an_exercise_is_a_concept_below_its_topic_and_an_item(read):
    assert read.report.format == "junyi"
    names = dict(read.rows("concept", "concept_id", "name"))
    assert names["skill-radius"] == "半徑"
    assert names["skill-adding"] == "adding"
    assert {"area-geometry", "area-arithmetic", "topic-shapes"} <= set(names)
    broader = set(read.rows("broader_concept"))
    assert {("area-geometry", "topic-shapes"), ("topic-shapes", "skill-radius")} <= broader
    assert ("area-arithmetic", "skill-adding") in broader
    assert ("exercise-radius", "skill-radius") in read.rows("item_concept")
    assert {row[1] for row in read.rows("item", "item_id", "kind")} == {"exercise"}


def test_what_is_drawn_is_as_strong_as_people_say_and_what_most_call_needed_is_added(read):
    assert read.rows("prerequisite", "before_id", "after_id", "source", "strength") == [
        ("skill-adding", "skill-circles", "dependency", 1.0),
        ("skill-adding", "skill-radius", "dependency", pytest.approx(7 / 8)),
        ("skill-adding", "skill-subtracting", "dependency", None),
        ("skill-circles", "skill-radius", "dependency", pytest.approx(1 / 8)),
        ("skill-parts_of_circles", "skill-radius", "dependency", pytest.approx(6 / 8)),
    ]


def test_times_are_microseconds_and_first_tries_are_scored(read):
    when = datetime.fromtimestamp(1420714810.324490, UTC).replace(tzinfo=None)
    answers = read.rows("answer", "learner_id", "item_id", "score", "answered_at")
    assert answers[0] == ("12884", "exercise-radius", 0.0, when)
    assert [row[2] for row in answers] == [0.0, 1.0]


def test_what_is_lost_is_told(read):
    table, folder = "junyi_Exercise_table.csv", "junyi_ProblemLog_original.csv"
    assert [row[:3] for row in read.rejects()] == [
        (table, 7, "self_loop"),
        (table, 8, "dangling_id"),
        (table, 9, "broken_row"),
        (folder, 4, "dangling_id"),
        (folder, 5, "impossible_time"),
        (folder, 6, "broken_row"),
        ("relationship_annotation_training.csv", 4, "duplicate"),  # the other file is read first
        ("relationship_annotation_training.csv", 5, "not_a_prerequisite"),
        ("relationship_annotation_training.csv", 6, "broken_row"),
    ]
