"""Whatever lies in an archive: its rows are kept, rejected or left out, or it is refused."""

import io
import json
import random
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
from fuzzing import FUZZ_CASES, anything, cases, texts
from hypothesis import given
from hypothesis import strategies as st
from miniature import MINI, as_line, write_folder, write_zip

from kgplan.errors import SourceError
from kgplan.etl.archive import split_lines
from kgplan.etl.extract import extract

ARCHIVES = max(4, FUZZ_CASES // 400)
STREAMS = max(200, FUZZ_CASES // 10)


@st.composite
def rows(draw):
    """A row of any file in which something is another."""
    file = draw(st.sampled_from(sorted(MINI)))
    row = draw(st.sampled_from(MINI[file]))
    if isinstance(row, dict) and row and draw(st.booleans()):
        field = draw(st.sampled_from(sorted(row)))
        line = json.dumps({**row, field: draw(anything)}).encode()
    else:
        line = bytearray(as_line(row).rstrip(b"\n"))
        for _ in range(draw(st.integers(1, 3))):
            at = draw(st.integers(0, len(line)))
            line[at : at + draw(st.integers(0, 3))] = draw(
                st.binary(max_size=4) | texts.map(lambda t: t.encode(errors="surrogatepass"))
            )
        line = bytes(line).replace(b"\n", b"")
    return file, line + b"\n"


def read(source: Path, folder: Path):
    """The report, once its sums are right; None where the archive was refused in a sentence."""
    out = folder / "out"
    out.mkdir()
    try:
        report = extract(source, out, threads=1)
    except SourceError:
        return None
    for file in report.files:
        gone = sum(file.rejected.values()) + sum(file.left_out.values())
        assert file.read == file.kept + gone, file
    listed = pq.read_metadata(out / "rejects.parquet").num_rows
    assert listed >= report.rows_rejected
    return report


@cases(ARCHIVES)
@given(st.lists(rows(), min_size=1, max_size=30))
def test_odd_rows_are_counted_and_the_others_stay(odd):
    files = {file: list(kept) for file, kept in MINI.items()}
    with TemporaryDirectory() as name:
        folder = Path(name)
        source = write_folder(folder / "source", files)
        for file, line in odd:
            with (source / file).open("ab") as opened:
                opened.write(line)
        report = read(source, folder)
    assert report is not None
    for table in ("concept", "course", "teacher"):  # a first row stays, whatever follows
        assert report.tables[table] >= len(MINI[f"entities/{table}.json"])


@cases(ARCHIVES)
@given(st.randoms(use_true_random=False), st.integers(0, 8), st.booleans())
def test_a_damaged_zip_is_read_whole_or_refused(chance: random.Random, wounds, cut):
    with TemporaryDirectory() as name:
        folder = Path(name)
        data = bytearray(write_zip(folder / "a.zip", MINI).read_bytes())
        for _ in range(wounds):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if cut:
            del data[chance.randrange(len(data)) :]
        (folder / "b.zip").write_bytes(data)
        read(folder / "b.zip", folder)


@cases(ARCHIVES)
@given(
    st.dictionaries(
        texts.filter(lambda name: name.split("\0")[0])
        | st.sampled_from(["../../x.json", "/x.json"]),
        st.binary(),
    )
)
def test_members_of_any_name_lead_nowhere(members):
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_zip(folder / "a.zip", MINI)
        with zipfile.ZipFile(folder / "a.zip", "a") as archive:
            for member, content in members.items():
                archive.writestr(member.encode(errors="replace").decode(), content)
        before = {"a.zip"}
        assert read(folder / "a.zip", folder) is not None
        assert {each.name for each in folder.iterdir()} == before | {"out"}


@cases(STREAMS)
@given(
    st.lists(st.binary() | st.sampled_from([b"\n", b"\r\n", b"\xef\xbb\xbf", b" "])),
    st.integers(1, 64),
)
def test_lines_are_those_that_python_finds(parts, block):
    data = b"".join(parts)
    found = [
        row for batch in split_lines(io.BytesIO(data), "f", block) for row in batch.to_pylist()
    ]
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    whole = [
        (n, line.rstrip(b"\r\n"))
        for n, line in enumerate(lines, 1)
        if line.rstrip(b"\r\n").strip(b" ")
    ]
    assert [row["line"] for row in found] == [n for n, _ in whole]
    for row, (_, line) in zip(found, whole, strict=True):
        assert row["text"] == line.decode(errors="replace")
