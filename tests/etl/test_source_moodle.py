"""Moodle's competency frameworks and course backups, written after the layout of both."""

import io
import json
import tarfile
from xml.sax.saxutils import escape

import pytest
from source_cases import Extracted, extracted

from kgplan.api.object_ids import names_of
from kgplan.errors import SourceError
from kgplan.etl.extract import extract

FRAMEWORK = (
    '"Parent ID number","ID number","Short name",Description,"Description format","Scale values",'
    '"Scale configuration","Rule type (optional)","Rule outcome (optional)",'
    '"Rule config (optional)","Cross-referenced competency ID numbers","Exported ID (optional)",'
    '"Is framework",Taxonomy\n'
    ',M,Mathematics,,1,"Not yet,Yes",,,,,,,1,"competency,competency"\n'
    ',N,Numbers,"<p>All about numbers</p>",1,,,,,,,1,,\n'
    "N,N1,Counting,,1,,,,,,,2,,\n"
    'N,N2,Addition,"<p>Sums<br>of two</p>",1,,,,,,"N1",3,,\n'
    "N,N3,Multiplication,,1,,,,,,,4,,\n"
    "X,N4,Astray,,1,,,,,,,5,,\n"
    "N,,Nameless,,1,,,,,,,6,,\n"
)


def xml(text):
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'


def done(module, expected=1):
    return {"type": "completion", "cm": module, "e": expected}


def when(operator, *children):
    return json.dumps({"op": operator, "c": children, "showc": [True] * len(children)})


def backup(activities, sections, grades=(), **more):
    """A backup's files; activities: (number, module, title, competencies, condition, rest)."""
    listed = "".join(
        f"<activity><moduleid>{n}</moduleid><sectionid>1</sectionid><modulename>{kind}"
        f"</modulename><title>{escape(title)}</title><directory>activities/{kind}_{n}</directory>"
        "</activity>"
        for n, kind, title, *_ in activities
    )
    files = {
        "moodle_backup.xml": "<moodle_backup><information><original_wwwroot>"
        "https://moodle.example/</original_wwwroot><original_course_id>57</original_course_id>"
        "<original_course_fullname>Maths &amp; more</original_course_fullname><contents>"
        f"<activities>{listed}</activities></contents></information></moodle_backup>",
        "course/course.xml": '<course id="57" contextid="1"><shortname>M</shortname></course>',
        "files.xml": "<files><file id='1'><contextid>903</contextid><component>mod_resource"
        "</component><mimetype>video/mp4</mimetype></file><file id='2'><contextid>901"
        "</contextid><component>mod_page</component><mimetype>video/mp4</mimetype></file></files>",
        **{
            f"sections/section_{number}/section.xml": f'<section id="{number}"><number>{number}'
            f"</number><name>$@NULL@$</name><sequence>{sequence}</sequence><visible>1</visible>"
            f"<availabilityjson>{escape(condition) or '$@NULL@$'}</availabilityjson>{rest}"
            "</section>"
            for number, sequence, condition, rest in sections
        },
    }
    for n, kind, _, competencies, condition, rest in activities:
        folder = f"activities/{kind}_{n}"
        told = {"visible": "1", "completion": "1"} | rest
        files[f"{folder}/module.xml"] = (
            f'<module id="{n}" version="2024"><modulename>{kind}</modulename><visible>'
            f"{told['visible']}</visible><completion>{told['completion']}</completion>"
            f"<availability>{escape(condition) or '$@NULL@$'}</availability></module>"
        )
        aligned = "".join(
            f"<competency><idnumber>{each}</idnumber><ruleoutcome>0</ruleoutcome>"
            "<frameworkidnumber>M</frameworkidnumber></competency>"
            for each in competencies
        )
        files[f"{folder}/competencies.xml"] = (
            "<course_module_competencies><competencies>"
            f"{aligned}</competencies></course_module_competencies>"
        )
        link = told.get("link", "")
        files[f"{folder}/{kind}.xml"] = (
            f'<activity id="{n + 500}" moduleid="{n}" modulename="{kind}" contextid="{n + 900}">'
            f"<{kind} id='{n + 500}'><externalurl>{link}</externalurl></{kind}></activity>"
        )
    for module, item in grades:
        files[f"activities/quiz_{module}/grades.xml"] = (
            f"<activity_gradebook><grade_items><grade_item id='{item}'/></grade_items>"
            "</activity_gradebook>"
        )
    return {name: xml(text) for name, text in (files | more).items()}


COURSE = backup(
    [
        (1, "page", "What is counting?", ["N1"], "", {}),
        (2, "forum", "News", [], "", {"completion": "0"}),
        (3, "resource", "Film", ["N1"], "", {}),
        (4, "quiz", "Counting", ["N1"], when("&", done(1), {"type": "date", "d": ">="}), {}),
        (5, "quiz", "Adding", ["N2"], when("&", done(4, 2)), {}),
        (6, "url", "Watch", ["N3"], when("&", {"type": "grade", "id": 88, "min": 50}),
         {"link": "https://www.youtube.com/watch?v=1"}),
        (7, "assign", "Essay", [], when("&", done(5)), {}),
        (8, "url", "Elsewhere", [], "", {"link": "https://maths.example/?x=.mp4"}),
        (9, "quiz", "Hidden", ["N3"], "", {"visible": "0"}),
        (10, "chat", "Talk", ["N3"], when("!&", done(1)), {}),
        (11, "subsection", "More", [], "", {}),
        (12, "lesson", "Inside", ["N9"], "", {}),
        (13, "label", "Hello", [], "", {}),
        (14, "book", "Unplaced", [], "", {}),
    ],
    [
        (0, "2,13", "", ""),
        (1, "1,3,5", "", ""),
        (2, "8,4,11,6,7,9,10,99", "", ""),
        (3, "12", "", "<component>mod_subsection</component><itemid>511</itemid>"),
    ],
    grades=[(5, 88)],
)  # fmt: skip


def packed(files):
    """As Moodle packs a backup."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return data.getvalue()


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return extracted(tmp_path_factory.mktemp("moodle"), COURSE | {"framework.csv": FRAMEWORK})


def test_competencies_are_concepts_of_their_framework(course):
    assert course.report.format == "moodle"
    assert course.rows("concept", "concept_id", "name", "explanation") == [
        ("M:N", "Numbers", "All about numbers"),
        ("M:N1", "Counting", None),
        ("M:N2", "Addition", "Sums of two"),
        ("M:N3", "Multiplication", None),
        ("M:N4", "Astray", None),
    ]
    assert course.rows("broader_concept") == [("M:N", "M:N1"), ("M:N", "M:N2"), ("M:N", "M:N3")]


def test_activities_are_items_in_the_order_of_the_page(course):
    assert course.rows("course", "course_id", "name") == [("course-57", "Maths & more")]
    ordered = sorted(course.rows("course_item"), key=lambda row: row[2])
    assert [item for _, item, _ in ordered] == [
        *("page-1", "resource-3", "quiz-5"),
        *("url-8", "quiz-4", "lesson-12", "url-6", "assign-7", "chat-10", "book-14"),
    ]
    kinds = dict(course.rows("item", "item_id", "kind"))
    assert {kinds[each] for each in ("page-1", "url-8", "chat-10", "book-14")} == {"text"}
    assert {kinds[each] for each in ("resource-3", "url-6")} == {"video"}
    assert {kinds[each] for each in ("quiz-4", "quiz-5", "lesson-12", "assign-7")} == {"exercise"}
    assert dict(course.rows("item", "item_id", "url"))["quiz-4"] == (
        "https://moodle.example/mod/quiz/view.php?id=4"
    )


def test_competencies_of_activities_are_the_q_matrix(course):
    assert course.rows("item_concept") == [
        ("chat-10", "M:N3"),
        ("page-1", "M:N1"),
        ("quiz-4", "M:N1"),
        ("quiz-5", "M:N2"),
        ("resource-3", "M:N1"),
        ("url-6", "M:N3"),
    ]


def test_restrictions_are_prerequisites_where_competencies_differ(course):
    # 5 needs 4: counting before addition. 6 needs a grade in 5: addition before multiplication.
    # 4 needs 1, of the same competency; 7 has none; 10 needs 1 not to be done.
    assert course.rows("prerequisite") == [
        ("M:N1", "M:N2", "prediction", None, None),
        ("M:N2", "M:N3", "prediction", None, None),
    ]


def test_what_is_not_read_is_told(course):
    assert sorted(row[:3] for row in course.rejects()) == [
        ("framework.csv", 7, "dangling_id"),
        ("framework.csv", 8, "missing_field"),
        # a competency that the framework has not, of the page's eighth activity; the eleventh
        ("moodle_backup.xml", 8, "dangling_id"),
        ("moodle_backup.xml", 11, "not_in_force"),
    ]
    assert [note.partition(",")[0] for note in course.report.notes] == [
        "framework.csv: 1 competencies name related ones",
        "activities forum: 1",
        "activities label: 1",
        "activities that no section has: 1",
        "access restrictions on completion: 1",
        "access restrictions on date: 1",
        "access restrictions that say nothing of concepts: 2",
    ]


def restricted(folder, *activities, sections=None):
    numbers = ",".join(str(n) for n, *_ in activities)
    files = backup(activities, sections or [(1, numbers, "", "")])
    found = extracted(folder, files)
    return set(found.rows("prerequisite", "before_id", "after_id", "any_of")), found


def test_one_of_several_activities_is_one_of_several_concepts(tmp_path):
    found, _ = restricted(
        tmp_path,
        (1, "quiz", "", ["A"], "", {}),
        (2, "quiz", "", ["B"], "", {}),
        (3, "quiz", "", ["C"], when("|", done(1), done(2)), {}),
    )
    assert found == {("M:A", "M:C", 1), ("M:B", "M:C", 1)}


def test_the_activity_before_is_the_last_whose_completion_is_tracked(tmp_path):
    found, _ = restricted(
        tmp_path,
        (1, "quiz", "", ["A"], "", {}),
        (2, "quiz", "", ["B"], "", {"completion": "0"}),
        (3, "quiz", "", ["C"], when("&", done(-1)), {}),
    )
    assert found == {("M:A", "M:C", None)}


def test_what_a_section_asks_for_its_activities_ask_for(tmp_path):
    found, _ = restricted(
        tmp_path,
        (1, "quiz", "", ["A"], "", {}),
        (2, "quiz", "", ["B"], "", {}),
        sections=[(1, "1", "", ""), (2, "2", when("&", done(1)), "")],
    )
    assert found == {("M:A", "M:B", None)}


def test_two_restrictions_that_order_both_ways_say_nothing(tmp_path):
    found, came = restricted(
        tmp_path,
        (1, "quiz", "", ["A"], "", {}),
        (2, "quiz", "", ["B"], when("&", done(1)), {}),
        (3, "quiz", "", ["A"], when("&", done(2)), {}),
        (4, "quiz", "", ["C"], when("&", done(3)), {}),
    )
    assert found == {("M:A", "M:C", None)}
    assert "access restrictions order both ways: M:A and M:B; neither is" in came.report.notes[-1]


def test_a_packed_backup_says_the_same_and_needs_no_framework(tmp_path, course):
    path, out = tmp_path / "backup-moodle2-course-57.mbz", tmp_path / "out"
    path.write_bytes(packed(COURSE))
    out.mkdir()
    found = Extracted(extract(path, out), out)
    assert found.rows("item") == course.rows("item")
    assert found.rows("course_item") == course.rows("course_item")
    assert found.rows("concept", "concept_id", "name") == [
        *(("M:N1", "N1"), ("M:N2", "N2"), ("M:N3", "N3"), ("M:N9", "N9")),
    ]
    assert found.rows("prerequisite") == course.rows("prerequisite")


def test_packed_backups_lie_beside_their_framework(tmp_path, course):
    files = {"backup.mbz": packed(COURSE), "framework.csv": FRAMEWORK}
    found = extracted(tmp_path, files)
    for table in ("concept", "broader_concept", "item", "course_item", "prerequisite"):
        assert found.rows(table) == course.rows(table)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"moodle_backup.xml": None}, "lacks moodle_backup.xml"),
        ({"files.xml": "<files>\n<file></files>"}, r"files\.xml:2 is no XML"),
        (
            {"files.xml": '<!DOCTYPE f [<!ENTITY a "b">]><files>&a;</files>'},
            r"files\.xml is no XML that can be read",
        ),
    ],
)
def test_a_backup_that_cannot_be_read_is_told_with_its_place(tmp_path, change, told):
    files = {name: text for name, text in (COURSE | change).items() if text is not None}
    with pytest.raises(SourceError, match=told):
        extracted(tmp_path, files)


@pytest.mark.parametrize(
    ("address", "item"),
    [
        ("https://moodle.example/mod/quiz/view.php?id=57", "quiz-57"),
        ("https://moodle.example/course/view.php?id=57", "course-57"),
        ("https://moodle.example/question/question.php?cmid=12&id=57", "question-57"),
        ("https://moodle.example/question/bank/editquestion/question.php?id=57", "question-57"),
    ],
)
def test_statements_name_activities_courses_and_questions_apart(address, item):
    assert item in names_of(address)
    others = {"quiz-57", "course-57", "question-57"} - {item}
    assert others.isdisjoint(names_of(address))
