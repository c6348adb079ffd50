"""Plain tables beside a source's own files complete what these do not say."""

import io

import pyarrow.parquet as pq
import pytest

from kgplan.errors import SourceError
from kgplan.etl import sources as registered
from kgplan.etl.archive import SourceFile, hash_files
from kgplan.etl.extract import extract
from kgplan.etl.sources import NamedSource, files_read, source_of, tables
from kgplan.etl.sources.steps import rows_of


def read_outline(archive):
    """A platform that knows what is taught and where, under ids of its own; one line an item."""
    with archive.open("outline.txt") as stream:
        lines = io.TextIOWrapper(stream, "utf-8").read().splitlines()
    told = [(n, line.split("|")) for n, line in enumerate(lines, 1)]
    yield rows_of("courses", "outline.txt", [{"line": 1, "course_id": "C"}])
    yield rows_of(
        *("items", "outline.txt"),
        [{"line": n, "item_id": i, "course_id": "C", "title": title} for n, (i, title, _) in told],
    )
    yield rows_of(
        *("concepts", "outline.txt"),
        [{"line": n, "concept_id": f"guid-{n}", "name": name} for n, (*_, name) in told],
    )
    yield rows_of(
        *("item_concepts", "outline.txt"),
        [{"line": n, "item_id": i, "concept_id": f"guid-{n}"} for n, (i, *_) in told],
    )


OUTLINE = NamedSource(
    "outline",
    "Outline",
    "",
    [SourceFile("outline.txt"), SourceFile("courses.csv", required=False)],
    read=read_outline,
)
OWN = "a|Halves|Fractions\nb|Hundredths|Percentages\nc|More|Ratios\nd|Again|Ratios\n"


@pytest.fixture
def folder(tmp_path):
    def write(**files):
        for name, text in {"outline.txt": OWN, **files}.items():
            (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / name).write_text(text, encoding="utf-8")
        return tmp_path / "in"

    return write


def extracted(path, tmp_path, source=OUTLINE):
    out = tmp_path / "out"
    out.mkdir()
    return extract(path, out, source=source), out


def rows(out, table, *columns):
    return [tuple(row[c] for c in columns) for row in pq.read_table(out / table).to_pylist()]


@pytest.mark.parametrize("beside", ["", "more/"])
def test_prerequisites_beside_a_source_s_files_are_its_own_by_ids_or_names(
    folder, tmp_path, beside
):
    path = folder(
        **{f"{beside}prerequisites.csv": "before,after,strength\nguid-1,Percentages,0.5\n"}
    )
    report, out = extracted(path, tmp_path)
    assert rows(out, "prerequisite.parquet", "before_id", "after_id", "strength") == [
        ("guid-1", "guid-2", 0.5)
    ]
    assert rows(out, "item_concept.parquet", "item_id", "concept_id") == [
        (item, f"guid-{n}") for n, item in enumerate("abcd", 1)
    ]
    assert "read beside: prerequisites.csv" in report.notes
    [part] = (each for each in report.files if each.file == "prerequisites.csv")
    assert (part.read, part.kept, part.mended) == (1, 1, {"by_name": 1})


def test_a_name_of_several_concepts_is_refused(folder, tmp_path):
    path = folder(**{"prerequisites.csv": "before,after\nFractions,Ratios\nFractions,guid-3\n"})
    _, out = extracted(path, tmp_path)
    [refused] = pq.read_table(out / "rejects.parquet").to_pylist()
    assert (refused["file"], refused["line"], refused["reason"]) == (
        *("prerequisites.csv", 2, "ambiguous_name"),
    )
    assert refused["detail"] == "after is 'Ratios', the name of 2 concepts: give the id"
    assert rows(out, "prerequisite.parquet", "before_id", "after_id") == [("guid-1", "guid-3")]


def test_a_name_that_is_an_id_stands_for_the_id(folder, tmp_path):
    path = folder(
        **{
            "concepts.csv": "concept_id,name\nFractions,Fractions of an egg\n",
            "prerequisites.csv": "before,after\nFractions,guid-3\n",
        }
    )
    _, out = extracted(path, tmp_path)
    assert rows(out, "prerequisite.parquet", "before_id", "after_id") == [("Fractions", "guid-3")]


def test_a_row_with_a_known_key_completes_it_and_holds_where_both_say_something(folder, tmp_path):
    path = folder(
        **{
            "items.csv": "item_id,title,seconds,kind,course_id\na,,90,exercise,\nb,Per cent,,,\n"
            "b,Hundredths!,70,text,C\ne,New,5,text,\n",
            "concepts.csv": "concept_id,definition,parent\nguid-2,Of a hundred.,Fractions\n",
            "item_concepts.csv": "item_id,concept_id\na,guid-1\nb,Fractions\n",
        }
    )
    report, out = extracted(path, tmp_path)
    assert rows(out, "item.parquet", "item_id", "kind", "name", "duration") == [
        ("a", "exercise", "Halves", 90.0),
        ("b", "text", "Per cent", 70.0),  # of two rows that complete it, the first holds
        ("c", "video", "More", None),
        ("d", "video", "Again", None),
        ("e", "text", "New", 5.0),
    ]
    concepts = {row[0]: row for row in rows(out, "concept.parquet", *("concept_id", "name"))}
    assert concepts["guid-2"] == ("guid-2", "Percentages")
    assert rows(out, "broader_concept.parquet", "broader_id", "narrower_id") == [
        ("guid-1", "guid-2")
    ]
    assert ("b", "guid-1") in rows(out, "item_concept.parquet", "item_id", "concept_id")
    assert pq.read_table(out / "rejects.parquet").num_rows == 0
    assert {note for note in report.notes if "complete" in note} == {
        "items.csv: rows complete what the files beside it say: 3",
        "concepts.csv: rows complete what the files beside it say: 1",
        "item_concepts.csv: rows complete what the files beside it say: 1",
    }


def test_a_file_of_the_source_is_no_plain_table_whatever_it_is_called(folder, tmp_path):
    path = folder(**{"courses.csv": "sourcedId;title\nX;Of another format\n"})
    report, out = extracted(path, tmp_path)
    assert rows(out, "course.parquet", "course_id") == [("C",)]
    assert not [note for note in report.notes if "beside" in note]


def test_plain_tables_of_two_folders_are_refused(folder, tmp_path):
    path = folder(**{"x/prerequisites.csv": "before,after\n", "y/concepts.csv": "concept_id\nZ\n"})
    with pytest.raises(SourceError, match="lie in the folders 'x' and 'y'; put them into one"):
        extracted(path, tmp_path)


def test_the_other_source_is_recognised_and_a_change_of_a_table_beside_is_seen(folder, monkeypatch):
    known = {each.name: each for each in (OUTLINE, tables.SOURCE)}
    monkeypatch.setattr(registered, "sources", lambda: known)
    path = folder(**{"concepts.csv": "concept_id\nA\n", "items.csv": "item_id\nb\n"})
    assert source_of(path) is OUTLINE  # though the tables are a whole source, too
    before = hash_files(path, files_read(OUTLINE))
    (path / "concepts.csv").write_text("concept_id\nB\n", encoding="utf-8")
    assert hash_files(path, files_read(OUTLINE)) != before
    (path / "outline.txt").unlink()
    assert source_of(path) is tables.SOURCE
