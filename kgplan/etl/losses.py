"""Does an archive say so much less than its files, or than the last one, that it must be a mistake?

A file of which no row can be kept, and tables that lost most of their rows, are what a wrong
encoding, a wrong form or a broken export look like. Nobody is to find that out from an empty graph.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb

from kgplan.errors import ArtifactError, LossRefused, SourceError
from kgplan.etl.report import ExtractReport, FileReport
from kgplan.etl.source import Source, open_source
from kgplan.etl.tables import REFERENCES, TABLES, Reason
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

SNIFFED_BYTES = 1 << 16
ENTITIES = frozenset(REFERENCES.values())
SHOWN_LOSSES = 5
CATALOGUE = ("concept", "course", "video", "learner")  # whose ids tell one archive from another
TOLERANT = "add --tolerant to take it as it is"
ENCODINGS = ((b"\xff\xfe\0\0", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
FORMS = (
    (b"PK\x03\x04", "a zip in the place of its text"),
    (b"\x1f\x8b", "packed with gzip"),
    (b"PAR1", "Parquet"),
    (b"SQLite format 3", "an SQLite database"),
    (b"version https://git-lfs", "a pointer of Git LFS in the place of the file"),
    (b"<", "a page of HTML or XML"),
)
SEPARATORS = {",": "commas", ";": "semicolons", "|": "bars", " ": "spaces"}


@dataclass(frozen=True)
class Rejected:
    """A row that was kept out.

    Attributes:
        file, line: where it is.
        reason: a `Reason`.
        detail: the same as a sentence.
    """

    file: str
    line: int
    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.detail}"


@dataclass(frozen=True)
class Judgement:
    """What is to be said of an archive that is taken.

    Attributes:
        notes: sentences for people.
        another: whether it has no id of the last one, and so takes its place.
    """

    notes: list[str]
    another: bool = False


def judge_losses(
    settings: Settings,
    artifacts: ArtifactStore,
    source: Path,
    extracted: ExtractReport,
    tables: Path,
    tolerant: bool,
) -> Judgement:
    """Refuse an archive that says much less than its files or than the last one.

    Args:
        settings: which share may be lost.
        artifacts: where the last run's tables are in use.
        source: the archive.
        extracted: what came of it.
        tables: the folder of its tables.
        tolerant: take it nevertheless.

    Raises:
        SourceError: no row of a file was kept.
        LossRefused: a table lost more than may be.
    """
    share, rejects = settings.loss_share, tables / "rejects.parquet"
    notes = notes_of(extracted, share)
    if tolerant:
        return Judgement(notes)
    refuse_unread(extracted, source, rejects)
    try:
        last = artifacts.open("tables", artifacts.in_use().get("tables", ""), hashed=False)
    except ArtifactError:  # there is none to compare with
        return Judgement(notes)
    if is_another(tables, last.path):
        note = f"no id is one of {last.metrics['source']}, read last: another archive's place"
        return Judgement([*notes, note], another=True)
    refuse_shrunk(extracted.tables, last.metrics["tables"], share, rejects)
    return Judgement(notes)


def refuse_unread(report: ExtractReport, source: Path, rejects: Path) -> None:
    """Refuse an archive with a file that has rows, of which not one was kept.

    Args:
        report: of its extraction.
        source: the archive.
        rejects: the extraction's `rejects.parquet`.

    Raises:
        SourceError: with the first such file, what it seems to be, and its first row.
    """
    first = _first_rejects(rejects)
    lost = [first[file] for file in _files_without_rows(report)]
    if not lost:
        return
    # names that nobody has mostly follow from another file that was not read
    worst = min(lost, key=lambda row: row.reason == Reason.DANGLING_ID)
    with open_source(source) as archive:
        seems = seems_to_be(_head(archive, worst.file), _is_pairs(worst.file))
    others = f" (nor of {len(lost) - 1} more)" if len(lost) > 1 else ""
    raise SourceError(
        f"not one row of {worst.file} in {source} was kept{others}{seems and f'; it {seems}'};"
        f" the first is {worst}; mend the file, or {TOLERANT}"
    )


def refuse_shrunk(
    now: Mapping[str, int], before: Mapping[str, int], share: float, rejects: Path
) -> None:
    """Refuse tables that are empty, or lost more than a share of their rows, since the last run.

    Args:
        now, before: table -> rows.
        share: of the rows of each table that may be lost.
        rejects: the extraction's `rejects.parquet`.

    Raises:
        LossRefused: with the tables and the first row that was kept out.
    """
    lost = {
        table: (rows, now.get(table, 0))
        for table, rows in before.items()
        if rows and (now.get(table, 0) == 0 or rows - now[table] > share * rows)
    }
    if not lost:
        return
    listed = [f"{table} has {left:,} rows, {rows:,} before" for table, (rows, left) in lost.items()]
    if len(listed) > SHOWN_LOSSES:
        listed[SHOWN_LOSSES:] = [f"{len(listed) - SHOWN_LOSSES} more tables"]
    first = _first_rejects(rejects, tuple(lost)).values()
    why = (
        f"the first row that was kept out is {next(iter(first))}"
        if first
        else ("no row of theirs was kept out: the files themselves say less")
    )
    raise LossRefused(
        f"much of the last run's tables is missing: {'; '.join(listed)}; {why};"
        f" check the source, or {TOLERANT}"
    )


def is_another(tables: Path, before: Path) -> bool:
    """Whether tables are of another archive than earlier ones: no id of theirs is known there.

    Args:
        tables, before: folders of Parquet tables.
    """
    compared = False
    with duckdb.connect() as database:
        for name in CATALOGUE:
            row = database.execute(
                f"""
                WITH new AS (SELECT {name}_id FROM read_parquet($new)),
                    old AS (SELECT {name}_id FROM read_parquet($old))
                SELECT (SELECT count(*) FROM new), (SELECT count(*) FROM old),
                    (SELECT count(*) FROM new SEMI JOIN old USING ({name}_id))""",
                {"new": str(tables / f"{name}.parquet"), "old": str(before / f"{name}.parquet")},
            ).fetchone()
            assert row is not None
            n_new, n_old, known = row
            if known:
                return False
            compared |= bool(n_new and n_old)
    return compared


def notes_of(report: ExtractReport, share: float) -> list[str]:
    """How many rows were kept out, and of which files more than a share."""
    kept_out = {file.file: sum(file.rejected.values()) for file in report.files}
    notes = [
        f"{file.file}: {kept_out[file.file]:,} of {file.read:,} rows were kept out of"
        f" {file.table}; `kgplan etl report` says why"
        for file in report.files
        if kept_out[file.file] > share * file.read
    ]
    if any(kept_out.values()) and not notes:
        read = sum(file.read for file in report.files)
        notes = [
            f"{sum(kept_out.values()):,} of {read:,} rows were kept out;"
            " `kgplan etl report` says which and why"
        ]
    return notes


def seems_to_be(head: bytes, pairs: bool) -> str:
    """What a file's first bytes look like, to go on after "it"; empty where nobody knows.

    Args:
        head: its first bytes.
        pairs: two columns are wanted; else a JSON object a line.

    >>> seems_to_be("K_1\\tC_1\\n".encode("utf-16"), True)
    'seems to be UTF-16, and UTF-8 is needed'
    >>> seems_to_be(b"K_1,C_1\\nK_2,C_1\\n", True)
    'seems to have commas between its columns, and a TAB is needed'
    >>> seems_to_be(b'[\\n {"id": "K_1"}\\n]', False)
    'seems to be one JSON document, and an object on each line is needed'
    """
    for begins, encoding in ENCODINGS:
        if head.startswith(begins):
            return _encoded(encoding)
    for begins, form in FORMS:
        if head.lstrip().startswith(begins):
            return f"seems to be {form}"
    if head.count(0) > len(head) // 4:
        return _encoded("UTF-16" if head.count(0) <= len(head) * 5 // 8 else "UTF-32")
    try:
        text = _decoded(head, "utf-8")
    except UnicodeDecodeError:
        return _encoded(_eight_bits(head))
    lines = [line for line in text.splitlines() if line.strip()]
    return _form_of_pairs(lines) if pairs else _form_of_objects(text, lines)


def _encoded(encoding: str) -> str:
    return f"seems to be {encoding}, and UTF-8 is needed"


def _decoded(head: bytes, encoding: str) -> str:
    """The text, where the last character may be cut; as `bytes.decode` else."""
    for cut in range(4):
        try:
            return head[: len(head) - cut].decode(encoding)
        except UnicodeDecodeError as error:
            if error.start < len(head) - 8:
                raise
            last = error
    raise last


def _eight_bits(head: bytes) -> str:
    """Chinese letters are bytes above 127 in a row, accented ones stand alone in a word."""
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", head)]
    if sum(run for run in runs if run > 1) > sum(runs) / 2:
        with suppress(UnicodeDecodeError):
            _decoded(head, "gb18030")
            return "GBK or GB18030"
    return "Latin-1 or another encoding of 8 bits"


def _form_of_pairs(lines: list[str]) -> str:
    if any("\t" in line for line in lines):
        return ""
    if any(line.lstrip()[0] in "[{" for line in lines[:1]):
        return "seems to be JSON, and two columns with a TAB between them are needed"
    for separator, name in SEPARATORS.items():
        if lines and all(separator in line for line in lines[:-1] or lines):
            return f"seems to have {name} between its columns, and a TAB is needed"
    return ""


def _form_of_objects(text: str, lines: list[str]) -> str:
    if text.lstrip().startswith("[") or (lines and lines[0].strip() == "{"):
        return "seems to be one JSON document, and an object on each line is needed"
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(lines[0])
        except ValueError:
            return "seems to be one JSON document, and an object on each line is needed"
        fields = ", ".join(islice(found, 5)) if isinstance(found, dict) else ""
        return f"seems to have other fields: {fields}" if "id" not in found else ""
    if "\t" in text or "," in text:
        return "seems to be a table of columns, and a JSON object on each line is needed"
    return ""


def _is_pairs(file: str) -> bool:
    return file.startswith("relations/")


def _head(archive: Source, path: str) -> bytes:
    with archive.open(path) as stream:
        return stream.read(SNIFFED_BYTES)


def _files_without_rows(report: ExtractReport) -> list[str]:
    """Files that have rows, none of which was kept or left out by its meaning.

    Where there is no learner yet, say, rows that name one are no sign of a fault.
    """
    by_file: dict[str, list[FileReport]] = {}
    for part in report.files:
        by_file.setdefault(part.file, []).append(part)
    empty = {part.table for part in report.files if part.table in ENTITIES and not part.read}
    return [
        file
        for file, parts in by_file.items()
        if any(part.read for part in parts)
        and not any(part.kept or part.left_out for part in parts)
        and not all(
            part.rejected.keys() <= {Reason.DANGLING_ID}
            and empty & set(TABLES[part.table].references.values())
            for part in parts
        )
    ]


def _first_rejects(rejects: Path, tables: tuple[str, ...] = ()) -> dict[str, Rejected]:
    """File -> its first row that was kept out, of all tables or of these."""
    with duckdb.connect() as database:
        rows = database.execute(
            """
            SELECT file, line, reason, detail FROM read_parquet($path)
            WHERE len($tables) = 0 OR table_name IN $tables
            QUALIFY row_number() OVER (PARTITION BY file ORDER BY line) = 1 ORDER BY file""",
            {"path": str(rejects), "tables": list(tables)},
        ).fetchall()
    return {row[0]: Rejected(*row) for row in rows}
