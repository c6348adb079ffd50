"""What did learners answer, and which concepts does each item need? Anyone's two CSV files.

Responses: long (`learner_id,item_id,score[,weight]`) or wide (a column an item, a row a learner,
and a column that names the learners). Q-matrix: `etl.qmatrix`. Columns may have other usual names,
files other separators: `etl.csvfile`. What was taken so is noted.
A row that cannot be used is kept out, with its line and reason; a file that cannot be read as
either form, or whose scores are on another scale, is refused. Nothing is dropped silently.
Sizes: U learners, V items, K concepts.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints
from kgplan.diagnosis.hierarchy import prerequisites_of
from kgplan.errors import InputError
from kgplan.pipeline.qmatrix import QMatrix, Reject, read_q_matrix
from kgplan.store.csvfile import CsvFile, read_csv

LONG_RESPONSES = ("learner_id", "item_id", "score")
HIERARCHY = ("prerequisite_id", "concept_id")
MISSING = {"", "na", "nan"}
REASONS = {
    "broken_row": "the row has more or fewer cells than the header",
    "no_learner": "the learner id is empty",
    "no_item": "the item id is empty",
    "unknown_item": "the Q-matrix has no such item",
    "score_not_a_number": "the score is not a number",
    "score_out_of_range": "the score is outside [0, 1]",
    "bad_weight": "the weight is not a number of 0 or more",
    "repeated": "an earlier row holds the same learner, item and score",
    "contradicts": "an earlier row holds another score of this learner and item; that one stays",
    "repeated_concept": "an earlier row says the same of this item",
    "unknown_concept": "the Q-matrix has no such concept; what follows through it counts",
}


@dataclass(frozen=True)
class Responses:
    """Answers and Q-matrix as arrays, and what was kept out or is worth knowing.

    Attributes:
        learner_ids: (U,) in the order of their first row, those without a usable answer too.
        item_ids: (V,) the responses' order, then items that only the Q-matrix has.
        concept_ids: (K,) in the Q-matrix's order.
        scores: (U, V) in [0, 1]; every stored entry was observed.
        weights: (U, V) stored where `scores` is; None where the file has no weights.
        q_matrix: (V, K).
        rejects: rows and cells kept out.
        missing: cells or rows without a score.
        notes: what was taken otherwise than as it is documented, a sentence each.
    """

    learner_ids: Ids
    item_ids: Ids
    concept_ids: Ids
    scores: sparse.csr_matrix
    weights: sparse.csr_matrix | None
    q_matrix: sparse.csr_matrix
    rejects: tuple[Reject, ...]
    missing: int
    notes: tuple[str, ...] = ()

    def rejected(self) -> dict[str, int]:
        """How many rows and cells were kept out, by reason."""
        return dict(Counter(reject.reason for reject in self.rejects))

    def findings(self) -> dict[str, list[str]]:
        """Ids that a fit can say little or nothing about, by what is the matter.

        Returns:
            items_without_concepts: their answers say nothing; items_without_responses: they have
            no slip and guess; constant_items: everybody scored the same; concepts_without_items:
            they keep the prior; learners_without_responses: they keep it, too; unknown_items:
            answered, and not in the Q-matrix.
        """
        needs = np.diff(self.q_matrix.indptr)
        by_item = self.scores.tocsc()
        answered = np.diff(by_item.indptr)
        constant = np.zeros(needs.size, bool)
        for item in np.flatnonzero(answered):
            values = by_item.data[by_item.indptr[item] : by_item.indptr[item + 1]]
            constant[item] = bool(np.all(values == values[0]))
        items = np.bincount(self.q_matrix.indices, minlength=self.concept_ids.size)
        unknown = {r.item_id: None for r in self.rejects if r.reason == "unknown_item"}
        return {
            "items_without_concepts": self.item_ids[needs == 0].tolist(),
            "items_without_responses": self.item_ids[answered == 0].tolist(),
            "constant_items": self.item_ids[constant].tolist(),
            "concepts_without_items": self.concept_ids[items == 0].tolist(),
            "learners_without_responses": self.learner_ids[
                np.diff(self.scores.indptr) == 0
            ].tolist(),
            "unknown_items": list(unknown),
        }


def read_responses(responses: Path, q_matrix: Path) -> Responses:
    """Read answers and Q-matrix.

    Args:
        responses, q_matrix: CSV, long or wide, told apart by the header.

    Raises:
        InputError: a file is not there or no CSV, has a header of neither form, scores on another
            scale than [0, 1], a Q-matrix that can be read in two ways, or nothing usable in it.
    """
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
    answers = _long_answers(table, long) if long else _wide_answers(table, q)
    rejects = [*q.rejects, *answers.rejects]
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
    place = {item: v for v, item in enumerate(item_ids)}
    where = {learner: u for u, learner in enumerate(answers.learners)}
    kept: dict[tuple[int, int], tuple[float, float]] = {}
    for cell in answers.cells:
        reason, value = cell.fault, cell.text
        if cell.item not in place:
            reason = "unknown_item"
        elif not reason and (before := kept.get((where[cell.learner], place[cell.item]))):
            reason = "repeated" if before[0] == cell.score else "contradicts"
        if reason:
            rejects.append(
                Reject(responses.name, cell.line, cell.learner, cell.item, value, reason)
            )
        else:
            kept[where[cell.learner], place[cell.item]] = (cell.score, cell.weight)
    if not kept:
        counts = Counter(REASONS[r.reason] for r in rejects if r.file == responses.name)
        why = "; ".join(f"{n} times {reason}" for reason, n in counts.most_common(3))
        raise InputError(
            f"{responses} holds no usable answer{': ' + why if why else ''}; "
            "give scores in [0, 1] of items that the Q-matrix lists"
        )
    shape = (len(where), len(place))
    u, v = np.array(list(kept), np.int64).T
    values = np.array(list(kept.values()))
    rows_q = [place[item] for item, of in needs.items() for _ in of]
    columns_q = [q.concepts[concept] for of in needs.values() for concept in of]
    return Responses(
        learner_ids=np.array(list(where), np.str_),
        item_ids=np.array(item_ids, np.str_),
        concept_ids=np.array(list(q.concepts), np.str_),
        scores=_matrix(values[:, 0], u, v, shape),
        weights=_matrix(values[:, 1], u, v, shape) if answers.weighted else None,
        q_matrix=_matrix(
            np.ones(len(rows_q)), np.array(rows_q, np.int64), np.array(columns_q, np.int64),
            (len(place), len(q.concepts)),
        ),
        rejects=tuple(sorted(rejects, key=lambda r: (r.file, r.line))),
        missing=answers.missing,
        notes=(*table.notes, *answers.notes, *needed.notes, *q.notes),
    )  # fmt: skip


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
    weight: float = 1.0
    fault: str = ""


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

    def add(self, line: int, learner: str, item: str, text: str, weight: str = "1") -> None:
        """Take one answer, or count it where there is none."""
        if text.lower() in MISSING:
            self.missing += 1
            return
        score, fault, read_as = _score(text)
        if read_as:
            self.read_as.add(read_as)
        heavy = _weight(weight)
        if not fault and not 0 <= heavy < float("inf"):
            text, fault = weight, "bad_weight"
        self.cells.append(_Cell(line, learner, item, text, score, heavy, fault))

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


def _long_answers(table: CsvFile, at: dict[str, int]) -> _Answers:
    weight_at = table.column("weight")
    found = _Answers(notes=table.renamed(at), weighted=weight_at is not None)
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
        found.add(line, learner, item, text, "1" if weight_at is None else cells[weight_at])
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
