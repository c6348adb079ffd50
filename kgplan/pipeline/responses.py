"""What did learners answer, and which concepts does each item need? Anyone's two CSV files.

Responses: long (`learner_id,item_id,score[,weight]`) or wide (a column an item, a row a learner,
and a column that names the learners); in order: long, with `time`. Q-matrix: `etl.qmatrix`. Columns
may have other usual names, files other separators: `etl.csvfile`. What was taken so is noted.
A row that cannot be used is kept out, with its line and reason; a file that cannot be read as
either form, or whose scores are on another scale, is refused. Nothing is dropped silently.
Sizes: U learners, V items, K concepts, N answers.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints
from kgplan.data.told import told_time
from kgplan.diagnosis.hierarchy import prerequisites_of
from kgplan.errors import InputError
from kgplan.pipeline.qmatrix import QMatrix, Reject, read_q_matrix
from kgplan.store.csvfile import CsvFile, read_csv

LONG_RESPONSES = ("learner_id", "item_id", "score")
HIERARCHY = ("prerequisite_id", "concept_id")
MISSING = {"", "na", "nan"}
EARLIEST, LATEST = -6e10, 1e11
"""Seconds since 1970, in the years 68 and 5138: other numbers are milliseconds, or no times."""
REASONS = {
    "broken_row": "the row has more or fewer cells than the header",
    "no_learner": "the learner id is empty",
    "no_item": "the item id is empty",
    "unknown_item": "the Q-matrix has no such item",
    "score_not_a_number": "the score is not a number",
    "score_out_of_range": "the score is outside [0, 1]",
    "bad_weight": "the weight is not a number of 0 or more",
    "no_time": "the time is empty",
    "bad_time": "the time is neither ISO 8601 nor seconds since 1970",
    "repeated": "an earlier row holds the same learner, item and score (in order: and time)",
    "contradicts": "an earlier row holds another score of this learner and item; that one stays",
    "repeated_concept": "an earlier row says the same of this item",
    "unknown_concept": "the Q-matrix has no such concept; what follows through it counts",
}


@dataclass(frozen=True)
class _Given:
    """What both files name, and what was kept out or is worth knowing.

    Attributes:
        learner_ids: (U,) in the order of their first row, those without a usable answer too.
        item_ids: (V,) the responses' order, then items that only the Q-matrix has.
        concept_ids: (K,) in the Q-matrix's order.
        q_matrix: (V, K).
        rejects: rows and cells kept out.
        missing: cells or rows without a score.
        notes: what was taken otherwise than as it is documented, a sentence each.
    """

    learner_ids: Ids
    item_ids: Ids
    concept_ids: Ids
    q_matrix: sparse.csr_matrix
    rejects: tuple[Reject, ...]
    missing: int
    notes: tuple[str, ...]

    def rejected(self) -> dict[str, int]:
        """How many rows and cells were kept out, by reason."""
        return dict(Counter(reject.reason for reject in self.rejects))

    def _findings(self, learner: Ints, item: Ints, score: Floats) -> dict[str, list[str]]:
        needs = np.diff(self.q_matrix.indptr)
        answered = np.bincount(item, minlength=needs.size)
        order = np.argsort(item, kind="stable")
        constant = np.zeros(needs.size, bool)
        for v, own in enumerate(np.split(score[order], np.cumsum(answered)[:-1])):
            constant[v] = own.size > 0 and bool(np.all(own == own[0]))
        items = np.bincount(self.q_matrix.indices, minlength=self.concept_ids.size)
        unknown = {r.item_id: None for r in self.rejects if r.reason == "unknown_item"}
        silent = np.bincount(learner, minlength=self.learner_ids.size) == 0
        return {
            "items_without_concepts": self.item_ids[needs == 0].tolist(),
            "items_without_responses": self.item_ids[answered == 0].tolist(),
            "constant_items": self.item_ids[constant].tolist(),
            "concepts_without_items": self.concept_ids[items == 0].tolist(),
            "learners_without_responses": self.learner_ids[silent].tolist(),
            "unknown_items": list(unknown),
        }


@dataclass(frozen=True)
class Responses(_Given):
    """Answers and Q-matrix as arrays: one answer of a learner to an item.

    Attributes:
        scores: (U, V) in [0, 1]; every stored entry was observed.
        weights: (U, V) stored where `scores` is; None where the file has no weights.
    """

    scores: sparse.csr_matrix
    weights: sparse.csr_matrix | None

    def findings(self) -> dict[str, list[str]]:
        """Ids that a fit can say little or nothing about, by what is the matter.

        Returns:
            items_without_concepts: their answers say nothing; items_without_responses: they have
            no slip and guess; constant_items: everybody scored the same; concepts_without_items:
            they keep the prior; learners_without_responses: they keep it, too; unknown_items:
            answered, and not in the Q-matrix.
        """
        stored = self.scores.tocoo()
        return self._findings(stored.row, stored.col, stored.data)


@dataclass(frozen=True)
class ResponsesInOrder(_Given):
    """Answers one by one, in the file's order, several of a learner to an item too.

    Attributes:
        learner, item: (N,) places in the ids.
        score: (N,) in [0, 1].
        seconds: (N,) when, since 1970.
    """

    learner: Ints
    item: Ints
    score: Floats
    seconds: Floats

    def findings(self) -> dict[str, list[str]]:
        """As `Responses.findings`; items without responses have what items like them suggest."""
        return self._findings(self.learner, self.item, self.score)

    def at_the_same_time(self) -> int:
        """Answers whose learner answered something else, before them in the file, at their time."""
        return self.learner.size - len({*zip(self.learner, self.seconds, strict=True)})


def read_responses(responses: Path, q_matrix: Path) -> Responses:
    """Read answers and Q-matrix.

    Args:
        responses, q_matrix: CSV, long or wide, told apart by the header.

    Raises:
        InputError: a file is not there or no CSV, has a header of neither form, scores on another
            scale than [0, 1], a Q-matrix that can be read in two ways, or nothing usable in it.
    """
    read = _read(responses, q_matrix)
    kept: dict[tuple[int, int], _Cell] = {}
    for cell in read.known():
        key = read.learners[cell.learner], read.items[cell.item]
        if before := kept.get(key):
            read.reject(cell, "repeated" if before.score == cell.score else "contradicts")
        else:
            kept[key] = cell
    read.check_any(kept)
    shape = (len(read.learners), len(read.items))
    u, v = np.array(list(kept), np.int64).T
    score = np.array([cell.score for cell in kept.values()])
    weight = np.array([cell.weight for cell in kept.values()])
    return Responses(
        **read.given(),
        scores=_matrix(score, u, v, shape),
        weights=_matrix(weight, u, v, shape) if read.answers.weighted else None,
    )


def read_in_order(responses: Path, q_matrix: Path, zone: tzinfo) -> ResponsesInOrder:
    """Read answers with their times, and a Q-matrix.

    Args:
        responses: CSV with the columns learner_id, item_id, score and time, without weights.
        q_matrix: as for `read_responses`.
        zone: of times without one.

    Raises:
        InputError: as `read_responses`; the responses are not long, have no times, or weights.
    """
    read = _read(responses, q_matrix, zone)
    kept = list[_Cell]()
    seen = set[tuple[str, str, float, float]]()
    for cell in read.known():
        key = cell.learner, cell.item, cell.score, cell.seconds
        if key in seen:
            read.reject(cell, "repeated")
        else:
            seen.add(key)
            kept.append(cell)
    read.check_any(kept)
    return ResponsesInOrder(
        **read.given(),
        learner=np.array([read.learners[cell.learner] for cell in kept], np.int64),
        item=np.array([read.items[cell.item] for cell in kept], np.int64),
        score=np.array([cell.score for cell in kept]),
        seconds=np.array([cell.seconds for cell in kept]),
    )


@dataclass
class _Read:
    """Both files, while it is chosen which answers are kept.

    Attributes:
        path: of the responses.
        answers: all of them.
        needs: the concepts of each item of the Q-matrix.
        concepts, learners, items: each id's place.
        rejects: what was kept out so far.
        notes: of both files.
    """

    path: Path
    answers: "_Answers"
    needs: Mapping[str, list[str]]
    concepts: dict[str, int]
    learners: dict[str, int]
    items: dict[str, int]
    rejects: list[Reject]
    notes: tuple[str, ...]

    def known(self) -> "Iterator[_Cell]":
        """Cells without a fault, of items of the Q-matrix; the others are rejected."""
        for cell in self.answers.cells:
            fault = cell.fault if cell.item in self.items else "unknown_item"
            if fault:
                self.reject(cell, fault)
            else:
                yield cell

    def reject(self, cell: "_Cell", reason: str) -> None:
        """Keep a cell out."""
        self.rejects.append(
            Reject(self.path.name, cell.line, cell.learner, cell.item, cell.text, reason)
        )

    def check_any(self, kept: Iterable[object]) -> None:
        """Refuse a file without a usable answer."""
        if any(True for _ in kept):
            return
        counts = Counter(REASONS[r.reason] for r in self.rejects if r.file == self.path.name)
        why = "; ".join(f"{n} times {reason}" for reason, n in counts.most_common(3))
        raise InputError(
            f"{self.path} holds no usable answer{': ' + why if why else ''}; "
            "give scores in [0, 1] of items that the Q-matrix lists"
        )

    def given(self) -> dict[str, Any]:
        """The arguments of `_Given`."""
        rows = [self.items[item] for item, of in self.needs.items() for _ in of]
        columns = [self.concepts[concept] for of in self.needs.values() for concept in of]
        return {
            "learner_ids": np.array(list(self.learners), np.str_),
            "item_ids": np.array(list(self.items), np.str_),
            "concept_ids": np.array(list(self.concepts), np.str_),
            "q_matrix": _matrix(
                np.ones(len(rows)), np.array(rows, np.int64), np.array(columns, np.int64),
                (len(self.items), len(self.concepts)),
            ),
            "rejects": tuple(sorted(self.rejects, key=lambda r: (r.file, r.line))),
            "missing": self.answers.missing,
            "notes": self.notes,
        }  # fmt: skip


def _read(responses: Path, q_matrix: Path, zone: tzinfo | None = None) -> _Read:
    """Both files; with a zone, for answers in order."""
    table = read_csv(responses)
    needed = read_csv(q_matrix)
    long = _long_columns(table)
    mentioned = set(table.header)
    if long:
        mentioned |= {cells[long["item_id"]] for _, cells in table.rows if len(cells) > 1}
    q = read_q_matrix(needed, mentioned)
    if long and table.header[long["item_id"]] != "item_id" and q.items is not None:
        among = {table.header[long[name]] for name in ("item_id", "score")}
        long = {} if among <= set(q.items) else long
    if zone is not None:
        _check_in_order(table, long)
    answers = _long_answers(table, long, zone) if long else _wide_answers(table, q)
    listed = list(answers.items) if q.items is None else q.items
    if len(listed) != len(q.needs):
        raise InputError(
            f"{q_matrix} has {len(q.needs)} rows and the responses have {len(listed)} items; give"
            " one row an item, or a first column item_id"
        )
    needs = dict(zip(listed, q.needs, strict=True))
    _check_scale(responses, [cell for cell in answers.cells if cell.item in needs])
    item_ids = [item for item in answers.items if item in needs]
    item_ids += [item for item in needs if item not in answers.items]
    return _Read(
        path=responses,
        answers=answers,
        needs=needs,
        concepts=q.concepts,
        learners={learner: u for u, learner in enumerate(answers.learners)},
        items={item: v for v, item in enumerate(item_ids)},
        rejects=[*q.rejects, *answers.rejects],
        notes=(*table.notes, *answers.notes, *needed.notes, *q.notes),
    )


def _check_in_order(table: CsvFile, long: dict[str, int]) -> None:
    """Refuse responses that cannot be put in order."""
    wrong = ""
    if not long:
        wrong = f"the columns of {table.path} are {table.titles()}"
    elif table.column("time") is None:
        wrong = f"{table.path} has no column of times (its columns: {table.titles()})"
    elif table.column("weight") is not None:
        wrong = f"{table.path} has weights, which answers in order have not"
    if wrong:
        raise InputError(
            f"{wrong}; give learner_id,item_id,score,time, or fit without order (no --in-order)"
        )


def read_hierarchy(path: Path, concept_ids: Ids) -> tuple[Ints, tuple[Reject, ...]]:
    """Read which concepts cannot be held without which others.

    Args:
        path: CSV with the columns prerequisite_id and concept_id.
        concept_ids: (K,) those of the Q-matrix.

    Returns:
        (H, 2) prerequisite and concept as places in `concept_ids`, indirect pairs too; and the
        rows that are broken or name a concept that is not there.

    Raises:
        InputError: the file is not such a CSV, or its concepts go in a circle.
    """
    table = read_csv(path)
    before_at, after_at = (table.column(name) for name in HIERARCHY)
    if before_at is None or after_at is None:
        raise InputError(f"the columns of {path} are {table.titles()}; give {','.join(HIERARCHY)}")
    place = {str(concept): k for k, concept in enumerate(concept_ids)}
    pairs, rejects = list[tuple[str, str]](), list[Reject]()
    for line, cells in table.rows:
        reason = "broken_row" if len(cells) != len(table.header) else ""
        if not reason:
            pairs.append((cells[before_at], cells[after_at]))
            reason = "" if all(concept in place for concept in pairs[-1]) else "unknown_concept"
        if reason:
            rejects.append(Reject(path.name, line, "", "", ",".join(cells), reason))
    found = [
        (place[before], place[after])
        for after, all_before in prerequisites_of(pairs).items()
        for before in all_before
        if before in place and after in place
    ]
    return np.array(sorted(found), np.int64).reshape(-1, 2), tuple(rejects)


def _matrix(
    values: Floats, rows: Array, columns: Array, shape: tuple[int, int]
) -> sparse.csr_matrix:
    matrix = sparse.csr_matrix((values, (rows, columns)), shape=shape)
    matrix.sort_indices()
    return matrix


@dataclass(frozen=True)
class _Cell:
    """What a learner answered to an item, with its line, and a key of REASONS where it is bad."""

    line: int
    learner: str
    item: str
    text: str
    score: float
    weight: float
    seconds: float
    fault: str


@dataclass
class _Answers:
    """All cells with a score, ids in order of appearance."""

    learners: dict[str, None] = field(default_factory=dict)
    items: dict[str, None] = field(default_factory=dict)
    cells: list[_Cell] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: int = 0
    weighted: bool = False
    read_as: set[str] = field(default_factory=set)

    def add(
        self,
        line: int,
        learner: str,
        item: str,
        text: str,
        weight: str = "1",
        time: tuple[str, tzinfo] | None = None,
    ) -> None:
        """Take one answer, or count it where there is none.

        Args:
            line, learner, item: where it stands, whose and to what.
            text: the score.
            weight: as text.
            time: as text, and the zone of one without; None where times do not count.
        """
        if text.lower() in MISSING:
            self.missing += 1
            return
        score, fault, read_as = _score(text)
        if read_as:
            self.read_as.add(read_as)
        heavy = _weight(weight)
        if not fault and not 0 <= heavy < float("inf"):
            text, fault = weight, "bad_weight"
        seconds = 0.0
        if time is not None and not fault:
            seconds, fault = seconds_told(*time)
            text = time[0] if fault else text
        self.cells.append(_Cell(line, learner, item, text, score, heavy, seconds, fault))

    def ended(self, table: CsvFile) -> "_Answers":
        """With a note on scores that were not written as plain numbers."""
        if self.read_as:
            self.notes.append(f"{table.path.name}: {', '.join(sorted(self.read_as))}")
        return self


def _score(text: str) -> tuple[float, str, str]:
    """The score, the reason why it is none, and how it was read where not as a plain number.

    >>> _score("0.5"), _score("2")[1], _score("yes")[1]
    ((0.5, '', ''), 'score_out_of_range', 'score_not_a_number')
    >>> _score("0,5")[0], _score("85 %")[0], _score("TRUE")[0]
    (0.5, 0.85, 1.0)
    """
    words = {"true": 1.0, "false": 0.0}
    if text.lower() in words:
        return words[text.lower()], "", "true and false read as 1 and 0"
    bare, read_as = text, ""
    if "," in bare and "." not in bare:
        bare, read_as = bare.replace(",", ".", 1), "decimal commas"
    if bare.endswith("%"):
        bare, read_as = bare[:-1], "scores with a percent sign divided by 100"
    try:
        value = float(bare)
    except ValueError:
        return 0.0, "score_not_a_number", ""
    value = value / 100 if text.endswith("%") else value
    return value, "" if 0 <= value <= 1 else "score_out_of_range", read_as


def _weight(text: str) -> float:
    """The weight; -1 where the text is not a number."""
    try:
        return float(text.replace(",", ".", 1) if "." not in text else text)
    except ValueError:
        return -1.0


def seconds_told(text: str, zone: tzinfo) -> tuple[float, str]:
    """Seconds since 1970, and the reason, a key of REASONS, why a text tells none.

    >>> from datetime import UTC
    >>> seconds_told("1970-01-02", UTC), seconds_told("", UTC)[1]
    ((86400.0, ''), 'no_time')
    >>> seconds_told("1700000000000", UTC)[1]
    'bad_time'
    """
    if text.lower() in MISSING:
        return 0.0, "no_time"
    told = told_time(text, zone)
    if told is None or not EARLIEST <= told <= LATEST:
        return 0.0, "bad_time"
    return told, ""


def _check_scale(path: Path, cells: list[_Cell]) -> None:
    """Refuse scores on another scale, of which [0, 1] would keep some levels and drop others.

    Outside [0, 1] may be: a code for a missing answer beside scores of [0, 1] (a whole number below
    0; 6 to 9, 66 to 99 and so on; one digit from 3 up that no level leads to); and values that
    occur once, up to one in a hundred cells.
    """
    inside = [cell.score for cell in cells if not cell.fault]
    outside = [cell for cell in cells if cell.fault == "score_out_of_range"]
    times = Counter(cell.score for cell in outside if np.isfinite(cell.score))
    codes = set[float]()
    if any(score > 0 for score in inside):
        above = {value for value in times if value > 1}
        codes = {value for value in above if _is_code(value)}
        if len(above) == 1 and above <= {3.0, 4.0, 5.0}:
            codes |= above
    if any(score < 1 for score in inside):
        codes |= {value for value in times if value < 0 and value.is_integer()}
    levels = {value: n for value, n in times.items() if value not in codes}
    once = all(n == 1 for n in levels.values()) and len(levels) <= max(1, len(cells) // 100)
    if once:
        return
    read = [*inside, *levels]
    worst = max(levels, key=abs)
    cell = next(cell for cell in outside if cell.score == worst)
    raise InputError(
        f"the scores of {path} run from {min(read):g} to {max(read):g} (line {cell.line}: learner"
        f" {cell.learner!r} has {cell.text!r} for item {cell.item!r}); give scores in [0, 1], such"
        " as points divided by the most that an item gives"
    )


def _is_code(value: float) -> bool:
    """Whether this is a usual code for a missing answer.

    >>> [value for value in (2, 5, 6, 9, 10, 77, 90, 97, 99, 100, 999, 7.5) if _is_code(value)]
    [6, 9, 77, 97, 99, 999]
    """
    text = f"{value:.0f}"
    same = len(set(text)) == 1 or set(text[:-1]) == {"9"}
    return float(value).is_integer() and text[-1] in "6789" and same


def _long_columns(table: CsvFile) -> dict[str, int]:
    """Where the columns of the long form stand; empty where one is missing."""
    found = {name: table.column(name) for name in LONG_RESPONSES}
    at = {name: place for name, place in found.items() if place is not None}
    return at if len(set(at.values())) == len(LONG_RESPONSES) else {}


def _long_answers(table: CsvFile, at: dict[str, int], zone: tzinfo | None) -> _Answers:
    """The rows' answers; with a zone, with their times."""
    weight_at, time_at = table.column("weight"), table.column("time")
    if zone is not None and time_at is not None:
        at = at | {"time": time_at}
    found = _Answers(notes=table.renamed(at), weighted=weight_at is not None)
    if zone is None and time_at is not None and time_at not in at.values():
        found.notes.append(
            f"{table.path.name}: the times in {table.header[time_at]} were not looked at; with"
            " --in-order they are"
        )
    for line, cells in table.rows:
        if len(cells) != len(table.header):
            found.rejects.append(_broken(table, line, cells))
            continue
        learner, item, text = (cells[at[name]] for name in LONG_RESPONSES)
        if not learner or not item:
            reason = "no_item" if learner else "no_learner"
            found.rejects.append(Reject(table.path.name, line, learner, item, text, reason))
            continue
        found.learners[learner] = found.items[item] = None
        weight = "1" if weight_at is None else cells[weight_at]
        time = None if zone is None or time_at is None else (cells[time_at], zone)
        found.add(line, learner, item, text, weight, time)
    return found.ended(table)


def _broken(table: CsvFile, line: int, cells: list[str]) -> Reject:
    return Reject(table.path.name, line, "", "", ",".join(cells), "broken_row")


def _wide_answers(table: CsvFile, q: QMatrix) -> _Answers:
    learner_at = _learner_column(table, q)
    index_at = 0 if table.has_index else None  # row numbers, where another column has the learners
    at = [k for k in range(len(table.header)) if k not in (learner_at, index_at)]
    named = [table.header[k] for k in at]
    known = named if q.items is None else [name for name in named if name in set(q.items)]
    if not known or set(named) & set(LONG_RESPONSES):
        raise InputError(
            f"the columns of {table.path} are {table.titles()}"
            + ("" if known or not named else f", and none is an item of the Q-matrix ({_few(q)})")
            + "; give learner_id,item_id,score (and weight), or a column an item with a row a"
            " learner"
        )
    found = _Answers(items=dict.fromkeys(named))
    if learner_at is None:
        found.notes.append(f"{table.path.name}: no column names the learners; each is named by row")
    else:
        found.notes += table.renamed({"learner_id": learner_at})
    for number, (line, cells) in enumerate(table.rows, 1):
        if len(cells) != len(table.header):
            found.rejects.append(_broken(table, line, cells))
            continue
        learner = str(number) if learner_at is None else cells[learner_at]
        if not learner:
            found.rejects.append(
                Reject(table.path.name, line, "", "", ",".join(cells), "no_learner")
            )
            continue
        found.learners[learner] = None
        for k in at:
            found.add(line, learner, table.header[k], cells[k])
    return found.ended(table)


def _few(q: QMatrix) -> str:
    return ", ".join((q.items or [])[:3]) + (", ..." if len(q.items or []) > 3 else "")


def _learner_column(table: CsvFile, q: QMatrix) -> int | None:
    """The column of a wide file that names the learners; None where no column does.

    Raises:
        InputError: the first column is no item, and whether it names learners cannot be told.
    """
    if table.header[0] == "learner_id":
        return 0
    items = set(q.items or ())
    named = table.column("learner_id")
    if named is not None and table.header[named] not in items:
        return named
    first = table.header[0]
    if table.has_index:
        return 0
    if q.items is None:
        return 0 if len(table.header) == len(q.needs) + 1 else None
    if first in items or not items & set(table.header):
        return None
    values = [cells[0] for _, cells in table.rows if len(cells) == len(table.header)]
    scores = [text.lower() in MISSING or not _score(text)[1] for text in values]
    if all(scores):
        return None
    if len(set(values)) == len(values):
        return 0
    raise InputError(
        f"column {first!r} of {table.path} is no item of the Q-matrix, and its"
        f" {values[scores.index(False)]!r} (line {table.rows[scores.index(False)][0]}) no score;"
        " call it learner_id if it names the learners, else take it out"
    )
