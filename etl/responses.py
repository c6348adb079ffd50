"""What did learners answer, and which concepts does each item need? Anyone's two CSV files.

Responses: long (`learner_id,item_id,score[,weight]`) or wide (a column an item, a row a learner,
optionally with `learner_id` first). Q-matrix: long (`item_id,concept_id`) or wide (a column a
concept, a row an item, optionally with `item_id` first, else in the order of the responses' items).
A row that cannot be used is kept out, with its line and reason; a file that cannot be read as
either form is refused. Nothing is dropped silently.
Sizes: U learners, V items, K concepts.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints
from kgplan.diagnosis.hierarchy import prerequisites_of
from kgplan.errors import InputError

LONG_RESPONSES = ["learner_id", "item_id", "score"]
LONG_Q_MATRIX = ["item_id", "concept_id"]
HIERARCHY = ["prerequisite_id", "concept_id"]
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

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Reject:
    """A row, or a cell of a wide file, that was kept out.

    Attributes:
        file: its name.
        line: in the file, from 1.
        learner_id, item_id, value: what it says, as far as it can be read.
        reason: a key of REASONS.
    """

    file: str
    line: int
    learner_id: str
    item_id: str
    value: str
    reason: str


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
    """

    learner_ids: Ids
    item_ids: Ids
    concept_ids: Ids
    scores: sparse.csr_matrix
    weights: sparse.csr_matrix | None
    q_matrix: sparse.csr_matrix
    rejects: tuple[Reject, ...]
    missing: int

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
        responses, q_matrix: CSV in UTF-8, long or wide, told apart by the header.

    Raises:
        InputError: a file is not there, is not CSV in UTF-8, has a header of neither form, a
            Q-matrix cell that is not 0 or 1, or nothing usable in it.
    """
    rejects: list[Reject] = []
    header, rows = _open(responses)
    if set(LONG_RESPONSES) <= set(header):
        answers = _long_answers(responses.name, header, rows, rejects)
    else:
        answers = _wide_answers(responses, header, rows, rejects)
    needs, concepts = _read_q_matrix(q_matrix, list(answers.items), rejects)
    item_ids = [item for item in answers.items if item in needs]
    item_ids += [item for item in needs if item not in answers.items]
    place = {item: v for v, item in enumerate(item_ids)}
    where = {learner: u for u, learner in enumerate(answers.learners)}
    kept: dict[tuple[int, int], tuple[float, float]] = {}
    for line, learner, item, score, weight in answers.cells:
        reason = ""
        if item not in place:
            reason = "unknown_item"
        elif (where[learner], place[item]) in kept:
            same = kept[where[learner], place[item]][0] == score
            reason = "repeated" if same else "contradicts"
        if reason:
            rejects.append(Reject(responses.name, line, learner, item, f"{score:g}", reason))
        else:
            kept[where[learner], place[item]] = (score, weight)
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
    columns_q = [concepts[concept] for of in needs.values() for concept in of]
    return Responses(
        learner_ids=np.array(list(where), np.str_),
        item_ids=np.array(item_ids, np.str_),
        concept_ids=np.array(list(concepts), np.str_),
        scores=_matrix(values[:, 0], u, v, shape),
        weights=_matrix(values[:, 1], u, v, shape) if answers.weighted else None,
        q_matrix=_matrix(
            np.ones(len(rows_q)), np.array(rows_q, np.int64), np.array(columns_q, np.int64),
            (len(place), len(concepts)),
        ),
        rejects=tuple(sorted(rejects, key=lambda r: (r.file, r.line))),
        missing=answers.missing,
    )  # fmt: skip


def read_hierarchy(path: Path, concept_ids: Ids) -> tuple[Ints, tuple[Reject, ...]]:
    """Read which concepts cannot be held without which others.

    Args:
        path: CSV in UTF-8 with the columns prerequisite_id and concept_id.
        concept_ids: (K,) those of the Q-matrix.

    Returns:
        (H, 2) prerequisite and concept as places in `concept_ids`, indirect pairs too; and the
        rows that are broken or name a concept that is not there.

    Raises:
        InputError: the file is not such a CSV, or its concepts go in a circle.
    """
    header, rows = _open(path)
    if not set(HIERARCHY) <= set(header):
        raise InputError(
            f"the columns of {path} are {', '.join(header[:6])}; give {','.join(HIERARCHY)}"
        )
    before_at, after_at = (header.index(name) for name in HIERARCHY)
    place = {str(concept): k for k, concept in enumerate(concept_ids)}
    pairs, rejects = list[tuple[str, str]](), list[Reject]()
    for line, cells in rows:
        reason = "broken_row" if len(cells) != len(header) else ""
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


@dataclass
class _Answers:
    """Cells (line, learner, item, score, weight), ids in order of appearance."""

    learners: dict[str, None]
    items: dict[str, None]
    cells: list[tuple[int, str, str, float, float]]
    missing: int = 0
    weighted: bool = False


def _open(path: Path) -> tuple[list[str], Iterator[Row]]:
    """The header and the rows with their line; blank lines are passed over."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a CSV file") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 (byte {error.start} is not); save it as UTF-8"
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = _rows(path, reader)
    _, header = next(rows, (0, []))
    if not header:
        raise InputError(f"{path} is empty; give a header and one row for each answer or learner")
    repeated = [name for name, n in Counter(header).items() if n > 1]
    if repeated or "" in header:
        wrong = f"names {repeated[0]!r} twice" if repeated else "has a column without a name"
        raise InputError(f"the header of {path} {wrong}; give every column a name of its own")
    return header, rows


def _rows(path: Path, reader: Iterator[list[str]]) -> Iterator[Row]:
    line = 0
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{path}, after line {line}: {error}; give plain CSV") from None
        if cells is None:
            return
        line = reader.line_num  # type: ignore[attr-defined]
        if len(cells) > 1 or any(cell.strip() for cell in cells):  # commas alone are a row
            yield line, [cell.strip() for cell in cells]


def _score(text: str) -> tuple[float, str]:
    """The score, or the reason why it is none.

    >>> _score("0.5"), _score("2")[1], _score("yes")[1]
    ((0.5, ''), 'score_out_of_range', 'score_not_a_number')
    """
    try:
        value = float(text)
    except ValueError:
        return 0.0, "score_not_a_number"
    return value, "" if 0 <= value <= 1 else "score_out_of_range"


def _long_answers(
    file: str, header: list[str], rows: Iterator[Row], rejects: list[Reject]
) -> _Answers:
    learner_at, item_at, score_at = (header.index(name) for name in LONG_RESPONSES)
    weight_at = header.index("weight") if "weight" in header else -1
    found = _Answers({}, {}, [], weighted=weight_at >= 0)
    for line, cells in rows:
        if len(cells) != len(header):
            rejects.append(Reject(file, line, "", "", ",".join(cells), "broken_row"))
            continue
        learner, item, text = cells[learner_at], cells[item_at], cells[score_at]
        if not learner or not item:
            reason = "no_item" if learner else "no_learner"
            rejects.append(Reject(file, line, learner, item, text, reason))
            continue
        found.learners[learner] = found.items[item] = None
        if text.lower() in MISSING:
            found.missing += 1
            continue
        score, reason = _score(text)
        weight = 1.0
        if weight_at >= 0 and not reason:
            weight = _weight(cells[weight_at])
            reason = "" if 0 <= weight < float("inf") else "bad_weight"
        if reason:
            value = cells[weight_at] if reason == "bad_weight" else text
            rejects.append(Reject(file, line, learner, item, value, reason))
        else:
            found.cells.append((line, learner, item, score, weight))
    return found


def _weight(text: str) -> float:
    """The weight; -1 where the text is not a number."""
    try:
        return float(text)
    except ValueError:
        return -1.0


def _wide_answers(
    path: Path, header: list[str], rows: Iterator[Row], rejects: list[Reject]
) -> _Answers:
    named = header[0] == "learner_id"
    items = header[named:]
    part = [name for name in LONG_RESPONSES if name in items]
    if not items or part:
        raise InputError(
            f"the columns of {path} are {', '.join(header[:6])}; give learner_id,item_id,score"
            " (and weight), or a column an item with a row a learner"
        )
    found = _Answers({}, dict.fromkeys(items), [])
    for number, (line, cells) in enumerate(rows, 1):
        if len(cells) != len(header):
            rejects.append(Reject(path.name, line, "", "", ",".join(cells), "broken_row"))
            continue
        learner = cells[0] if named else str(number)
        if not learner:
            rejects.append(Reject(path.name, line, "", "", ",".join(cells), "no_learner"))
            continue
        found.learners[learner] = None
        for item, text in zip(items, cells[named:], strict=True):
            if text.lower() in MISSING:
                found.missing += 1
                continue
            score, reason = _score(text)
            if reason:
                rejects.append(Reject(path.name, line, learner, item, text, reason))
            else:
                found.cells.append((line, learner, item, score, 1.0))
    return found


def _read_q_matrix(
    path: Path, answered: list[str], rejects: list[Reject]
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Item -> concepts it needs, and concept -> column, both in the file's order."""
    header, rows = _open(path)
    needs: dict[str, list[str]] = {}
    concepts: dict[str, int] = {}
    if set(LONG_Q_MATRIX) <= set(header):
        item_at, concept_at = (header.index(name) for name in LONG_Q_MATRIX)
        for line, cells in rows:
            if len(cells) != len(header):
                rejects.append(Reject(path.name, line, "", "", ",".join(cells), "broken_row"))
                continue
            item, concept = cells[item_at], cells[concept_at]
            if not item:
                rejects.append(Reject(path.name, line, "", "", concept, "no_item"))
                continue
            of = needs.setdefault(item, [])
            if not concept:
                continue  # says that the item is there, and needs nothing
            concepts.setdefault(concept, len(concepts))
            if concept in of:
                rejects.append(Reject(path.name, line, "", item, concept, "repeated_concept"))
            else:
                of.append(concept)
    else:
        needs, concepts = _wide_q_matrix(path, header, rows, answered)
    if not concepts or not any(needs.values()):
        raise InputError(
            f"{path} names no concept that an item needs; give item_id,concept_id, or a column a"
            " concept with a row an item"
        )
    return needs, concepts


def _wide_q_matrix(
    path: Path, header: list[str], rows: Iterator[Row], answered: list[str]
) -> tuple[dict[str, list[str]], dict[str, int]]:
    named = header[0] == "item_id"
    columns = header[named:]
    listed = list(rows)
    if not named and len(listed) != len(answered):
        raise InputError(
            f"{path} has {len(listed)} rows and the responses have {len(answered)} items; give one"
            " row an item, or a first column item_id"
        )
    needs: dict[str, list[str]] = {}
    for number, (line, cells) in enumerate(listed):
        if len(cells) != len(header):
            raise InputError(
                f"{path}, line {line}, has {len(cells)} cells and the header {len(header)};"
                " give one cell a concept"
            )
        item = cells[0] if named else answered[number]
        if not item or item in needs:
            what = f"item {item!r} a second time" if item else "an item without an id"
            raise InputError(f"{path}, line {line}, has {what}; give every item one row")
        needs[item] = []
        for concept, text in zip(columns, cells[named:], strict=True):
            if text not in {"0", "1", "0.0", "1.0"}:
                raise InputError(
                    f"{path}, line {line}: item {item!r} has {text!r} for concept {concept!r};"
                    " give 1 where the item needs the concept, else 0"
                )
            if float(text) == 1:
                needs[item].append(concept)
    return needs, {concept: k for k, concept in enumerate(columns)}
