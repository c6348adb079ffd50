"""Does an archive say so much less than its files, or than the last one, that it must be a mistake?

A file of which no row can be kept, and tables that lost most of their rows, are what a wrong
encoding, a wrong form or a broken export look like. Nobody is to find that out from an empty graph.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kgplan.errors import ArtifactError, LossRefused, SourceError
from kgplan.etl.forms import seems_to_be
from kgplan.etl.report import ExtractReport, FileReport
from kgplan.etl.sources import open_source, source_named
from kgplan.etl.tables import REFERENCES, TABLES, Mend, Reason
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

SNIFFED_BYTES = 1 << 16
ENTITIES = frozenset(REFERENCES.values())
SHOWN_LOSSES = 5
CATALOGUE = ("concept", "course", "item", "learner")  # whose ids tell one archive from another
UNREAD = (Mend.UNREADABLE_VALUE, Mend.UNUSABLE_URL)
TOLERANT = "add --tolerant to take it as it is"


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
    notes = [*extracted.notes, *notes_of(extracted, rejects)]
    if tolerant:
        return Judgement(notes)
    refuse_unread(extracted, source, rejects)
    refuse_lossy(extracted, share, rejects)
    try:
        last = artifacts.open("tables", artifacts.in_use().get("tables", ""), hashed=False)
    except ArtifactError:  # there is none to compare with
        return Judgement(notes)
    if is_another(tables, last.path):
        note = f"no id is one of {last.metrics['source']}, read last: another archive's place"
        return Judgement([*notes, note], another=True)
    refuse_shrunk(extracted.tables, last.metrics["tables"], share, rejects)
    return Judgement(notes)


def refuse_unread(report: ExtractReport, path: Path, rejects: Path) -> None:
    """Refuse a source with a file that has rows, of which not one was kept.

    Args:
        report: of its extraction.
        path: the zip or the folder.
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
    source = source_named(report.format)
    seems = ""
    with open_source(path, source) as archive:
        for file in source.layout:
            if worst.file in file.among(archive.paths):
                seems = seems_to_be(archive.head(worst.file, SNIFFED_BYTES), file.seems)
    others = f" (nor of {len(lost) - 1} more)" if len(lost) > 1 else ""
    raise SourceError(
        f"not one row of {worst.file} in {path} was kept{others}{seems and f'; it {seems}'};"
        f" the first is {worst}; mend the file, or {TOLERANT}"
    )


def refuse_lossy(report: ExtractReport, share: float, rejects: Path) -> None:
    """Refuse a source with a file of whose rows more than a share cannot be used.

    Repeats are no loss, and rows that name what the source has none of yet are no fault of theirs.

    Args:
        report: of its extraction.
        share: of the rows of each file that may be lost.
        rejects: the extraction's `rejects.parquet`.

    Raises:
        LossRefused: with the files and the first row that was kept out.
    """
    lost = {}
    empty = _empty_entities(report)
    for part in report.files:
        reasons = part.rejected.keys() - {Reason.DUPLICATE}
        if empty & set(TABLES[part.table].references.values()):
            reasons -= {Reason.DANGLING_ID}
        if (n := sum(part.rejected[each] for each in reasons)) > share * part.read:
            lost[part.file] = f"{n:,} of {part.read:,} rows of {part.file}"
    if not lost:
        return
    first = _first_rejects(rejects)[min(lost)]
    raise LossRefused(
        f"{' and '.join(lost.values())} cannot be used; the first is {first}; mend them"
        f" (`kgplan etl report` of the run with --tolerant lists all), or {TOLERANT}"
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


def notes_of(report: ExtractReport, rejects: Path) -> list[str]:
    """Which files lost rows or values: how many, and the first one with its reason.

    Args:
        report: of the extraction.
        rejects: its `rejects.parquet`.
    """
    lost = Counter[str]()
    for part in report.files:
        lost[part.file] += sum(part.rejected.values())
    first = _first_rejects(rejects)
    notes = [
        f"{count:,} {'row' if count == 1 else 'rows'} kept out, the first is {first[file]}"
        for file, count in lost.most_common()
        if count
    ]
    if len(notes) > SHOWN_LOSSES:
        notes[SHOWN_LOSSES:] = [f"rows of {len(notes) - SHOWN_LOSSES} more files kept out"]
    if notes:
        notes[-1] += "; `kgplan etl report` tells all"
    values = sum(part.mended.get(name, 0) for part in report.files for name in UNREAD)
    return notes + ([f"{values:,} values could not be read and are left out"] if values else [])


def _files_without_rows(report: ExtractReport) -> list[str]:
    """Files that have rows, none of which was kept or left out by its meaning.

    Where there is no learner yet, say, rows that name one are no sign of a fault.
    """
    by_file: dict[str, list[FileReport]] = {}
    for part in report.files:
        by_file.setdefault(part.file, []).append(part)
    empty = _empty_entities(report)
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


def _empty_entities(report: ExtractReport) -> set[str]:
    return {part.table for part in report.files if part.table in ENTITIES and not part.read}


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
