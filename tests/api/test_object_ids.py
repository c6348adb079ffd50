"""Which of our ids an activity's id may stand for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplan.api.object_ids import LONGEST, ObjectIds
from kgplan.data.events import known_name, usable_id
from kgplan.errors import ConfigError

KEY = "block-v1:edX+D+T+type@video+block@7f"


@pytest.mark.parametrize(
    ("object_id", "known", "item"),
    [
        ("https://tube.example/watch?v=V_1&t=30s", {"V_1"}, "V_1"),
        ("https://tube.example/watch?list=PL1&index=2&v=V_1", {"V_1", "2"}, "V_1"),
        ("https://tu.be/V_1?t=30", {"V_1"}, "V_1"),
        ("https://tube.example/embed/V_1?start=9&end=20#x", {"V_1"}, "V_1"),
        ("https://lms.example/video/V_1#t=10,20", {"V_1"}, "V_1"),
        ("https://lms.example/video/V_1/?lang=en#comments", {"V_1"}, "V_1"),
        ("https://lms.example/video/V_1;jsessionid=A8", {"V_1"}, "V_1"),
        ("https://lms.example/video/V_1?subContentId=080661d3-6895-43b1", {"V_1"}, "V_1"),
        ("https://tu.be/V_1&t=30", {"V_1"}, "V_1"),
        ("i4x://X/D/video/" + "7f" * 16, {"V_" + "7f" * 16}, "V_" + "7f" * 16),
        ("https://lms.example/#/video/V_1", {"V_1"}, "V_1"),
        ("https://lms.example/videos#V_1", {"V_1"}, "V_1"),
        ("https://lms.example/video?id=V_1", {"V_1"}, "V_1"),
        ("https://lms.example/play?userId=V_2&contentId=V_1", {"V_1", "V_2"}, "V_1"),
        ("https://lms.example/video/V%201", {"V 1"}, "V 1"),
        ("urn:kgplan:video:V_1", {"V_1"}, "V_1"),
        ("V_1", {"V_1"}, "V_1"),
        (f"http://lms.example/xblock/{KEY}", {"V_7f"}, "V_7f"),
        (f"http://lms.example/xblock/{KEY}", {"V_7f", KEY}, KEY),
        (f"http://lms.example/xblock/{KEY}", set(), KEY),
        (KEY, {"V_7f"}, "V_7f"),
        # a lesson's own page in a course is the lesson's
        ("https://lms.example/courses/course-v1:X+D/V_1", {"V_1"}, "V_1"),
        ("https://lms.example/courses/course-v1:X+D/info", {"C_course-v1:X+D"}, "C_course-v1:X+D"),
        ("http://lms.example/x/ccx-" + KEY.replace("+type", "+ccx@1+type"), {"V_7f"}, "V_7f"),
        ("http://lms.example/course/course-v1:X%2BD/", {"C_course-v1:X+D"}, "C_course-v1:X+D"),
        ("course-v1:X+D", {"course-v1:X+D"}, "course-v1:X+D"),
        # Moodle's, as they were read before
        ("https://moodle.example/mod/quiz/view.php?id=57", {"57"}, "57"),
        ("https://moodle.example/mod/hvp/view.php?id=57&subContentId=08", {"57"}, "57"),
        ("https://moodle.example/mod/hvp/view.php?id=57?subContentId=08", {"57"}, "57"),
        ("https://moodle.example/question/question.php?cmid=12&id=57", {"57", "12"}, "57"),
        ("https://moodle.example/mod/quiz/review.php?attempt=12&cmid=57", {"57", "12"}, "57"),
        ("https://moodle.example/xapi/activity/57", {"57"}, "57"),
    ],
)  # fmt: skip
def test_the_name_that_the_data_know_is_found_in_an_address(object_id, known, item):
    first, *others = ObjectIds().names(object_id)
    assert known_name(first, others, known) == item


def test_what_is_not_known_keeps_different_things_apart():
    things = [
        "https://moodle.example/question/question.php?id=57",
        "https://moodle.example/course/view.php?id=57",
        "https://moodle.example/mod/quiz/view.php?id=57",
        "https://moodle.example/xapi/activity/57",
        "https://lms.example/video/V_9?next=V_2",
        "https://lms.example/video/V_2",
    ]
    assert len({ObjectIds().names(each)[0] for each in things}) == len(things)
    assert "V_2" not in ObjectIds().names(things[4])


@given(st.text() | st.text("/?#=&:;ab%@+.", max_size=60))
def test_any_text_gives_usable_names_or_none(object_id):
    assert all(usable_id(name) for name in ObjectIds().names(object_id))


def test_an_address_without_end_names_nothing():
    assert ObjectIds().names("https://lms.example/" + "#/" * LONGEST) == ()


def test_a_pattern_maps_a_platforms_ids():
    ids = ObjectIds.of(r"/(video|course)s?/0*(\d+) => \1-\2")
    assert ids.names("https://lms.example/videos/007?t=3") == ("video-7",)
    assert ids.names("https://lms.example/course/7") == ("course-7",)
    assert ids.names("https://lms.example/other/7") == ("7",)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("(a => b", "no pattern"),
        (r"a => \2", "invalid group reference"),
        ("=> b", "lacks a pattern"),
        ("a =>", "lacks a pattern or a template"),
        ("nowhere.csv", "cannot be read: No such file"),
    ],
)
def test_a_pattern_or_path_of_no_use_is_refused(given, said):
    with pytest.raises(ConfigError, match=said) as refused:
        ObjectIds.of(given)
    assert "KGPLAN_ITEM_IDS" in str(refused.value)


def test_a_table_maps_single_activities_whatever_follows_their_ids(tmp_path):
    path = tmp_path / "ids.csv"
    rows = 'https://m.example/mod/page/view.php?id=9,V_1\r\n"https://m.example/a,b",V_2\n\n'
    path.write_text("\ufeffitem_id,object_id\nC_1,https://m.example/course/view.php?id=3\n")
    assert ObjectIds.of(str(path)).names("https://m.example/course/view.php?id=3") == ("C_1",)
    path.write_text("object_id,item_id\n" + rows)
    ids = ObjectIds.of(str(path))
    assert ids.names("https://m.example/mod/page/view.php?id=9#top") == ("V_1",)
    assert ids.names("https://m.example/a,b/?x=1") == ("V_2",)
    assert "9" in ids.names("https://m.example/mod/quiz/view.php?id=9")
    path.write_text(f"object_id,item_id\n{KEY},V_3\n")
    assert ObjectIds.of(str(path)).names(f"http://lms.example/xblock/{KEY}") == ("V_3",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"object,item\na,b\n", ":1: the columns are object, item"),
        (b"", ":1: the columns are none"),
        (b"object_id,item_id\n", "has no rows"),
        (b"object_id,item_id\na,b,c\n", ":2: the row has 3 fields, the header 2"),
        (b"object_id,item_id\na,b\na,c\n", ":3: 'a' is 'c' here and 'b' above"),
        (b"object_id,item_id\na,\n", ":2: 'a' is given the id ''"),
        (b"object_id,item_id\na,\xff\n", "no CSV table in UTF-8"),
    ],
)
def test_a_table_of_no_use_is_refused_with_its_line(tmp_path, content, said):
    path = tmp_path / "ids.csv"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        ObjectIds.of(str(path))
