"""Which concepts does each item need? Anyone's CSV file, long or wide."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kgplan.errors import InputError
from kgplan.store.csvfile import CsvFile

CELLS = {"0", "1", "0.0", "1.0", "0,0", "1,0"}  # what a wide file may say of an item and a concept
LISTS = ";|"  # what holds one of these is a list, as what stands in brackets is
MAYBE_LISTS = ",、&"  # a list if its parts occur elsewhere, which names have as well
SELDOM_LISTS = "+/_~"  # a list only if each part stands alone elsewhere


@dataclass(frozen=True)
class Reject:
    """A row, or a cell of a wide file, that was kept out.

    Attributes:
        file: its name.
        line: in the file, from 1.
        learner_id, item_id, value: what it says, as far as it can be read.
        reason: a key of `responses.REASONS`.
    """

    file: str
    line: int
    learner_id: str
    item_id: str
    value: str
    reason: str


@dataclass(frozen=True)
class QMatrix:
    """The items and what they need.

    Attributes:
        items: (V,) ids; None where the file names none, and goes by the responses' order.
        needs: (V,) each item's concepts.
        concepts: concept -> column, in the file's order.
        rejects: rows kept out.
        notes: what was taken otherwise than as it is documented.
    """

    items: list[str] | None
    needs: list[list[str]]
    concepts: dict[str, int]
    rejects: list[Reject]
    notes: list[str]


def read_q_matrix(table: CsvFile, answered: set[str]) -> QMatrix:
    """Read which concepts each item needs.

    Args:
        table: long (item_id, concept_id) or wide (a column a concept, a row an item, or the
            other way round).
        answered: what may be an item in the responses.

    Raises:
        InputError: a cell may be a list of concepts or one name, a cell of a wide file is not 0 or
            1, an item comes twice, or no item needs a concept.
    """
    item_at, concept_at = table.column("item_id"), table.column("concept_id")
    if item_at is not None and concept_at is not None and _is_long(table, concept_at):
        found = _long(table, item_at, concept_at)
    else:
        found = _wide(table, item_at, answered)
    if not found.concepts or not any(found.needs):
        raise InputError(
            f"{table.path} names no concept that an item needs; give item_id,concept_id, or a"
            " column a concept with a row an item"
        )
    return found


def _is_long(table: CsvFile, concept_at: int) -> bool:
    """Not where a column of 0 and 1 is only called like one of concepts."""
    if table.header[concept_at] == "concept_id":
        return True
    said = {cells[concept_at] for _, cells in table.rows if len(cells) == len(table.header)}
    return not said <= CELLS


def _long(table: CsvFile, item_at: int, concept_at: int) -> QMatrix:
    file, width = table.path.name, len(table.header)
    needed_at = table.column("needed")
    if needed_at is not None:  # a wide matrix, melted: a row for what is not needed as well
        said = {cells[needed_at] for _, cells in table.rows if len(cells) == width}
        needed_at = needed_at if said <= CELLS else None
    rejects = list[Reject]()
    rows = list[tuple[int, str, str]]()
    for line, cells in table.rows:
        if len(cells) > width and any(cells[width:]):
            raise InputError(
                f"{table.path}, line {line}, has {len(cells)} cells and the header {width}"
                f" ({', '.join(cells[:6])}); give one row for each concept of an item"
            )
        if len(cells) != width:
            rejects.append(Reject(file, line, "", "", ",".join(cells), "broken_row"))
        elif not cells[item_at]:
            rejects.append(Reject(file, line, "", "", cells[concept_at], "no_item"))
        else:
            needed = needed_at is None or cells[needed_at].startswith("1")
            rows.append((line, cells[item_at], cells[concept_at] if needed else ""))
    parts, ambiguous = read_lists(concept for _, _, concept in rows)
    needs, concepts = dict[str, list[str]](), dict[str, int]()
    for line, item, cell in rows:
        of = needs.setdefault(item, [])
        if cell in ambiguous:
            raise InputError(
                f"{table.path}, line {line}: item {item!r} has {cell!r}, one concept or several;"
                " give one row for each concept of an item, or a name without"
                f" {ambiguous[cell]!r}"
            )
        for concept in parts.get(cell, [cell] if cell else []):  # none: it needs nothing
            concepts.setdefault(concept, len(concepts))
            if concept in of:
                rejects.append(Reject(file, line, "", item, concept, "repeated_concept"))
            else:
                of.append(concept)
    notes = table.renamed({"item_id": item_at, "concept_id": concept_at})
    if needed_at is not None:
        notes.append(f"{file}: rows with 0 for {table.header[needed_at]} are of what is not needed")
    if parts:
        cell = next(iter(parts))
        told = ", ".join(map(repr, parts[cell]))
        notes.append(f"{file}: cells that list concepts are read as such, as {cell!r} as {told}")
    return QMatrix(list(needs), list(needs.values()), concepts, rejects, notes)


def read_lists(cells: Iterable[str]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Which cells list several concepts?

    Returns:
        Cell -> its concepts, of those that are lists; and cell -> sign, of those that may be one,
        as some of the parts around the sign occur elsewhere and some do not, or as all are words.

    >>> read_lists(["A", "B", "A & B", "[1, 2]", "C;D", "Search & sort"])[0]
    {'[1, 2]': ['1', '2'], 'C;D': ['C', 'D'], 'A & B': ['A', 'B']}
    >>> read_lists(["Search", "Search & sort"])[1]
    {'Search & sort': '&'}
    """
    distinct = list(dict.fromkeys(cell for cell in cells if cell))
    alone = set(distinct)
    lists, ambiguous = dict[str, list[str]](), dict[str, str]()
    for cell in distinct:
        inner = re.fullmatch(r"\[(.*)\]|\{(.*)\}", cell)
        if inner:
            lists[cell] = _split(inner[1] or inner[2] or "", ",;|、")
        elif any(sign in _narrow(cell) for sign in LISTS):
            lists[cell] = _split(cell, LISTS)
    for sign in MAYBE_LISTS:
        within = defaultdict[str, set[str]](set)  # part -> cells that it is a part of
        split = {cell: _split(cell, sign) for cell in distinct if cell not in lists}
        for cell, parts in split.items():
            for part in parts:
                within[part].add(cell)
        for cell, parts in split.items():
            known = [part for part in parts if within[part] - {cell}]
            if len(parts) > 1 and len(known) == len(parts):
                lists[cell] = parts
            elif len(parts) > 1 and known:
                ambiguous[cell] = sign
    for sign in SELDOM_LISTS:
        for cell in distinct:
            parts = _split(cell, sign)
            if cell not in lists and len(parts) > 1 and alone.issuperset(parts):
                lists[cell] = parts
    for cell in distinct:  # words of a name, or names: nobody can tell
        if cell not in lists and len(words := cell.split()) > 1 and alone.issuperset(words):
            ambiguous[cell] = " "
    return lists, {cell: sign for cell, sign in ambiguous.items() if cell not in lists}


def _narrow(cell: str) -> str:
    """With the full-width signs of Chinese text as their narrow ones."""
    return unicodedata.normalize("NFKC", cell)


def _split(cell: str, signs: str) -> list[str]:
    """Parts between signs, full-width ones too, without spaces or quotes around them.

    >>> _split("'A', \\"B\\" ,", ",;"), _split("甲；乙", ";")
    (['A', 'B'], ['甲', '乙'])
    """
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in signs if "!" <= sign <= "~")
    parts = re.split(f"[{re.escape(signs + wide)}]", cell)
    return [part for part in (part.strip(" '\"\u3000") for part in parts) if part]


def _wide(table: CsvFile, item_at: int | None, answered: set[str]) -> QMatrix:
    rows = list(_full_rows(table))
    first = {cells[0] for _, cells in rows}
    across = set(table.header[1:])
    if across and across <= answered and not first <= CELLS and not first & answered:
        return _turned(table, rows)
    if item_at is not None and table.header[item_at] != "item_id":
        item_at = None if {cells[item_at] for _, cells in rows} <= CELLS else item_at
    if item_at is None and first & answered and not first <= CELLS:
        item_at = 0
    index_at = 0 if table.has_index else None
    concepts = [k for k in range(len(table.header)) if k not in (item_at, index_at)]
    needs, items = list[list[str]](), dict[str, None]()
    for line, cells in rows:
        item = f"of row {len(needs) + 1}" if item_at is None else cells[item_at]
        if not item or item in items:
            what = f"item {item!r} a second time" if item else "an item without an id"
            raise InputError(f"{table.path}, line {line}, has {what}; give every item one row")
        items[item] = None
        needs.append([table.header[k] for k in concepts if _needed(table, line, item, cells, k)])
    columns = {table.header[k]: place for place, k in enumerate(concepts)}
    if item_at is None:
        return QMatrix(None, needs, columns, [], [])
    return QMatrix(list(items), needs, columns, [], table.renamed({"item_id": item_at}))


def _turned(table: CsvFile, rows: list[tuple[int, list[str]]]) -> QMatrix:
    """A row a concept, a column an item."""
    twice = [concept for concept, n in Counter(cells[0] for _, cells in rows).items() if n > 1]
    if twice:
        raise InputError(f"{table.path} has concept {twice[0]!r} twice; give every concept one row")
    items = table.header[1:]
    needs: list[list[str]] = [
        [cells[0] for line, cells in rows if _needed(table, line, cells[0], cells, k)]
        for k in range(1, len(table.header))
    ]
    note = f"{table.path.name}: its columns are items and its rows concepts"
    return QMatrix(items, needs, {cells[0]: k for k, (_, cells) in enumerate(rows)}, [], [note])


def _full_rows(table: CsvFile) -> Iterator[tuple[int, list[str]]]:
    for line, cells in table.rows:
        if len(cells) != len(table.header):
            raise InputError(
                f"{table.path}, line {line}, has {len(cells)} cells and the header"
                f" {len(table.header)}; give one cell a concept"
            )
        yield line, cells


def _needed(table: CsvFile, line: int, row: str, cells: list[str], column: int) -> bool:
    text = cells[column]
    if text not in CELLS:
        raise InputError(
            f"{table.path}, line {line}: item {row!r} has {text!r} for concept"
            f" {table.header[column]!r}; give 1 where the item needs the concept, else 0"
        )
    return text.startswith("1")
