"""What a CASE 1.0 package looks like: the typed bodies of its parts [IMS CASE Service 1.0]."""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

UUID = Field(pattern="^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
EXAMPLE_LINK = {
    "title": "栈",
    "identifier": "0bc6e24f-45a6-5fa7-ae4a-5f411a94138d",
    "uri": "https://w3id.org/kgplan/case/CFItems/0bc6e24f-45a6-5fa7-ae4a-5f411a94138d",
}
EXAMPLE_WHEN = "2026-01-01T00:00:00Z"
EXAMPLE_PACKAGE: dict[str, Any] = {
    "CFDocument": {
        "identifier": EXAMPLE_LINK["identifier"],
        "uri": EXAMPLE_LINK["uri"],
        "creator": "kgplan",
        "title": "Concepts and prerequisites",
        "lastChangeDateTime": EXAMPLE_WHEN,
        "description": "Concepts of a course catalogue and which must be learned before which.",
        "version": "5f0c2f3f6f0b7a11",
        "adoptionStatus": "Draft",
    },
    "CFItems": [
        {
            "identifier": EXAMPLE_LINK["identifier"],
            "fullStatement": "栈",
            "uri": EXAMPLE_LINK["uri"],
            "lastChangeDateTime": EXAMPLE_WHEN,
            "humanCodingScheme": "K_栈_计算机科学技术",
            "CFItemType": "Concept",
            "alternativeLabel": "stack",
            "conceptKeywords": ["计算机科学技术"],
        }
    ],
    "CFAssociations": [
        {
            "identifier": EXAMPLE_LINK["identifier"],
            "associationType": "precedes",
            "uri": EXAMPLE_LINK["uri"],
            "originNodeURI": EXAMPLE_LINK,
            "destinationNodeURI": EXAMPLE_LINK,
            "lastChangeDateTime": EXAMPLE_WHEN,
        }
    ],
}


class Link(BaseModel):
    """Title, identifier and address of a part."""

    title: str
    identifier: str = UUID
    uri: str


class CFDocument(BaseModel):
    """The whole."""

    identifier: str = UUID
    uri: str
    creator: str
    title: str
    lastChangeDateTime: AwareDatetime
    description: str
    version: str = Field(description="of the graph")
    adoptionStatus: Literal["Private Draft", "Draft", "Adopted", "Deprecated"]


class CFItem(BaseModel):
    """A concept."""

    identifier: str = UUID
    fullStatement: str = Field(description="its name")
    uri: str
    lastChangeDateTime: AwareDatetime
    humanCodingScheme: str = Field(description="its id in the graph")
    CFItemType: str
    language: str | None = Field(None, description="en where the name is English; else absent")
    alternativeLabel: str | None = Field(None, description="its English name; absent if unknown")
    conceptKeywords: list[str] | None = Field(None, description="its field; absent if unknown")


class CFAssociation(BaseModel):
    """A prerequisite (precedes), or a concept below a broader one or the whole (isChildOf)."""

    identifier: str = UUID
    associationType: Literal["precedes", "isChildOf"]
    uri: str
    originNodeURI: Link
    destinationNodeURI: Link
    lastChangeDateTime: AwareDatetime


class CFPackage(BaseModel):
    """Concepts and prerequisites as a CASE 1.0 package."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_PACKAGE]})

    CFDocument: CFDocument
    CFItems: list[CFItem]
    CFAssociations: list[CFAssociation]
