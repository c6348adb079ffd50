"""OneRoster's gradebook, with the CASE package that its learning objectives are of."""

import json
from datetime import datetime

import pytest
from source_cases import extracted

from kgplan.errors import SourceError

ADD, SUM = "1aaaaaaa-0000-4000-8000-000000000000", "2aaaaaaa-0000-4000-8000-000000000000"
ELSEWHERE = "9aaaaaaa-0000-4000-8000-000000000000"
BASE = "sourcedId,status,dateLastModified"

FILES = {
    "manifest.csv": "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n"
    "file.results,delta\nfile.lineItems,bulk\n",
    "orgs.csv": f"{BASE},name,type\no1,,,School,school\n",
    "courses.csv": f"{BASE},schoolYearSourcedId,title,courseCode\n"
    "7,,,,Maths 7,M7\n8,tobedeleted,2026-01-01T00:00:00Z,,Maths 8,M8\n",
    "classes.csv": f"{BASE},title,grades,courseSourcedId\n"
    "1,,,Maths 7a,7,7\n2,,,Maths 7b,7,7\n3,,,Old,8,8\n",
    "lineItems.csv": f"{BASE},title,description,assignDate,dueDate,classSourcedId,"
    "categorySourcedId,gradingPeriodSourcedId,resultValueMin,resultValueMax,schoolSourcedId\n"
    '1,,,"Sums, again",,2026-02-01,2026-02-20,1,c,g,0,20,s\n'
    "2,,,Addition,,2026-02-01,2026-02-10,2,c,g,1,5,s\n"
    "3,tobedeleted,2026-03-01T00:00:00Z,Gone,,,,1,c,g,0,1,s\n"
    "4,,,No scale,,,,1,c,g,,,s\n"
    "5,,,Nowhere,,,,99,c,g,0,1,s\n"
    "6,,,short\n",
    "results.csv": f"{BASE},lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment,"
    "textScore\n"
    "r1,active,,1,ada,fully graded,15,2026-02-21,,\n"  # 15 of 20
    "r2,,,2,ada,Fully Graded,2,2026-02-11,,\n"  # from 1 to 5: a quarter
    "r3,,,1,bob,partially graded,3,2026-02-21,,\n"
    "r4,,,1,cyd,exempt,,2026-02-21,,\n"
    "r5,tobedeleted,,1,dan,fully graded,20,2026-02-21,,\n"
    "r6,,,1,eve,fully graded,23,2026-02-21,extra,\n"  # above the highest
    "r7,,,1,fay,fully graded,,2026-02-21,,B+\n"
    "r8,,,4,ada,fully graded,1,2026-02-21,,\n"
    "r9,,,3,ada,fully graded,1,2026-02-21,,\n"
    "r10,,,77,ada,fully graded,1,2026-02-21,,\n"
    "r11,,,1,gus,fully graded,-4,2026-02-21,,\n"
    "r12,,,1,hal,fully graded,many,2026-02-21,,\n",
    "enrollments.csv": f"{BASE},classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate\n"
    "e1,,,1,o1,ada,student,,2026-01-10,\n"
    "e2,,,2,o1,ada,Student,,2026-01-08,\n"  # another class of the same course
    "e3,active,,1,o1,ivy,student,,,\n"  # without any result
    "e4,,,1,o1,tom,teacher,true,2026-01-01,\n"
    "e5,tobedeleted,,1,o1,jon,student,,,\n"
    "e6,,,99,o1,kim,student,,,\n"
    "e7,,,3,o1,lea,student,,,\n",  # of a course that is deleted
    "lineItemLearningObjectiveIds.csv": f"{BASE},lineItemSourcedId,source,learningObjectiveId\n"
    f"a1,,,1,case,{SUM.upper()}\n"
    f"a2,,,1,unknown,local-3\n"
    f"a3,tobedeleted,,1,case,{ADD}\n"
    f"a4,,,1,case,{ELSEWHERE}\n",
    "resultLearningObjectiveIds.csv": f"{BASE},resultSourcedId,score,textScore,source,"
    "learningObjectiveId\n"
    f"b1,,,r2,3,,case,{ADD}\n"
    f"b2,,,r1,,,case,{SUM}\n"  # which its line item says, too
    f"b3,,,r99,,,case,{ADD}\n",
}
PACKAGE = {
    "CFDocument": {"identifier": "0aaaaaaa-0000-4000-8000-000000000000", "title": "Numbers"},
    "CFItems": [
        {"identifier": ADD, "fullStatement": "Add", "language": "en"},
        {"identifier": SUM, "fullStatement": "Sum", "language": "en"},
    ],
    "CFAssociations": [
        {
            "associationType": "precedes",
            "originNodeURI": {"identifier": ADD},
            "destinationNodeURI": {"identifier": SUM},
        }
    ],
}


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    return extracted(
        tmp_path_factory.mktemp("oneroster"), FILES | {"numbers.json": json.dumps(PACKAGE)}
    )


def test_line_items_are_exercises_of_their_course_as_they_are_due(school):
    assert school.report.format == "oneroster"
    assert school.rows("course", "course_id", "name") == [("course-7", "Maths 7")]
    assert school.rows("item", "item_id", "kind", "name") == [
        ("lineitem-1", "exercise", "Sums, again"),
        ("lineitem-2", "exercise", "Addition"),
        ("lineitem-4", "exercise", "No scale"),
    ]
    assert school.rows("course_item") == [
        ("course-7", "lineitem-1", 1),
        ("course-7", "lineitem-2", 0),
        ("course-7", "lineitem-4", 2),
    ]


def test_objectives_of_case_are_the_q_matrix(school):
    assert school.rows("concept", "concept_id", "name") == [(ADD, "Add"), (SUM, "Sum")]
    assert school.rows("prerequisite", "before_id", "after_id") == [(ADD, SUM)]
    assert school.rows("item_concept") == [("lineitem-1", SUM), ("lineitem-2", ADD)]


def test_fully_graded_results_are_answers_on_the_line_items_scale(school):
    assert school.rows("answer", "learner_id", "item_id", "score") == [
        ("ada", "lineitem-2", 0.25),
        ("ada", "lineitem-1", 0.75),
        ("eve", "lineitem-1", 1.0),
    ]


def test_students_take_the_courses_of_their_classes_whatever_results_they_have(school):
    assert school.rows("learner_course") == [
        ("ada", "course-7", datetime(2026, 1, 8), 0),
        ("eve", "course-7", datetime(2026, 2, 21), 0),  # by the result alone
        ("ivy", "course-7", None, 0),
    ]
    assert school.rows("learner") == [("ada",), ("eve",), ("ivy",)]


def test_what_does_not_count_is_left_out_by_its_meaning_and_what_is_wrong_is_told(school):
    assert sorted(each[:3] for each in school.rejects()) == [
        ("courses.csv", 3, "not_in_force"),
        ("enrollments.csv", 6, "not_in_force"),
        ("enrollments.csv", 7, "dangling_id"),
        ("enrollments.csv", 8, "dangling_id"),
        ("lineItemLearningObjectiveIds.csv", 4, "not_in_force"),
        ("lineItemLearningObjectiveIds.csv", 5, "dangling_id"),
        ("lineItems.csv", 4, "not_in_force"),
        ("lineItems.csv", 6, "dangling_id"),
        ("lineItems.csv", 7, "broken_row"),
        ("resultLearningObjectiveIds.csv", 4, "dangling_id"),
        ("results.csv", 4, "not_in_force"),
        ("results.csv", 5, "not_in_force"),
        ("results.csv", 6, "not_in_force"),
        ("results.csv", 8, "missing_field"),
        ("results.csv", 9, "missing_field"),
        ("results.csv", 10, "not_in_force"),
        ("results.csv", 11, "dangling_id"),
        ("results.csv", 12, "broken_row"),
        ("results.csv", 13, "broken_row"),
    ]
    left_out = {f.file: f.left_out for f in school.report.files if f.left_out}
    assert left_out["results.csv"] == {"not_in_force": 4}
    notes = "\n".join(school.report.notes)
    assert "only what changed since an earlier export (delta): results" in notes
    assert "enrollments.csv: 1 of role 'teacher'" in notes
    assert "1 scores above the line item's highest" in notes
    assert "1 objectives of source 'unknown'" in notes
    assert "1 scores of single objectives" in notes
    assert "orgs.csv" in school.report.unused


def test_without_packages_and_classes_objectives_have_ids_for_names(tmp_path):
    files = {
        name: text for name, text in FILES.items() if name not in ("classes.csv", "results.csv")
    }
    found = extracted(tmp_path, files)
    assert found.rows("concept", "concept_id", "name") == [(k, k) for k in (ADD, SUM, ELSEWHERE)]
    assert {course for course, *_ in found.rows("course_item")} == {
        "class-1",
        "class-2",
        "class-99",
    }
    assert "no CASE package lies beside" in "\n".join(found.report.notes)


def test_a_column_that_is_needed_is_named(tmp_path):
    files = {"lineItems.csv": "sourcedId,status,classSourcedId\n1,,1\n"}
    with pytest.raises(SourceError, match=r"lineItems\.csv has no column 'title'"):
        extracted(tmp_path, files)
