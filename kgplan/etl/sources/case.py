"""What does a CASE package say: which items has a framework, and how are they associated?

Read are CFPackages of CASE 1.0 and 1.1, whole or in parts, in one file or several [1EdTech CASE
Service, REST/JSON binding]. An item is a concept; `isChildOf` names its parent, `precedes` says
what it is a prerequisite of. A resource that is associated with an item is an item of a course,
which is the framework, in the order of the framework's items. Ids are the identifiers that CASE
gives, in small letters; an item of a package that kgplan wrote has the id again that it had there.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from kgplan.errors import SourceError
from kgplan.etl.archive import Archive, SourceFile
from kgplan.etl.sources.steps import NamedSource, Rows, rows_of
from kgplan.etl.tables import Reason
from kgplan.graph.case import identifier

PACKAGE = SourceFile("*.json", sign=r'"CF(Document|Items|Associations)"\s*:')
FILE = attrgetter("file")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Node(NamedTuple):
    """One end of an association; what is not said is empty."""

    id: str
    uri: str
    title: str
    type: str


class Association(NamedTuple):
    """What is said of two nodes, in which framework, and where: file and place."""

    type: str
    origin: Node
    destination: Node
    document: str
    file: str
    place: int


class Alignment(NamedTuple):
    """A resource that is associated with an item, in which framework, and where."""

    item_id: str
    title: str
    url: str
    concept_id: str
    document: str
    file: str
    place: int


@dataclass
class Framework:
    """What packages say together.

    Attributes:
        documents: id -> title.
        concepts: rows of the plain table by file.
        ids: an item's identifier -> its concept's id.
        associations: in the files' order.
    """

    documents: dict[str, str] = field(default_factory=dict)
    concepts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    associations: list[Association] = field(default_factory=list)


def concept_id(given: Any) -> str:
    """An identifier, in small letters where it is a GUID.

    >>> concept_id("0BC6E24F-45A6-5FA7-AE4A-5F411A94138D"), concept_id("LO-1"), concept_id(None)
    ('0bc6e24f-45a6-5fa7-ae4a-5f411a94138d', 'LO-1', '')
    """
    text = _text(given)
    return text.lower() if GUID.fullmatch(text) else text


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of all packages.

    Raises:
        SourceError: a file is no JSON.
    """
    framework = Framework()
    for path in archive.found(PACKAGE):
        for package in _packages(archive, path):
            _add(framework, path, package)
    yield from _rows(framework)


# ---------------------------------------------------------------- reading


def _packages(archive: Archive, path: str) -> list[dict[str, Any]]:
    with archive.open(path) as stream:
        try:
            read = json.load(stream)
        except json.JSONDecodeError as error:
            raise SourceError(
                f"{path}:{error.lineno}: this is no JSON ({error.msg}); export the package again"
            ) from None
        except (UnicodeDecodeError, RecursionError) as error:
            raise SourceError(f"{path} is no JSON that can be read ({error})") from None
    packages = read if isinstance(read, list) else [read]
    return [each for each in packages if isinstance(each, dict)]


def _add(framework: Framework, path: str, package: dict[str, Any]) -> None:
    """Put a package's document, items and associations to the others."""
    document = _object(package.get("CFDocument"))
    found = concept_id(document.get("identifier"))
    if found:
        framework.documents[found] = _text(document.get("title")) or found
    rows = framework.concepts.setdefault(path, [])
    for place, item in enumerate(_list(package.get("CFItems")), 1):
        rows.append(_concept(item, place))
        if isinstance(item, dict):
            framework.ids[concept_id(item.get("identifier"))] = rows[-1]["concept_id"]
    for place, given in enumerate(_list(package.get("CFAssociations")), 1):
        each = _object(given)
        framework.associations.append(
            Association(
                _text(each.get("associationType")),
                _node(each.get("originNodeURI")),
                _node(each.get("destinationNodeURI")),
                found or concept_id(_object(each.get("CFDocumentURI")).get("identifier")),
                path,
                place,
            )
        )


def _concept(item: Any, place: int) -> dict[str, Any]:
    if not isinstance(item, dict):
        return _refused(place, Reason.BROKEN_ROW, "the item is no JSON object", item)
    found, scheme = concept_id(item.get("identifier")), _text(item.get("humanCodingScheme"))
    statement, short = _text(item.get("fullStatement")), _text(item.get("abbreviatedStatement"))
    is_ours = bool(scheme) and identifier("concept", scheme) == found
    name = short or statement
    return {
        "line": place,
        "concept_id": scheme if is_ours else found,
        "name": name or scheme or None,
        "name_en": _text(item.get("alternativeLabel")) or None if is_ours else None,
        "definition": (statement if short else _text(item.get("notes"))) or None,
    }


def _node(given: Any) -> Node:
    """An end of an association; where it has no identifier, the one in its address."""
    node = _object(given)
    uri = _text(node.get("uri"))
    in_uri = GUID.search(uri)
    found = concept_id(node.get("identifier") or (in_uri[0] if in_uri else ""))
    return Node(found, uri, _text(node.get("title")), _text(node.get("targetType")))


# ---------------------------------------------------------------- rows


def _rows(framework: Framework) -> Iterator[Rows | str]:
    by_type = defaultdict[str, list[Association]](list)
    for each in framework.associations:
        by_type[each.type].append(each)
    yield from _concepts(framework, by_type.pop("isChildOf", []))
    for file, before in groupby(by_type.pop("precedes", []), key=FILE):
        yield rows_of("prerequisites", file, [_prerequisite(framework, each) for each in before])
    aligned, unread = list[Alignment](), Counter[str]()
    for kind, associations in by_type.items():
        for each in associations:
            if found := _alignment(framework, each):
                aligned.append(found)
            else:
                unread[kind or "without a type"] += 1
    for file, alignments in groupby(sorted(aligned, key=FILE), key=FILE):
        yield from _resources(framework, file, list(alignments))
    for kind, count in sorted(unread.items()):
        yield f"associations {kind}: {count:,}, not read (they tell no order, parent or resource)"


def _concepts(framework: Framework, children: list[Association]) -> Iterator[Rows]:
    parents, orphans = defaultdict[str, list[str]](list), list[Association]()
    for each in children:
        child, parent = framework.ids.get(each.origin.id), each.destination
        if child is None:
            orphans.append(each)
        elif parent.id not in framework.documents and "/CFDocuments/" not in parent.uri:
            parents[child].append(framework.ids.get(parent.id, parent.id))
    for file, rows in framework.concepts.items():
        for row in rows:
            row["parent"] = ";".join(parents.get(row["concept_id"], [])) or None
        yield rows_of("concepts", file, rows)
    for file, associations in groupby(orphans, key=FILE):
        yield rows_of("concepts", file, [_orphaned(each) for each in associations])


def _orphaned(each: Association) -> dict[str, Any]:
    told = f"there is no item {each.origin.id!r}, which is said to be a child"
    return _refused(each.place, Reason.DANGLING_ID, told, each)


def _prerequisite(framework: Framework, each: Association) -> dict[str, Any]:
    before, after = (
        framework.ids.get(node.id, node.id) for node in (each.origin, each.destination)
    )
    return {"line": each.place, "before": before, "after": after}


def _alignment(framework: Framework, each: Association) -> Alignment | None:
    """The resource that an association aligns with an item; None where it does not."""
    origin, destination = (framework.ids.get(node.id) for node in (each.origin, each.destination))
    node = each.destination if origin else each.origin
    concept = origin or destination
    is_outside = node.type.upper() != "CASE" if node.type else each.type == "exemplar"
    if concept is None or (origin and destination) or not is_outside:
        return None
    return Alignment(
        node.id or node.uri, node.title, node.uri, concept, each.document, each.file, each.place
    )


def _resources(framework: Framework, file: str, aligned: list[Alignment]) -> Iterator[Rows]:
    courses = dict.fromkeys(each.document for each in aligned if each.document)
    yield rows_of(
        "courses", file, [{"course_id": c, "name": framework.documents.get(c)} for c in courses]
    )
    order = {concept: place for place, concept in enumerate(framework.ids.values())}
    items = dict[str, dict[str, Any]]()
    for each in sorted(aligned, key=lambda each: order[each.concept_id]):
        row = {"line": each.place, "item_id": each.item_id, "course_id": each.document or None}
        about = {"position": order[each.concept_id], "kind": "text", "url": each.url or None}
        kept = items.setdefault(each.item_id, row | about)
        kept["title"] = kept.get("title") or each.title or None
    yield rows_of("items", file, items.values())
    yield rows_of(
        "item_concepts",
        file,
        [{"line": a.place, "item_id": a.item_id, "concept_id": a.concept_id} for a in aligned],
    )


def _refused(place: int, reason: Reason, told: str, record: Any) -> dict[str, Any]:
    shown = json.dumps(record, ensure_ascii=False)
    return {"line": place, "reject": f"{reason} {told}", "record": shown, "concept_id": ""}


def _object(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _text(given: Any) -> str:
    return given.strip() if isinstance(given, str) else ""


SOURCE = NamedSource(
    name="case",
    title="CASE",
    about="frameworks of competencies and standards, as CASE 1.0 or 1.1 packages in JSON",
    layout=(PACKAGE,),
    read=read,
)
