"""CASE 1.0, written down as JSON Schema from the tables of the REST/JSON binding (IMS, 2017)."""

from datetime import UTC, datetime
from uuid import UUID

import jsonschema
import pytest
from planning_cases import hand_case, random_case

from kgplan.graph.case import case_package
from kgplan.graph.snapshot import snapshot_of

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UUID_PATTERN = (
    "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5]{1}[0-9a-fA-F]{3}-[8-9a-bA-B]{1}[0-9a-fA-F]{3}"
    "-[0-9a-fA-F]{12}$"
)
identifier = {"type": "string", "pattern": UUID_PATTERN}
uri = {"type": "string", "format": "uri", "pattern": "^https?://"}
moment = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$",
}
text = {"type": "string", "minLength": 1}
texts = {"type": "array", "items": text}
day = {"type": "string", "format": "date"}


def thing(required, **optional):
    """An object with these properties and no other."""
    return {
        "type": "object",
        "required": list(required),
        "properties": required | optional,
        "additionalProperties": False,
    }


link = thing({"title": text, "identifier": identifier, "uri": uri})
general_link = thing({"title": text, "identifier": text, "uri": uri})
document = thing(
    {
        "identifier": identifier,
        "uri": uri,
        "creator": text,
        "title": text,
        "lastChangeDateTime": moment,
    },
    officialSourceURL=uri,
    publisher=text,
    description=text,
    subject=texts,
    subjectURI={"type": "array", "items": link},
    language=text,
    version=text,
    adoptionStatus={"enum": ["Private Draft", "Draft", "Adopted", "Deprecated"]},
    statusStartDate=day,
    statusEndDate=day,
    licenseURI=link,
    notes=text,
)
item = thing(
    {"identifier": identifier, "fullStatement": text, "uri": uri, "lastChangeDateTime": moment},
    alternativeLabel=text,
    CFItemType=text,
    humanCodingScheme=text,
    listEnumeration=text,
    abbreviatedStatement=text,
    conceptKeywords=texts,
    conceptKeywordsURI=link,
    notes=text,
    language=text,
    educationLevel=texts,
    CFItemTypeURI=link,
    licenseURI=link,
    statusStartDate=day,
    statusEndDate=day,
)
association = thing(
    {
        "identifier": identifier,
        "associationType": {
            "enum": [
                "isChildOf",
                "isPeerOf",
                "isPartOf",
                "exactMatchOf",
                "precedes",
                "isRelatedTo",
                "replacedBy",
                "exemplar",
                "hasSkillLevel",
            ]
        },
        "uri": uri,
        "originNodeURI": general_link,
        "destinationNodeURI": general_link,
        "lastChangeDateTime": moment,
    },
    sequenceNumber={"type": "integer"},
    CFAssociationGroupingURI=link,
)
PACKAGE = thing(
    {"CFDocument": document},
    CFItems={"type": "array", "items": item},
    CFAssociations={"type": "array", "items": association},
    CFDefinitions={"type": "object"},
    CFRubrics={"type": "array"},
)


@pytest.mark.parametrize("case", [hand_case(), random_case(4)], ids=["by hand", "at random"])
def test_the_export_keeps_the_published_rules(case):
    package = case_package(case.graph, WHEN)
    checker = jsonschema.FormatChecker()
    jsonschema.validate(package, PACKAGE, jsonschema.Draft202012Validator, format_checker=checker)


def test_the_schema_refuses_what_breaks_the_rules():
    package = case_package(hand_case().graph, WHEN)
    package["CFAssociations"][0]["associationType"] = "before"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(package, PACKAGE)


def test_the_prerequisites_are_what_precedes():
    case = hand_case()
    package = case_package(case.graph, WHEN)
    ids = {item["identifier"]: item["humanCodingScheme"] for item in package["CFItems"]}
    assert sorted(ids.values()) == case.graph.concept_ids.tolist()
    found = {
        (ids[a["originNodeURI"]["identifier"]], ids[a["destinationNodeURI"]["identifier"]])
        for a in package["CFAssociations"]
        if a["associationType"] == "precedes"
    }
    assert found == {(r["head"], r["tail"]) for r in case.edges["prerequisite_of"]}


def test_narrower_concepts_are_children_and_all_others_of_the_document():
    case = hand_case()
    edges = case.edges | {"broader_concept": [{"head": "a", "tail": "b"}]}  # b is broader
    package = case_package(snapshot_of(case.entities, edges), WHEN)
    ids = {item["identifier"]: item["humanCodingScheme"] for item in package["CFItems"]}
    ids[package["CFDocument"]["identifier"]] = "document"
    found = {
        (ids[a["originNodeURI"]["identifier"]], ids[a["destinationNodeURI"]["identifier"]])
        for a in package["CFAssociations"]
        if a["associationType"] == "isChildOf"
    }
    assert found == {("a", "b")} | {(c, "document") for c in "bcdef"}


def test_identifiers_are_stable_and_every_one_is_another():
    one, other = (case_package(hand_case().graph, WHEN) for _ in range(2))
    assert one == other
    found = [part["identifier"] for name in ("CFItems", "CFAssociations") for part in one[name]]
    found.append(one["CFDocument"]["identifier"])
    assert len(found) == len(set(found))
    assert {UUID(each).version for each in found} == {5}
    # what earlier exports said: another one would break every importer
    by_id = {item["humanCodingScheme"]: item["identifier"] for item in one["CFItems"]}
    assert by_id["a"] == "26e7df8c-0861-5ce4-8967-a6fda4c9baf2"


def test_the_language_is_said_where_a_name_is_english_and_only_there():
    case = hand_case()
    concepts = [
        {"id": "a", "name": "set", "name_en": "set"},
        {"id": "b", "name": "集合", "name_en": "set"},
        {"id": "c", "name": "集合", "name_en": None},
    ]
    edges = {name: [] for name in case.edges}
    package = case_package(snapshot_of(case.entities | {"concept": concepts}, edges), WHEN)
    assert [item.get("language") for item in package["CFItems"]] == ["en", None, None]
    assert "language" not in package["CFDocument"]
