"""Open edX courses: expectations written by hand from what OLX and its tables of tags say."""

import gzip
import io
import json
import re
import tarfile
import zipfile
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from kgplan.api.history import load
from kgplan.api.object_ids import ObjectIds, names_of
from kgplan.api.statements import StatementRules
from kgplan.data.events import evidence_of
from kgplan.errors import InputError, SourceError
from kgplan.etl.archive import open_archive
from kgplan.etl.extract import extract
from kgplan.etl.losses import refuse_lossy, refuse_unread
from kgplan.etl.sources import source_of
from kgplan.etl.sources.olx import Unreadable, parse
from kgplan.etl.sources.openedx import SOURCE
from kgplan.store.events import open_events

SOURCES = Path(__file__).parent.parent.parent / "docs" / "guide" / "sources.md"
BLOCK = "block-v1:Uni+M7+2026+type@{}+block@{}".format
COURSE = "course-v1:Uni+M7+2026"

TAGS = """\
"Name","Type","ID","skills","languages-v1","level"
"Mathematics 7","course","course-v1:Uni+M7+2026","Mathematics","",""
"  Fractions","chapter","c1","Fractions","",""
"    Halves","sequential","s1","","",""
"      Unit","vertical","u1","Halves; Quarters","English","Easy"
"        Watch","video","v1","","",""
"        Try","problem","p1","Halves","","Hard"
"  Percentages","chapter","c2","","",""
"        Read","html","h1","Percentages","",""
"""

EMPTY = "Name,Type,ID,skills\n"

PLAIN = {
    "course.xml": '<course url_name="2026" org="Uni" course="M7"/>',
    "course/2026.xml": """<course display_name="Name of the file" start="2026-01-01T00:00:00Z">
        <chapter url_name="c1"/><chapter url_name="c2"/><wiki slug="Uni.M7.2026"/></course>""",
    "policies/2026/policy.json": json.dumps({"course/2026": {"display_name": "Mathematics 7"}}),
    "chapter/c1.xml": '<chapter display_name="Fractions"><sequential url_name="s1"/></chapter>',
    "chapter/c2.xml": '<chapter display_name="Percentages"><sequential url_name="s2"/></chapter>',
    "sequential/s1.xml": '<sequential display_name="Halves"><vertical url_name="u1"/></sequential>',
    # all of a unit in the file of its subsection
    "sequential/s2.xml": """<sequential display_name="Hundredths">
        <vertical url_name="u2" display_name="Unit">
          <html url_name="h1" display_name="Read" filename="h1"/>
          <problem url_name="p2" display_name="Try"><p>How <b>much</b>?</p></problem>
        </vertical></sequential>""",
    "vertical/u1.xml": """<vertical display_name="Unit">
        <video url_name="v1"/><problem url_name="p1"/><discussion url_name="d1"/></vertical>""",
    "video/v1.xml": """<video url_name="v1" display_name="Watch" youtube_id_1_0="x"
        start_time="00:00:00" end_time="00:00:00">
        <video_asset client_video_id="a.mp4" duration="93.5"><encoded_video/></video_asset>
        </video>""",
    "problem/p1.xml": '<problem display_name="Try" max_attempts="2"><multiplechoiceresponse/>'
    "</problem>",
    "html/h1.html": "<p>Text &nbsp; that is no XML<p>",
    "tags.csv": TAGS,
}


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def packed(path, files, top="course/"):
    """An export as Studio packs it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(top + name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


class Read:
    """What came of an archive."""

    def __init__(self, path: Path, out: Path) -> None:
        out.mkdir()
        self.out = out
        self.report = extract(path, out, source=SOURCE)

    def rows(self, table, *columns):
        found = pq.read_table(self.out / f"{table}.parquet").to_pylist()
        return [tuple(row[name] for name in columns) for row in found]

    @property
    def order(self):
        rows = self.rows("course_item", "course_id", "position", "item_id")
        return [(course, item) for course, _, item in sorted(rows)]

    @property
    def items(self):
        return {row[0]: row[1:] for row in self.rows("item", "item_id", "kind", "name", "duration")}

    @property
    def rejects(self):
        return self.rows("rejects", "file", "table_name", "reason", "detail")

    def notes(self, start):
        return [note for note in self.report.notes if note.startswith(start)]


@pytest.fixture
def read(tmp_path):
    def run(files, **more):
        return Read(write(tmp_path / "in", files | more), tmp_path / "out")

    return run


PLAIN_ORDER = [
    (COURSE, BLOCK("video", "v1")),
    (COURSE, BLOCK("problem", "p1")),
    (COURSE, BLOCK("html", "h1")),
    (COURSE, BLOCK("problem", "p2")),
]


@pytest.mark.parametrize("how", ["folder", "in a folder", "packed", "packed in a folder"])
def test_a_course_is_read_in_its_order_however_it_lies(how, tmp_path):
    if how == "packed":
        path = packed(tmp_path / "course.vtf.tar.gz", PLAIN)
    elif how == "packed in a folder":
        path = packed(tmp_path / "in" / "course.vtf.tar.gz", PLAIN).parent
    else:
        path = tmp_path / "in"
        write(path / "export" if how == "in a folder" else path, PLAIN)
    assert source_of(path) is SOURCE
    found = Read(path, tmp_path / "out")
    assert found.order == PLAIN_ORDER
    assert found.rows("course", "course_id", "name") == [(COURSE, "Mathematics 7")]
    assert found.items == {
        BLOCK("html", "h1"): ("text", "Read", None),
        BLOCK("problem", "p1"): ("exercise", "Try", None),
        BLOCK("problem", "p2"): ("exercise", "Try", None),
        BLOCK("video", "v1"): ("video", "Watch", 93.5),
    }
    assert found.rejects == []
    assert found.notes("Uni+M7+2026") == ["Uni+M7+2026: no video, exercise or text: discussion 1"]


def test_a_damaged_archive_is_told_in_a_sentence(tmp_path):
    path = tmp_path / "course.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in PLAIN.items():
            archive.writestr(name, text)
    path.write_bytes(path.read_bytes().replace(b"Hundredths", b"Thousandth"))
    with pytest.raises(SourceError, match=r"^course.zip is damaged \(.*s2.xml'\); fetch it again$"):
        Read(path, tmp_path / "out")


def test_ids_are_those_that_events_name_first():
    item, course = BLOCK("video", "v1"), COURSE
    assert names_of(f"https://lms.example/xblock/{item}")[0] == item
    assert names_of(item)[0] == item  # as the tracking log has it
    assert names_of(f"https://lms.example/course/{course}")[0] == course
    [said] = re.findall(r"`KGPLAN_ITEM_IDS` is `(ccx-.*)`", SOURCES.read_text(encoding="utf-8"))
    of_custom = "ccx-block-v1:Uni+M7+2026+ccx@3+type@video+block@v1"
    assert ObjectIds.of(said).names(f"https://lms.example/xblock/{of_custom}") == (item,)


def test_an_item_has_its_own_tags_and_else_those_of_the_nearest_block_around_it(read):
    found = read(PLAIN)
    assert set(found.rows("item_concept", "item_id", "concept_id")) == {
        (BLOCK("video", "v1"), "skills:Halves"),
        (BLOCK("video", "v1"), "skills:Quarters"),
        (BLOCK("video", "v1"), "level:Easy"),
        (BLOCK("problem", "p1"), "skills:Halves"),
        (BLOCK("problem", "p1"), "level:Hard"),
        (BLOCK("html", "h1"), "skills:Percentages"),
    }
    assert set(found.rows("concept", "concept_id", "name")) == {
        *((f"skills:{tag}", tag) for tag in ("Fractions", "Halves", "Quarters", "Percentages")),
        *((f"level:{tag}", tag) for tag in ("Easy", "Hard")),
    }
    assert found.notes("tags.csv") == [
        "tags.csv: tags of the course itself are left out, they are of no item",
        "tags.csv: languages-v1 left out, nobody learns its tags",
        "tags.csv: tagged blocks without an item that has their tags: 1",  # the chapter
    ]


def test_a_taxonomy_beside_it_says_what_is_above_a_tag(read):
    taxonomy = "id,value,parent_id\n1,Numbers,\n2,Fractions,1\n3,Halves,2\n4,Never used,1\n"
    found = read(PLAIN, **{"taxonomies/skills.csv": taxonomy})
    assert set(found.rows("broader_concept", "broader_id", "narrower_id")) == {
        ("skills:Numbers", "skills:Fractions"),
        ("skills:Fractions", "skills:Halves"),
    }
    assert "skills:Never used" not in dict(found.rows("concept", "concept_id", "name"))


def test_prerequisites_beside_it_name_tags(read):
    beside = {"prerequisites.csv": "before,after\nHalves,Quarters\nskills:Halves,Percentages\n"}
    found = read(PLAIN, **beside)
    assert found.rows("prerequisite", "before_id", "after_id") == [
        ("skills:Halves", "skills:Percentages"),
        ("skills:Halves", "skills:Quarters"),
    ]
    assert source_of(found.out.parent / "in") is SOURCE


def test_what_staff_only_see_and_drafts_are_no_items(read):
    found = read(
        PLAIN,
        **{
            "chapter/c2.xml": '<chapter visible_to_staff_only="true"><sequential url_name="s2"/>'
            "</chapter>",
            "drafts/vertical/u9.xml": '<vertical parent_url="block-v1:Uni+M7+2026+type@sequential'
            '+block@s1" index_in_children_list="1"><video url_name="v9"/></vertical>',
            "drafts/video/v9.xml": '<video display_name="Draft"/>',
        },
    )
    assert found.order == PLAIN_ORDER[:2]
    assert "Uni+M7+2026: seen by staff only: 2" in found.report.notes
    assert found.report.unused == ("drafts/vertical/u9.xml", "drafts/video/v9.xml")
    assert found.rejects == []  # its tags are of blocks that are known


def test_all_of_what_learners_see_a_part_of_is_read_and_said(read):
    found = read(
        PLAIN,
        **{
            "vertical/u1.xml": """<vertical>
                <split_test url_name="t" user_partition_id="1">
                  <vertical url_name="a"><video url_name="v1"/></vertical>
                  <vertical url_name="b"><html url_name="hb" display_name="B"/></vertical>
                </split_test>
                <library_content url_name="l" max_count="1"><problem url_name="p1"/>
                  <problem url_name="pl" display_name="Of a library"/></library_content>
                <conditional url_name="k"><html url_name="hk">text</html></conditional>
                <lti_consumer url_name="x" has_score="true"/><lti_consumer url_name="y" n="1"/>
                </vertical>""",
            "lti_consumer/x.xml": '<lti_consumer has_score="true"/>',
        },
    )
    assert [item for _, item in found.order[:6]] == [
        *(BLOCK("video", "v1"), BLOCK("html", "hb"), BLOCK("problem", "p1")),
        *(BLOCK("problem", "pl"), BLOCK("html", "hk"), BLOCK("lti_consumer", "x")),
    ]
    assert found.notes("Uni+M7+2026") == [
        "Uni+M7+2026: no video, exercise or text: lti_consumer 1",
        "Uni+M7+2026: parts of which a learner sees some, all read: library_content 1,"
        " split_test 1",
    ]


VIDEOS = [
    ('start_time="00:00:10" end_time="00:01:10"><video_asset duration="93.5"/>', 60.0),
    ('start_time="00:00:10" end_time="00:02:00"><video_asset duration="93.5"/>', 83.5),
    ('start_time="3.5"><video_asset duration="93.5"/>', 90.0),
    ('from="00:00:10" to="00:00:30">', 20.0),
    ('start_time="&quot;00:00:10&quot;" end_time="&quot;01:00:10&quot;">', 3600.0),
    ('start_time="00:00:10">', None),
    ('start_time="soon"><video_asset duration="93.5"/>', 93.5),
    ('n="1"><video_asset duration="long"/>', None),
    ('n="1"><video_asset duration="inf"/>', None),
    ('n="1"><video_asset duration="nan"/>', None),
]


def test_a_video_takes_as_long_as_it_is_shown(read):
    told = "".join(f'<video url_name="v{n}" {text}</video>' for n, (text, _) in enumerate(VIDEOS))
    found = read(PLAIN, **{"vertical/u1.xml": f"<vertical>{told}</vertical>", "tags.csv": EMPTY})
    assert {item: row[2] for item, row in found.items.items() if row[0] == "video"} == {
        BLOCK("video", f"v{n}"): seconds for n, (_, seconds) in enumerate(VIDEOS)
    }


def test_what_cannot_be_read_is_told_with_its_place_and_the_rest_is_read(read):
    found = read(
        PLAIN,
        **{
            "course/2026.xml": """<course>
<chapter url_name="c1"/>
<chapter url_name="gone"/>
<chapter url_name="c2"/>
<chapter url_name="c1"/></course>""",
            "vertical/u1.xml": """<vertical><video url_name="v1"/><problem url_name="p1"/>
                <problem display_name="Nameless"><p/></problem></vertical>""",
            "video/v1.xml": '<video display_name="Cut',
            "problem/p1.xml": '<!DOCTYPE p [<!ENTITY a "b">]><problem>&a;</problem>',
            "tags.csv": TAGS + '"Old","problem","p99","Halves","",""\n"Short","problem"\n',
        },
    )
    assert [item for _, item in found.order] == [BLOCK("html", "h1"), BLOCK("problem", "p2")]
    told = {(table, reason): detail for _, table, reason, detail in found.rejects}
    assert len(told) == len(found.rejects) - 1 == 6
    assert told["item", "dangling_id"] == (
        "chapter/gone.xml, which course/2026.xml:3 names, is not there"
    )
    assert told["item", "duplicate"] == (
        "course/2026.xml:5 has chapter/c1 again: its first place counts"
    )
    assert told["item", "missing_field"] == (
        "vertical/u1.xml:2 has no url_name, by which events name it"
    )
    broken = [detail for _, table, reason, detail in found.rejects if reason == "broken_row"]
    assert len(broken) == 3
    assert any(detail.startswith("video/v1.xml:1 cannot be read as XML: ") for detail in broken)
    assert any(detail.startswith("problem/p1.xml cannot be read as XML: ") for detail in broken)
    assert told["item_concept", "dangling_id"] == "Uni+M7+2026 has no problem p99"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"<video",
        b"<video></problem>",
        b"<video/>more",
        b"<video>\xff</video>",
        b'<?xml version="1.0" encoding="gbk"?><video/>',
        b'<?xml version="1.0" encoding="no-such"?><video/>',
        b'<?xml version="1.0" encoding="hex"?><video>x</video>',
        b'<!DOCTYPE v [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><video>&b;</video>',
        b'<!DOCTYPE v [<!ENTITY f SYSTEM "file:///etc/hostname">]><video>&f;</video>',
        b'<!DOCTYPE v SYSTEM "http://localhost:9/v.dtd"><video/>',
    ],
)
def test_a_file_that_is_no_xml_or_would_fetch_or_grow_is_told(tmp_path, content):
    (tmp_path / "v.xml").write_bytes(content)
    with open_archive(tmp_path) as archive, pytest.raises(Unreadable, match=r"^v\.xml.* as XML: "):
        parse(archive, "v.xml")


def test_utf_16_is_xml_too(tmp_path):
    (tmp_path / "v.xml").write_text('<video display_name="é"/>', encoding="utf-16")
    with open_archive(tmp_path) as archive:
        assert parse(archive, "v.xml").told == {"display_name": "é"}


def test_files_that_point_at_each_other_end(read):
    found = read(
        PLAIN,
        **{
            "vertical/u1.xml": '<vertical><wrapper url_name="w"/><video url_name="v1"/></vertical>',
            "wrapper/w.xml": "<wrapper>" + 2 * '<vertical url_name="u1"/>' + "</wrapper>",
            "chapter/c2.xml": "<wrapper>" * 3_000 + "</wrapper>" * 3_000,
        },
    )
    assert found.order == PLAIN_ORDER[:1]
    assert sorted(reason for _, _, reason, _ in found.rejects if _ != "tags.csv") == [
        *("broken_row", "dangling_id", "dangling_id", "duplicate", "duplicate"),
    ]


def test_gates_between_sections_are_told_and_make_no_prerequisite(read):
    found = read(
        PLAIN,
        **{
            "chapter/c1.xml": '<chapter in_entrance_exam="true"><sequential url_name="s1"/>'
            "</chapter>",
            "sequential/s2.xml": '<sequential><prerequisite url_name="s1" min_score="80"/>'
            '<vertical url_name="u2"><html url_name="h1" n=""/></vertical></sequential>',
        },
    )
    assert found.rows("prerequisite", "before_id") == []
    assert found.notes("Uni+M7+2026: sections") == [
        "Uni+M7+2026: sections that open when another is passed: 2; that is said of no single"
        " concept and makes no prerequisite"
    ]


def test_several_courses_of_one_folder_keep_apart(tmp_path):
    other = PLAIN | {
        "course.xml": '<course url_name="course" org="Uni" course="M8"/>',
        "course/course.xml": PLAIN["course/2026.xml"],  # a run called "course"
    }
    del other["course/2026.xml"], other["policies/2026/policy.json"], other["tags.csv"]
    path = write(tmp_path / "in" / "m8", other).parent
    packed(path / "course.a.tar.gz", PLAIN)
    packed(path / "course.b.tar.gz", PLAIN)  # the same once more
    packed(path / "course.c.tar.gz", {"about.txt": "no course"})
    # as Studio's menu hands them out, course by course
    name = "course-v1_Uni+M8+course_tags.csv"
    rows = TAGS.replace("course-v1:Uni+M7+2026", "course-v1:Uni+M8+course")
    write(path, {name: rows.replace("Percentages", "Per cent")})
    found = Read(path, tmp_path / "out")
    assert found.rows("course", "course_id", "name") == [
        (COURSE, "Mathematics 7"),
        ("course-v1:Uni+M8+course", "Name of the file"),
    ]
    assert [item for course, item in found.order if course == COURSE] == [
        item for _, item in PLAIN_ORDER
    ]
    assert len(found.order) == 8
    concepts = dict(found.rows("item_concept", "item_id", "concept_id"))
    assert concepts[BLOCK("html", "h1")] == "skills:Percentages"
    assert concepts["block-v1:Uni+M8+course+type@html+block@h1"] == "skills:Per cent"
    assert found.rejects == []
    assert "course.b.tar.gz/course/course.xml is Uni+M7+2026 once more: left out" in (
        found.report.notes
    )
    assert "course.c.tar.gz holds no course.xml: left out" in found.report.notes


def test_tags_of_no_course_that_is_told_are_kept_out(tmp_path):
    path = write(
        tmp_path / "in" / "m7", PLAIN
    ).parent  # its table stays its own in another's folder
    write(path / "m8", PLAIN | {"course.xml": '<course url_name="2026" org="Uni" course="M8"/>'})
    write(path, {"tags.csv": "Name,Type,ID,skills\nTry,problem,p1,Halves\n"})
    found = Read(path, tmp_path / "out")
    assert found.rejects == [
        ("tags.csv", "item_concept", "dangling_id", "no course is told that has problem p1")
    ]


def line(kind, at, learner="7", course=COURSE, source="server", **event):
    context = {"user_id": learner, "course_id": course}
    told = {"event_type": kind, "event_source": source, "session": "s", "context": context}
    return json.dumps(told | {"time": f"2026-03-01T{at}+00:00", "event": event})


def player(kind, at, position, learner="7"):
    told = {"id": "v1", "currentTime": position}
    return line(kind, at, learner, source="browser", **told)


LOG = [
    player("play_video", "10:00:00", 0),
    player("pause_video", "10:01:00", 46.75),  # half of 93.5
    player("load_video", "10:01:30", 0, "8"),
    line("problem_check", "10:05:00", problem_id=BLOCK("problem", "p1"), grade=1, max_grade=2),
    line("problem_check", "10:05:00", source="browser", problem_id="p1"),
    line(
        *("edx.grades.problem.submitted", "10:05:00.25"),
        **{"problem_id": BLOCK("problem", "p1"), "weighted_earned": 1, "weighted_possible": 2},
    ),
    line("problem_check", "11:00:00", problem_id=BLOCK("problem", "p1"), grade=2, max_grade=2),
    line("edx.course.enrollment.activated", "08:00:00", user_id=9, course_id=COURSE),
    line("edx.course.enrollment.activated", "07:00:00", user_id=9, course_id="course-v1:A+B+C"),
    line("page_close", "11:01:00"),
    "{",
    line("pause_video", "", id="v1", currentTime=1),
    line(
        *("edx.completion.block_completion.changed", "11:30:00"),
        **{"block_id": BLOCK("html", "h1"), "completion": 1.0},
    ),
    line("problem_check", "11:40:00", problem_id=BLOCK("problem", "gone"), grade=1, max_grade=1),
]


@pytest.mark.parametrize("how", ["one log", "two, one of them packed"])
def test_tracking_logs_beside_the_course_are_its_history(read, tmp_path, how):
    logs = {"tracking.log": "\n".join(LOG)}
    if how != "one log":
        logs = {"tracking.log": "\n".join(LOG[2:])}
        (tmp_path / "in").mkdir()
        with gzip.open(tmp_path / "in" / "tracking.log-20260301.gz", "wt") as packed_log:
            packed_log.write("\n".join(LOG[:2]))
    found = read(PLAIN, **logs)
    at = datetime(2026, 3, 1, 10)
    views = found.rows("learner_item", "learner_id", "item_id", "watched", "first_started_at")
    assert views == [
        ("7", BLOCK("html", "h1"), 1.0, at.replace(hour=11, minute=30)),
        ("7", BLOCK("video", "v1"), 0.5, at),
    ]
    # the grade that the server tells once more is no second answer
    assert found.rows("answer", "learner_id", "item_id", "score", "answered_at") == [
        ("7", BLOCK("problem", "p1"), 0.5, at.replace(minute=5)),
        ("7", BLOCK("problem", "p1"), 1.0, at.replace(hour=11)),
    ]
    assert found.rows("learner_course", "learner_id", "course_id", "enrolled_at") == [
        ("7", COURSE, at),
        ("9", COURSE, at.replace(hour=8)),
    ]
    assert sorted(row[2] for row in found.rejects) == ["broken_json", "broken_row", "dangling_id"]
    passed = "\n".join(found.report.notes)
    assert "1 lines passed over: each is of a course that is not here" in passed
    assert "1 lines passed over: each is the browser's line of an answer" in passed
    assert "1 lines passed over: each says nothing of views, answers or enrolments" in passed
    assert f"1 learners opened {BLOCK('video', 'v1')}, nothing tells how much of it" in passed


def test_tracking_logs_say_what_loading_them_as_events_says(read, tmp_path):
    found = read(PLAIN, **{"tracking.log": "\n".join(LOG)})
    store = open_events(f"sqlite:///{tmp_path / 'learners.db'}")
    load(tmp_path / "in" / "tracking.log", store, StatementRules())
    evidence = evidence_of(store.events("7"), {BLOCK("video", "v1"): 93.5})
    store.close()
    views = found.rows("learner_item", "learner_id", "item_id", "watched")
    assert {item: share for learner, item, share in views if learner == "7"} == evidence.shares
    best = {
        item: score
        for _, item, score in sorted(found.rows("answer", "learner_id", "item_id", "score"))
    }
    gone = BLOCK("problem", "gone")  # which the course does not have
    assert best == {item: s for item, s in evidence.scores.items() if item != gone}


def test_without_tags_people_are_told_what_to_do(read):
    files = {name: text for name, text in PLAIN.items() if name != "tags.csv"}
    found = read(files)
    assert found.order == PLAIN_ORDER
    assert len(found.notes("no block has a tag: tag the course's content in Studio")) == 1


@pytest.mark.parametrize(
    ("root", "reason"),
    [
        ('<course url_name="2026" org="Uni"/>', "missing_field"),
        ("<course", "broken_row"),
        ('<course url_name="2026" org="Uni" course="M7"><chapter', "broken_row"),
    ],
)
def test_a_course_that_does_not_name_itself_is_refused(read, tmp_path, root, reason):
    found = read(PLAIN, **{"course.xml": root})
    assert [row[2] for row in found.rejects if row[0] == "course.xml"] == [reason]
    with pytest.raises(SourceError, match=r"not one row of course.xml in .* was kept"):
        refuse_unread(found.report, tmp_path / "in", found.out / "rejects.parquet")


def test_tables_of_another_form_are_refused_in_a_sentence(read):
    with pytest.raises(InputError, match=r"tags.csv has the columns a, b; the tags of a course"):
        read(PLAIN, **{"tags.csv": "a,b\n1,2\n"})


def test_a_taxonomy_of_another_form_is_refused_in_a_sentence(read):
    with pytest.raises(InputError, match=r"skills.csv has the columns tag; a taxonomy that"):
        read(PLAIN, **{"taxonomies/skills.csv": "tag\nx\n"})


def test_a_policy_that_is_no_json_is_told(read):
    found = read(PLAIN, **{"policies/2026/policy.json": "{"})
    assert found.rows("course", "name") == [("Name of the file",)]
    assert len(found.notes("policies/2026/policy.json cannot be read as JSON")) == 1


def test_one_broken_block_of_many_is_no_reason_to_refuse(read):
    verticals = "".join(
        f'<vertical url_name="w{n}"><html url_name="w{n}" n=""/></vertical>' for n in range(30)
    )
    found = read(
        PLAIN,
        **{
            "sequential/s1.xml": f'<sequential><vertical url_name="gone"/>{verticals}</sequential>',
            "tags.csv": "Name,Type,ID,skills\nHalves,sequential,s1,Halves\n",
        },
    )
    assert len(found.rejects) == 1
    refuse_unread(found.report, found.out.parent / "in", found.out / "rejects.parquet")
    refuse_lossy(found.report, 0.05, found.out / "rejects.parquet")
