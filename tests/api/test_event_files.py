"""Files of events in every shape that people have them in, and what is said of those that break."""

import gzip
import json
import runpy
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from learner_cases import hand_model

from kgplan.api import xapi
from kgplan.api.checking import account_of
from kgplan.api.event_files import found_in, parts_of
from kgplan.api.statements import StatementRules
from kgplan.data.events import evidence_of
from kgplan.errors import InputError
from kgplan.planning.live import LiveModel

PRODUCERS = sorted((Path(__file__).parent / "producers").glob("*.jsonl"))
NOW = 1.8e9


def statement(n):
    return {
        "id": f"00000000-0000-0000-0000-{n:012d}",
        "actor": {"mbox": "mailto:ada@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://lms.example/videos/v_e"},
        "timestamp": "2026-03-01T10:15:00Z",
    }


MANY = [statement(n) for n in range(3)]
LINES = "\n".join(map(json.dumps, MANY))
PLAIN = {"event_id": "e", "learner_id": "u", "item_id": "v_e", "share": 0.5}
TRACKED = {"event_type": "play_video", "event_source": "browser", "event": "{}"}


def found(path, **options):
    return [each for part in parts_of(path, **options) for each in found_in(part)]


def written(tmp_path, content, name="events"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (LINES, [1, 2, 3]),
        (LINES.replace("\n", "\r\n\r\n") + "\n", [1, 3, 5]),
        (b"\xef\xbb\xbf" + LINES.encode(), [1, 2, 3]),
        (json.dumps(MANY), [1, 1, 1]),
        ("\n" + json.dumps(MANY, indent=1), [3, 16, 29]),  # each takes 13 lines
        ("\n\n".join(json.dumps(each, indent=2) for each in MANY), [1, 15, 29]),
        (json.dumps({"statements": MANY, "more": ""}), [1, 1, 1]),
        ("\n".join(json.dumps({"kind": "k", "statement": each}) for each in MANY), [1, 2, 3]),
        (gzip.compress(LINES.encode(), mtime=0), [1, 2, 3]),
        (gzip.compress(json.dumps(MANY).encode(), mtime=0), [1, 1, 1]),
    ],
)
def test_statements_are_found_in_every_shape_with_their_lines(tmp_path, content, lines):
    got = found(written(tmp_path, content), size=2)
    assert [each.content for each in got] == MANY
    assert [each.line for each in got] == lines
    assert {each.form for each in got} == {"xapi"}
    texts = [each.raw for each in got if each.raw is not None]
    assert all(json.loads(text) in MANY for text in texts)


def test_forms_may_stand_beside_each_other_and_a_broken_line_stands_alone(tmp_path):
    rows = [json.dumps(MANY[0]), json.dumps(PLAIN), "{broken", json.dumps(TRACKED), "7", "NaN"]
    path = written(tmp_path, "\n".join(rows).encode() + b'\n{"a": "\xff"}\n')
    got = [(each.line, each.form, each.fault is not None) for each in found(path)]
    assert got == [
        *((1, "xapi", False), (2, "event", False), (3, "line", True), (4, "tracking", False)),
        *((5, "xapi", False), (6, "line", True), (7, "line", True)),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "learner_id,item_id,time,score\nu,v_e,2026-03-01T10:15:00+02:00,0.5\n",
        "\ufeffLearner ID;Item ID;Score;Time\r\nu;v_e;0,5;2026-03-01 09:15\r\n\r\n",
        'item_id\tstudent\tcorrect\ttimestamp\tnote\nv_e\tu\t.5\t1772352900\t"a\nb"\n',
    ],
)
def test_rows_of_csv_are_events_whatever_the_separator_decimals_and_zone(tmp_path, content):
    (part,) = parts_of(written(tmp_path, content))
    (one,) = found_in(part, ZoneInfo("Europe/Paris"))
    told = {k: v for k, v in one.content.items() if k != "event_id"}
    assert told == {
        "learner_id": "u",
        "item_id": "v_e",
        "score": 0.5,
        "time": "2026-03-01T08:15:00+00:00",
    }
    assert one.content["event_id"].startswith("csv:")


def test_equal_rows_are_one_event_and_others_are_others(tmp_path):
    row = "u,v_e,2026-03-01T10:15:00Z,1"
    path = written(tmp_path, f"learner_id,item_id,time,score\n{row}\n{row}\n{row[:-1]}0\n")
    names = [each.content["event_id"] for each in found(path)]
    assert (names[0] == names[1], names[0] == names[2]) == (True, False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("[{}, {]", ":1 is no JSON"),
        ('[\n{"a": 1},\n{"b" 2}\n]', ":3 is no JSON"),
        ("hello\nworld\n", ":1 is no JSON, and as the header of a CSV it lacks learner_id"),
        ("learner_id,item_id\nu,v\n", "lacks time"),
        ('learner_id,item_id,time\nu,"v\n', "give plain CSV"),
        (b"learner_id,item_id,time\nu,v,2026\nu,\xff,2026\n", "no UTF-8"),
        (gzip.compress(LINES.encode(), mtime=0)[:40], "cannot be read"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_sentence_with_its_place(tmp_path, content, said):
    path = written(tmp_path, content)
    with pytest.raises(InputError) as refused:
        found(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        found(tmp_path / "none")


def accounted(path, **rules):
    model = hand_model()
    live = LiveModel(model.records, model.diagnosis)
    return account_of(parts_of(path), NOW, StatementRules(**rules), live)


@pytest.mark.parametrize("path", PRODUCERS, ids=lambda path: path.stem)
def test_what_real_producers_send_is_understood_as_their_formats_mean_it(path):
    account = accounted(path)
    wanted = [json.loads(line) for line in path.read_text().splitlines()]
    means = {kind.name: kind.meaning for kind in account.said}
    means |= {kind.name: "refused" for kind in account.refused}
    assert means == {each["kind"]: each["means"] for each in wanted}
    assert account.number == len(wanted)
    silent = Counter(each["means"] for each in wanted)
    assert account.silent == silent["nothing"] + silent["length of the video"]


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("ralph", "Open edX, Ralph's converters (our own statements after their format)"),
        ("moodle", "Moodle, logstore_xapi (our own statements after its format)"),
    ],
)
def test_the_page_of_kinds_says_what_is_understood_today(stem, name):
    docs = Path(__file__).parents[2] / "docs"
    table_of = runpy.run_path(str(docs / "events.py"))["table_of"]
    path = next(each for each in PRODUCERS if each.stem == stem)
    drawn = table_of(name, account_of(parts_of(path), NOW, StatementRules()))
    assert drawn in (docs / "guide" / "event-kinds.md").read_text(encoding="utf-8")


def test_what_ralph_made_of_a_log_names_what_the_log_and_the_course_name():
    """Of its doubled keys, and of a course's page; lengths and shares of 0 are not known ones."""
    path = next(each for each in PRODUCERS if each.stem == "ralph")
    sent = [json.loads(line)["statement"] for line in path.read_text().splitlines()]
    events = [xapi.read_statement(each, NOW) for each in sent]
    key = "block-v1:X+D+T+type@{}+block@" + "0b" * 16
    video, problem = key.format("video"), key.format("problem")
    said = evidence_of(events, {video: 200.0})
    assert (said.shares, said.scores) == ({video: 0.875}, {problem: 0.5})  # 40 s and 135 s
    assert said.enrolled == {"course-v1:X+D+T"}


def test_what_is_counted_has_its_first_line_and_what_the_model_does_not_know(tmp_path):
    other = statement(8) | {"object": {"id": "https://lms.example/videos/v_none"}}
    late = statement(9) | {"timestamp": "2999-01-01T00:00:00Z"}
    rows = [*MANY, other, late, other, {**TRACKED, "event_type": "page_close"}]
    account = accounted(written(tmp_path, "\n".join(map(json.dumps, rows))))
    said = {kind.meaning: (n.number, n.first_line) for kind, n in account.said.items()}
    assert said == {
        "share watched": (5, 1),
        "says nothing of views, answers or enrolments": (1, 7),
    }
    ((kind, n),) = account.refused.items()
    assert (kind.meaning[:9], n.number, n.first_line) == ("timestamp", 1, 5)
    unknown = {name: (n.number, n.first_line) for name, n in account.unknown_items.items()}
    assert unknown == {"v_none": (2, 4)}
