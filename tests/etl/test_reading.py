"""Files in other forms than the plain one: read where they can mean only one thing."""

import csv
import io
import json
from functools import partial
from itertools import pairwise

import duckdb
import miniature
import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_cases import extracted

from kgplan.errors import InputError, SourceError
from kgplan.etl import reading
from kgplan.etl.archive import open_archive
from kgplan.etl.sources import open_source, sources

PATH = "relations/user-video.json"
CELLS = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters='"\ufffd'),
    min_size=1,
    max_size=6,
)
PAIRS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8)


def read(tmp_path, content, how, path=PATH):
    """The rows that a file's content gives, each with its line, and the notes."""
    file = tmp_path / "source" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    with open_archive(tmp_path / "source") as archive:
        given = list(how(archive, path))
    batches = [each for each in given if not isinstance(each, str)]
    rows = [(row["line"], row["text"]) for batch in batches for row in batch.to_pylist()]
    return rows, [each for each in given if isinstance(each, str)]


def pairs_of(tmp_path, content, **how):
    rows, notes = read(tmp_path, content, partial(reading.pairs, **how))
    return [tuple(text.split("\t")) for _, text in rows], notes


def separated(rows, separator, quoting=csv.QUOTE_MINIMAL):
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n", quoting=quoting).writerows(rows)
    return text.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("forms")


@given(PAIRS, st.sampled_from(",;|\t"), st.booleans(), st.booleans(), st.booleans())
def test_pairs_come_back_from_columns_of_any_separator_order_and_encoding(
    folder, pairs, separator, turned, header, wide
):
    titles = [("User ID", "VIDEO_ID")] * header
    rows = [row[::-1] if turned and header else row for row in [*titles, *pairs]]
    if not header:  # the beginning has to show what separates
        rows = [(f"U{n}", f"V{n}") for n in range(9)] + rows
        pairs = [(f"U{n}", f"V{n}") for n in range(9)] + pairs
    text = separated(rows, separator)
    found, notes = pairs_of(folder, text.encode("utf-16" if wide else "utf-8"))
    assert found == pairs
    plainly = separator == "\t" and not header
    assert len(notes) == (not plainly or wide)
    assert all("UTF-16" in note for note in notes) == (wide or not notes)
    assert all(("with a header" in note) == header for note in notes)


@given(PAIRS, st.sampled_from([None, 1]), st.booleans(), st.booleans())
def test_pairs_come_back_from_json_of_any_shape(folder, pairs, indent, named, on_lines):
    rows = [{"n": 1, "video_id": right, "user": left} for left, right in pairs] if named else pairs
    if on_lines:
        text = "\n".join(json.dumps(row) for row in rows)
    else:
        text = json.dumps(rows, indent=indent, ensure_ascii=False)
    found, notes = pairs_of(folder, text.encode())
    assert found == pairs
    assert notes == [f"{PATH}: read as JSON"]


@pytest.mark.parametrize(
    ("content", "found", "said"),
    [
        ('"u","v"\n"a","b"\n', [("u", "v"), ("a", "b")], ["separated by commas"]),
        ('"u"\t"v"\n', [("u", "v")], ["quoted"]),
        ("sep=;\nu;v\n", [("u", "v")], ["separated by semicolons"]),
        # of more columns, those that the header names
        (",user_id,when,video_id\n0,u,1,v\n1,u\n", [("u", "v"), ("1", "u", "")], ["header"]),
        ("learner,item\nu,v\n", [("u", "v")], ["separated by commas, with a header"]),
        ("[[1, 2]]", [("1", "2")], ["JSON"]),
        # what is no pair is no pair
        ("u,v,w\nu,v,w\n", [("u,v,w",), ("u,v,w",)], []),
        ("u v\n", [("u v",)], []),
        ("u,v\nu\nu,v\n", [("u", "v"), ("u",), ("u", "v")], ["commas"]),
        (
            '[["u", "v"], ["u"], ["u", null], 7]',
            [("u", "v"), ('["u"]',), ('["u", null]',), ("7",)],
            ["JSON"],
        ),
        ('{"u": ["v", "w"]}\n', [('{"u": ["v", "w"]}',)], ["JSON"]),
    ],
)
def test_what_a_row_of_two_ids_is_and_what_is_none(tmp_path, content, found, said):
    rows, notes = pairs_of(tmp_path, content.encode(), columns=("learner_id", "item_id"))
    assert rows == found
    assert len(notes) == len(said)
    assert all(what in note for what, note in zip(said, notes, strict=True))


OBJECTS = [
    {"id": "K_é", "name": "a\nb", "n": [-1.5e-7, None, True]},
    {"id": "K_2", "of": {"x": "\\"}},
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda rows: "".join(json.dumps(row) + "\n" for row in rows), ""),
        (lambda rows: "\r\n\r\n".join(json.dumps(row) for row in rows), ""),
        (lambda rows: json.dumps(rows, ensure_ascii=False), "one JSON list"),
        (lambda rows: json.dumps(rows, indent=2), "one JSON list"),
        (lambda rows: "\n".join(json.dumps([row]) for row in rows), "one JSON list"),
        (lambda rows: "\n".join(json.dumps(row, indent=2) for row in rows), "over several lines"),
    ],
)
def test_objects_come_back_from_any_shape_and_marked_encoding(tmp_path, write, said, encoding):
    text = write(OBJECTS)
    rows, notes = read(tmp_path, text.encode(encoding), reading.objects)
    assert [json.loads(row) for _, row in rows] == OBJECTS
    lines = text.split("\n")
    if len(lines) == 1:  # places in the list
        assert [line for line, _ in rows] == [1, 2]
    else:
        assert all("{" in lines[line - 1] for line, _ in rows)
    odd = [each for each in (encoding.upper() * (not encoding.startswith("utf-8")), said) if each]
    assert all(each in note for each in odd for note in notes)
    assert len(notes) == bool(odd)


def test_what_is_not_of_the_encoding_is_told_of_its_row(tmp_path):
    broken = json.dumps(OBJECTS[:1]).encode()[:-1] + b', {"id": "\xff"}]'
    wide = "\ufeff{}\n".encode("utf-16-le") + b"\x00\xd8" + "\n{}\n".encode("utf-16-le")
    for content, whole in ((broken, [True, False]), (wide, [True, False, True])):
        (tmp_path / "x.json").write_bytes(content)
        with open_archive(tmp_path / "x.json") as archive:
            given = [
                each for each in reading.objects(archive, "x.json") if not isinstance(each, str)
            ]
        assert [row["is_utf8"] for batch in given for row in batch.to_pylist()] == whole


@pytest.mark.parametrize("write", [json.dumps, partial(json.dumps, indent=1, ensure_ascii=False)])
def test_a_list_that_ends_anywhere_before_its_end_is_refused(tmp_path, write):
    content = write(OBJECTS).encode()
    for size in range(1, len(content)):
        with pytest.raises(SourceError, match=f"{PATH} ends within .* cut off; fetch it again"):
            read(tmp_path, content[:size], reading.objects)


def test_lines_that_end_within_one_are_refused(tmp_path):
    lines = [json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in OBJECTS]
    content = b"".join(lines)
    ends = [0, *(len(b"".join(lines[:n])) for n in (1, 2))]
    whole = {size for end in ends for size in (end, end - 1)}
    for size in range(1, len(content)):
        if size in whole:
            rows, _ = read(tmp_path, content[:size], reading.objects)
            assert len(rows) == sum(end - 1 <= size for end in ends[1:])
        else:
            with pytest.raises(SourceError, match="cut off"):
                read(tmp_path, content[:size], reading.objects)


def test_no_more_of_a_long_file_is_held_than_a_part(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "CHARACTERS", 1000)
    for content, how in (
        (json.dumps([{"id": "K" * 90}] * 50_000).encode(), reading.objects),
        (b"learner,video\n" * 200_000, reading.pairs),
    ):
        (tmp_path / "user-video.json").write_bytes(content)
        with open_archive(tmp_path) as archive:
            stream = (tmp_path / "user-video.json").open("rb")
            monkeypatch.setattr(type(archive), "open", lambda self, path, s=stream: s)
            monkeypatch.setattr(type(archive), "head", lambda self, path, size, c=content: c[:size])
            rows = (each for each in how(archive, "user-video.json") if not isinstance(each, str))
            places = []
            for batch in rows:
                assert batch.num_rows * 14 < 3000
                places.append(stream.tell() if not stream.closed else len(content))
        assert len(places) > 100
        assert max(after - before for before, after in pairwise(places)) < 3 << 20


PIECES = st.sampled_from(
    [b"\n", b"\t", b",", b";", b'"', b"[", b"]", b"{", b"}", b'"id": 1', b"\xff\xfe", b"sep=;\n"]
)


@given(st.lists(st.binary(max_size=4) | PIECES).map(b"".join), st.sampled_from(["", "gb18030"]))
def test_whatever_a_file_holds_its_rows_are_given_or_it_is_refused(folder, content, encoding):
    (folder / "user-video.json").write_bytes(content)
    for how in (reading.objects, reading.pairs):
        with open_archive(folder / "user-video.json") as archive:
            archive.encoding = encoding
            given, said = [], "user-video.json"
            try:
                given = [*how(archive, "user-video.json")]
            except (SourceError, InputError) as error:
                said = str(error)
        assert "user-video.json" in said
        batches = [each for each in given if not isinstance(each, str)]
        lines = [row["line"] for batch in batches for row in batch.to_pylist()]
        assert lines == sorted(lines)
        assert all(1 <= line <= 1 + len(content) for line in lines)


def odd(path, n):
    """A file of the miniature in another form, a different one for each n."""
    rows = miniature.MINI[path]
    if path.startswith("relations/"):
        left, right = path.removesuffix(".json").split("/")[1].split("-")
        forms = [
            lambda: separated(rows, ","),
            lambda: separated([(right, left), *(row[::-1] for row in rows)], ";"),
            lambda: json.dumps(rows),
            lambda: "\n".join(json.dumps({f"{left}_id": a, f"{right}_id": b}) for a, b in rows),
        ]
    else:
        forms = [
            lambda: json.dumps(rows, indent=1),
            lambda: "\n".join(json.dumps(row, indent=1, ensure_ascii=False) for row in rows),
        ]
    text = forms[n % len(forms)]()
    return text.encode("utf-16" if n % 3 == 0 else "utf-8")


@pytest.mark.parametrize("turn", [0, 1])
def test_an_archive_in_other_forms_says_the_same(tmp_path, turn):
    ordered = miniature.ORDER_MATTERS  # also where all rows stand on one line
    files = {
        path: odd(path, 2 + turn if path in ordered else n + turn)
        for n, path in enumerate(miniature.MINI)
    }
    plain = {
        path: b"".join(miniature.as_line(row) + b"\n" for row in rows)
        for path, rows in miniature.MINI.items()
    }
    (tmp_path / "odd").mkdir()
    (tmp_path / "plain").mkdir()
    found = extracted(tmp_path / "odd", files)
    wanted = extracted(tmp_path / "plain", plain)
    assert found.report.tables == wanted.report.tables
    assert found.report.rows_rejected == 0
    for table in wanted.report.tables:
        both = [str(each.out / f"{table}.parquet") for each in (found, wanted)]
        assert duckdb.sql(f"FROM '{both[0]}' EXCEPT ALL FROM '{both[1]}'").fetchall() == []
    said = [note.split(": read as ")[0] for note in found.report.notes]
    assert sorted(said) == sorted(files)


def test_who_teaches_and_who_learns_may_be_missing(tmp_path):
    needed = {f"entities/{name}.json" for name in ("concept", "course", "video")}
    needed |= {f"relations/{n}.json" for n in ("course-concept", "course-video", "video-concept")}
    files = {
        path: b"".join(miniature.as_line(row) + b"\n" for row in rows)
        for path, rows in miniature.MINI.items()
        if path in needed
    }
    read = extracted(tmp_path, files)
    assert read.report.tables["concept"] == len(miniature.MINI["entities/concept.json"])
    assert read.report.tables["learner"] == read.report.tables["prerequisite"] == 0
    gone = set(miniature.MINI) - set(files)
    [note] = read.report.notes
    assert all(path in note for path in gone)
    for path in files:
        (tmp_path / "source" / path).rename(tmp_path / "kept")
        with (
            pytest.raises(SourceError, match=path),
            open_source(tmp_path / "source", sources()["mooccube"]),
        ):
            pass
        (tmp_path / "kept").rename(tmp_path / "source" / path)
