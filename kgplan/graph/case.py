"""How do concepts and prerequisites read in CASE 1.0, the exchange format of 1EdTech?

A CFPackage: one CFDocument, a CFItem for each concept, a CFAssociation for each prerequisite
(`precedes`) and for each broader concept (`isChildOf`). Identifiers are UUIDs of version 5 (RFC
9562) made from the graph's own ids, so the same concept has the same one in every export.
[IMS CASE Service 1.0, REST/JSON binding, CFPackage].
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from kgplan.graph.snapshot import GraphSnapshot

BASE = "https://w3id.org/kgplan/case"
NAMESPACE = uuid5(NAMESPACE_URL, BASE)
CREATOR = "kgplan"


def identifier(kind: str, *ids: str) -> str:
    """The UUID of a thing of the graph.

    >>> identifier("concept", "K_1") == identifier("concept", "K_1")
    True
    """
    return str(uuid5(NAMESPACE, "\x1f".join((kind, *ids))))


def case_package(graph: GraphSnapshot, changed: datetime) -> dict[str, Any]:
    """The concepts and prerequisites as a CFPackage.

    Args:
        graph: one version of it.
        changed: when it became so; with a time zone.

    Returns:
        The package as JSON values; the same for equal graphs and arguments.
    """
    when = changed.isoformat(timespec="seconds")
    document = identifier("document")
    title = "Concepts and prerequisites"
    names = dict(zip(graph.concept_ids.tolist(), graph.concept_names.tolist(), strict=True))
    items = [
        item(when, concept_id, name, english, field)
        for concept_id, name, english, field in zip(
            graph.concept_ids.tolist(),
            graph.concept_names.tolist(),
            graph.concept_names_en.tolist(),
            graph.concept_fields.tolist(),
            strict=True,
        )
    ]
    whole = link("CFDocuments", document, title)

    def node(concept_id: str) -> dict[str, str]:
        found = identifier("concept", concept_id)
        return link("CFItems", found, names[concept_id])

    def association(
        kind: str, origin: Mapping[str, str], destination: Mapping[str, str]
    ) -> dict[str, Any]:
        found = identifier(kind, origin["identifier"], destination["identifier"])
        return {
            "identifier": found,
            "associationType": kind,
            "uri": f"{BASE}/CFAssociations/{found}",
            "originNodeURI": dict(origin),
            "destinationNodeURI": dict(destination),
            "lastChangeDateTime": when,
        }

    narrower, broader = (ends.tolist() for ends in graph.relations["broader_concept"])
    before, after = (ends.tolist() for ends in graph.relations["prerequisite_of"])
    children = set(narrower)
    associations = [
        *(
            association("isChildOf", node(concept_id), whole)
            for concept_id in graph.concept_ids.tolist()
            if concept_id not in children
        ),
        *(
            association("isChildOf", node(child), node(parent))
            for child, parent in sorted(zip(narrower, broader, strict=True))
        ),
        *(
            association("precedes", node(first), node(second))
            for first, second in sorted(zip(before, after, strict=True))
        ),
    ]
    return {
        "CFDocument": {
            "identifier": document,
            "uri": f"{BASE}/CFDocuments/{document}",
            "creator": CREATOR,
            "title": title,
            "lastChangeDateTime": when,
            "description": "Concepts of a course catalogue and which must be learned before which.",
            "version": graph.version,
            "adoptionStatus": "Draft",
        },
        "CFItems": items,
        "CFAssociations": associations,
    }


def item(when: str, concept_id: str, name: str, english: str, field: str) -> dict[str, Any]:
    """A concept as a CFItem; what is unknown is left out."""
    found = identifier("concept", concept_id)
    known: dict[str, Any] = {
        "identifier": found,
        "fullStatement": name,
        "uri": f"{BASE}/CFItems/{found}",
        "lastChangeDateTime": when,
        "humanCodingScheme": concept_id,
        "CFItemType": "Concept",
    }
    if english:
        known["alternativeLabel"] = english
    if english == name:
        known["language"] = "en"
    if field:
        known["conceptKeywords"] = [field]
    return known


def link(kind: str, found: str, title: str) -> dict[str, str]:
    """What CASE calls a link URI: title, identifier and address."""
    return {"title": title, "identifier": found, "uri": f"{BASE}/{kind}/{found}"}
