"""Everything that kgplan raises on purpose.

KgplanError
├─ InputError                 the caller can fix it                    422
│  ├─ AxisMismatch            arrays disagree on a size
│  ├─ SourceError             the MOOCCube archive cannot be read
│  ├─ ConfigError             a setting or configuration file is wrong
│  └─ NotFound                no such thing                            404
│     ├─ UnknownLearner
│     ├─ UnknownCourse
│     ├─ UnknownConcept
│     ├─ UnknownEntity      no school, teacher or field of this id
│     └─ UnknownQuery         no Cypher query of this name
├─ ConstraintViolation        data breaks a SHACL rule that stops
├─ ArtifactError              a stored result cannot be used           503
│  ├─ ArtifactMissing         the stage has not run yet
│  └─ ArtifactDamaged         half-written or changed since
├─ GraphUnavailable           the graph database is silent or locked   503
└─ MissingExtra               an optional part of kgplan is not installed
"""

from collections.abc import Sequence


class KgplanError(Exception):
    """Root of all errors that kgplan raises on purpose; its text is one plain sentence."""


class InputError(KgplanError):
    """The caller gave something that cannot be used, and can mend it."""


class AxisMismatch(InputError):
    """Arrays that share an axis disagree on its size."""

    def __init__(self, axis: str, sizes: dict[str, int]) -> None:
        listed = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        super().__init__(f"arrays disagree on axis {axis}: {listed}")
        self.axis = axis
        self.sizes = sizes


class SourceError(InputError):
    """The source archive or folder cannot be read as MOOCCube."""


class ConfigError(InputError):
    """A setting or a configuration file has a value that cannot be used."""


class NotFound(InputError):
    """Nothing has this id; `near` holds the closest ids that exist."""

    kind = "thing"
    listed_by = ""

    def __init__(self, missing_id: str, near: Sequence[str] = ()) -> None:
        hint = f"; close matches: {', '.join(near)}" if near else ""
        way_out = f"; list them with `{self.listed_by}`" if self.listed_by and not near else ""
        super().__init__(f"no {self.kind} {missing_id!r}{hint}{way_out}")
        self.missing_id = missing_id
        self.near = list(near)


class UnknownLearner(NotFound):
    """No learner has this id."""

    kind = "learner"
    listed_by = "kgplan learners"


class UnknownCourse(NotFound):
    """No course has this id."""

    kind = "course"
    listed_by = "kgplan courses"


class UnknownConcept(NotFound):
    """No concept has this id."""

    kind = "concept"
    listed_by = "kgplan concepts"


class UnknownEntity(NotFound):
    """No school, teacher or field has this id."""

    def __init__(self, kind: str, missing_id: str, near: Sequence[str] = ()) -> None:
        self.kind = kind
        super().__init__(missing_id, near)


class UnknownQuery(NotFound):
    """No Cypher file holds a query of this name."""

    kind = "query"


class ConstraintViolation(KgplanError):
    """The data breaks a SHACL rule whose severity says: stop."""


class ArtifactError(KgplanError):
    """A stored result cannot be used."""


class ArtifactMissing(ArtifactError):
    """The stage that makes this artifact has not run."""

    def __init__(self, kind: str, made_by: str) -> None:
        super().__init__(f"there is no {kind} artifact yet; run `{made_by}` first")
        self.kind = kind


class ArtifactDamaged(ArtifactError):
    """An artifact's files are not what its manifest says."""


class GraphUnavailable(KgplanError):
    """The graph database cannot be opened now."""


class MissingExtra(KgplanError):
    """An optional part of kgplan is not installed."""

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs an extra; install it with `pip install 'kgplan[{extra}]'`"
        )
        self.extra = extra
