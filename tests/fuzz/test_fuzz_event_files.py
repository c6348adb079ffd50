"""Whatever stands in a file of events or a line of a tracking log: it is read, or refused."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from fuzzing import FUZZ_CASES, anything, cases, texts
from hypothesis import given, reject
from hypothesis import strategies as st

from kgplan.api.event_files import found_in, parts_of
from kgplan.api.history import understood
from kgplan.api.object_ids import ObjectIds
from kgplan.api.statements import StatementRules
from kgplan.data.events import Event, usable_id
from kgplan.data.tracking import CHECKED, COMPLETION, ENROLS, GRADED, VIDEO, read_line
from kgplan.errors import InputError, MalformedStatement

CASES = max(100, FUZZ_CASES // 20)
MEMBERS = (
    *("id", "currentTime", "current_time", "old_time", "new_time", "duration", "grade"),
    *("max_grade", "success", "problem_id", "block_id", "completion", "user_id", "course_id"),
)


@st.composite
def lines(draw):
    """A line of a kind that is read, in which anything may stand."""
    told = draw(st.dictionaries(st.sampled_from(MEMBERS), anything, max_size=6))
    line = {
        "event_type": draw(st.sampled_from(sorted(VIDEO | ENROLS | {CHECKED, GRADED, COMPLETION}))),
        "event_source": draw(st.sampled_from(["server", "browser", "mobile", None])),
        "time": draw(st.just("2026-03-01T10:15:00+00:00") | texts),
        "session": draw(texts),
        "context": {"user_id": draw(st.just(7) | anything), "course_id": draw(texts)},
        "event": draw(st.sampled_from([told, json.dumps(told)]) | anything),
    }
    for name in draw(st.sets(st.sampled_from(sorted(line)), max_size=2)):
        line[name] = draw(anything)
    return line


@given(line=lines())
@cases(CASES)
def test_a_line_of_a_log_is_an_event_a_reason_or_refused_with_its_field(line):
    try:
        event = read_line(line, "e", ObjectIds().names)
    except MalformedStatement as error:
        event = error.field
    if isinstance(event, Event):
        ids = (event.learner_id, event.item_id, event.course_id, event.session)
        assert all(usable_id(each) for each in ids if each is not None)
        assert event.share is None or 0 <= event.share <= 1
        assert event.score is None or 0 <= event.score <= 1
    else:
        assert event


@given(
    content=st.binary(max_size=200)
    | st.lists(lines() | anything, max_size=4).map(
        lambda rows: "\n".join(map(json.dumps, rows)).encode()
    )
    | st.lists(anything, max_size=4).map(lambda rows: json.dumps(rows).encode())
    | st.lists(texts, max_size=6).map(
        lambda cells: ("learner_id,item_id,time,score\n" + ",".join(cells)).encode(
            errors="surrogatepass"
        )
    )
)
@cases(CASES)
def test_whatever_a_file_holds_is_counted_or_it_is_refused_in_a_sentence(content):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events"
        path.write_bytes(content)
        parts, said = [], str(path)
        try:
            parts = [understood(part, StatementRules()) for part in parts_of(path)]
        except InputError as error:
            said = str(error)
        assert str(path) in said
        for part in parts:
            assert all(letter.reason for _, letter in part.letters)
            assert all(usable_id(each.event.event_id) for _, each in part.sent)


@given(value=anything)
@cases(CASES)
def test_a_line_of_json_is_read_as_the_standard_library_reads_it(value):
    try:
        text = json.dumps({"actor": [value, value]}, allow_nan=False)
    except ValueError:
        reject()  # infinite, which JSON does not know
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events"
        path.write_text(text, encoding="utf-8")
        (found,) = [each for part in parts_of(path) for each in found_in(part)]
    assert found.fault is None
    assert _in_64_bits(found.content) == _in_64_bits({"actor": [value, value]})


def _in_64_bits(value):
    """A JSON value with the integers that no sender means told apart no finer than by a float."""
    if isinstance(value, dict):
        return {name: _in_64_bits(inside) for name, inside in value.items()}
    if isinstance(value, list):
        return [_in_64_bits(inside) for inside in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64 and abs(value) < 10**300:
        return float(value)
    return value
