"""Everything that kgplan raises on purpose.

KgplanError
├─ InputError                 the caller can fix it                    422
│  ├─ AxisMismatch            arrays disagree on a size
│  ├─ SourceError             a platform's files cannot be read
│  ├─ LossRefused             a run would take away too much unasked
│  ├─ ConfigError             a setting or configuration file is wrong
│  ├─ MalformedStatement      not a statement by xAPI                 400
│  ├─ MalformedBody           no operation reads such a body
│  ├─ EventConflict           another event has this id               409
│  ├─ MediaRefused            a picture, a sound or a film was sent    415
│  ├─ PlanChanged             a running plan is not as it was read    412
│  ├─ ModelUnusable           a stored model cannot be put into use   409
│  ├─ NoEarlierModel          nothing to roll back to                 409
│  ├─ JobRunning              one of its kind is at work              409
│  ├─ AmbiguousName           several things have the name
│  └─ NotFound                no such thing                            404
│     ├─ UnknownLearner
│     ├─ NoRunningPlan        a learner is at work on none
│     ├─ UnknownChange        of a running plan
│     ├─ UnknownCourse
│     ├─ UnknownConcept
│     ├─ UnknownItem
│     ├─ UnknownEntity      no school, teacher or field of this id
│     ├─ UnknownQuery         no Cypher query of this name
│     ├─ UnknownModelVersion
│     └─ UnknownJob
├─ ConstraintViolation        data breaks a SHACL rule that stops
├─ ArtifactError              a stored result cannot be used           503
│  ├─ ArtifactMissing         the stage has not run yet
│  └─ ArtifactDamaged         half-written or changed since
├─ GraphUnavailable           the graph database is silent or locked   503
├─ RecordsUnavailable         the learner records cannot be used now   503
├─ AccessDenied               who asks may not
│  ├─ MalformedAuthorization  the header is given twice               400
│  ├─ MissingToken            no bearer token                         401
│  ├─ InvalidToken            a token that proves nothing             401
│  ├─ InsufficientScope       a token without the scope               403
│  ├─ OtherLearner            a learner's token, another learner      403
│  └─ OtherCourse             a teacher's token, another course       403
├─ LaunchRefused              a learning platform's launch proves nothing 403
├─ KeysUnavailable            tokens cannot be verified now            503
├─ AuditUnavailable           the audit log cannot be written          503
├─ AuditBroken                the chained log is not as it was written
├─ LimitExceeded              more than the service allows
│  ├─ BodyTooLarge                                                    413
│  ├─ BatchTooLarge                                                   413
│  ├─ RateLimited             too many requests in too short a time   429
│  └─ TookTooLong             no answer within the time limit         503
├─ NotReady                   the service should get no requests now   503
├─ DiskFull                   what was to be written does not fit
├─ JobDied                    a job's process ended without a word
├─ MissingExtra               an optional part of kgplan is not installed   501
└─ OtherSystem                what only Unix offers is asked for           501
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


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
    """The zip or folder of a source cannot be read."""


class LossRefused(InputError):
    """A run would take away more of what is in use than may go unasked."""


class ConfigError(InputError):
    """A setting or a configuration file has a value that cannot be used."""


def no_zone(name: str) -> ConfigError:
    """That `KGPLAN_TIME_ZONE` names no time zone."""
    return ConfigError(
        f"KGPLAN_TIME_ZONE is {name!r}, which is no time zone; write it as UTC or Asia/Shanghai"
    )


class MediaRefused(InputError):
    """A picture, a sound or a film was sent; no operation takes one."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"the body is {kind}; no operation takes pictures, sounds or films, send JSON"
        )
        self.kind = kind


class MalformedBody(InputError):
    """The body of a request cannot be used by any operation; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the body {reason}")


@dataclass(frozen=True)
class Refusal:
    """Why a statement of a batch is refused.

    Attributes:
        index: its place in the batch, from 0.
        id: as it was sent; None where it had none.
        field: the part of it that is wrong.
        reason: what is wrong with it.
    """

    index: int
    id: str | None
    field: str
    reason: str


class MalformedStatement(InputError):
    """A statement breaks a rule of xAPI; `field` says where, `refused` which of a batch do."""

    def __init__(self, field: str, reason: str, refused: Sequence[Refusal] = ()) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason
        self.refused = list(refused)

    @classmethod
    def of_batch(cls, refused: Sequence[Refusal], n_sent: int) -> "MalformedStatement":
        """The error of a batch of which some are malformed: at least one."""
        first, reason = refused[0], refused[0].reason
        if len(refused) > 1:
            reason += f"; {len(refused)} of the {n_sent} statements are malformed"
        return cls(f"statements[{first.index}].{first.field}", reason, refused)


class EventConflict(InputError):
    """An event with this id and other content is stored already."""

    def __init__(self, event_id: str) -> None:
        super().__init__(
            f"event {event_id!r} is stored with other content; send a new event under a new id"
        )
        self.event_id = event_id


class PlanChanged(InputError):
    """A running plan is not as its reader knows it."""

    def __init__(self, learner_id: str, course_id: str) -> None:
        super().__init__(
            f"the plan of {learner_id!r} in {course_id!r} was changed meanwhile; read it again"
        )


class ModelUnusable(InputError):
    """A stored model cannot be put into use; `reason` says why, and nothing has changed."""

    def __init__(self, version: str, reason: str) -> None:
        super().__init__(f"model {version} cannot be put into use: {reason}")
        self.version = version
        self.reason = reason


class NoEarlierModel(InputError):
    """No model is remembered from before the one in use."""

    def __init__(self) -> None:
        super().__init__(
            "no model was in use before this one, so there is nothing to roll back to;"
            " `kgplan model list` shows those that can be activated"
        )


class JobRunning(InputError):
    """A job of this kind is at work, and two would be in each other's way."""

    def __init__(self, kind: str, job_id: str) -> None:
        super().__init__(f"the {kind} job {job_id} is running; wait for it, or cancel it first")
        self.job_id = job_id


class AmbiguousName(InputError):
    """Several things have this name; `candidates` holds id -> what tells it from the others."""

    def __init__(self, kind: str, name: str, candidates: Mapping[str, str]) -> None:
        listed = "".join(f"\n  {each}  ({about})" for each, about in candidates.items())
        super().__init__(f"{len(candidates)} {kind}s are called {name!r}; give an id:{listed}")
        self.candidates = dict(candidates)


class NotFound(InputError):
    """Nothing has this id; `near` holds the closest ids that exist, told in words of `told`."""

    kind = "thing"
    listed_by = ""

    def __init__(self, missing_id: str, near: Sequence[str] = (), told: Sequence[str] = ()) -> None:
        hint = f"; close matches: {', '.join(told or near)}" if near else ""
        way_out = f"; list them with `{self.listed_by}`" if self.listed_by and not near else ""
        super().__init__(f"no {self.kind} {missing_id!r}{hint}{way_out}")
        self.missing_id = missing_id
        self.near = list(near)


class UnknownLearner(NotFound):
    """No learner has this id."""

    kind = "learner"
    listed_by = "kgplan learners"


class NoRunningPlan(NotFound):
    """The learner is at work on no plan in the course."""

    kind = "running plan of learner"

    def __init__(self, learner_id: str, course_id: str) -> None:
        super().__init__(learner_id)
        self.args = (
            f"learner {learner_id!r} is at work on no plan in course {course_id!r}; begin one with"
            " PUT /v1/learners/ID/plan",
        )


class UnknownChange(NotFound):
    """A running plan has no change of this number."""

    kind = "change"


class UnknownCourse(NotFound):
    """No course has this id."""

    kind = "course"
    listed_by = "kgplan courses"


class UnknownConcept(NotFound):
    """No concept has this id."""

    kind = "concept"
    listed_by = "kgplan concepts"


class UnknownItem(NotFound):
    """No item that covers a concept has this id."""

    kind = "item"


class UnknownEntity(NotFound):
    """No school, teacher or field has this id."""

    def __init__(self, kind: str, missing_id: str, near: Sequence[str] = ()) -> None:
        self.kind = kind
        super().__init__(missing_id, near)


class UnknownQuery(NotFound):
    """No Cypher file holds a query of this name."""

    kind = "query"


class UnknownModelVersion(NotFound):
    """No model of this version was ever in use, or it is not remembered any more."""

    kind = "model version"
    listed_by = "kgplan model list"


class UnknownJob(NotFound):
    """No job has this id, or it ended too long ago."""

    kind = "job"


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


class RecordsUnavailable(KgplanError):
    """The learner records cannot be read or written now."""


class AccessDenied(KgplanError):
    """Who asks may not.

    Attributes:
        code: of RFC 6750, 3.1, for the challenge; empty where no token was given.
    """

    code = "invalid_token"


class MalformedAuthorization(AccessDenied):
    """The Authorization header is given more than once."""

    code = "invalid_request"

    def __init__(self) -> None:
        super().__init__("the Authorization header is given more than once; send one")


class MissingToken(AccessDenied):
    """No bearer token came with the request."""

    code = ""

    def __init__(self) -> None:
        super().__init__(
            "this operation needs a token; send Authorization: Bearer <token>; below /xapi it may"
            " be the password of Basic"
        )


class InvalidToken(AccessDenied):
    """The token proves nothing; `reason` says why, and never holds a part of the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the token cannot be used: {reason}; ask its issuer for a new one")
        self.reason = reason


class InsufficientScope(AccessDenied):
    """The token does not have the scope that the operation needs."""

    code = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"the token lacks the scope {scope}; ask its issuer for one that has it")
        self.scope = scope


class OtherLearner(AccessDenied):
    """A learner's token asks for more than this learner; whether it exists is not told."""

    code = "insufficient_scope"

    def __init__(self) -> None:
        super().__init__("a learner's token reaches this learner only; ask for no other")


class OtherCourse(AccessDenied):
    """A teacher's token asks for more than this teacher's courses."""

    code = "insufficient_scope"

    def __init__(self) -> None:
        super().__init__("a teacher's token reaches its own courses only; ask for no other")


class ForeignPage(KgplanError):
    """A page of another origin asks for a change where nobody is asked for a token."""

    def __init__(self) -> None:
        super().__init__(
            "a page of another origin asks, and no token is needed here; name its origin in"
            " KGPLAN_CORS if it may"
        )


class LaunchRefused(KgplanError):
    """A learning platform's launch proves nothing; `reason` says why, without a part of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this launch cannot be used: {reason}; open it again in the course")
        self.reason = reason


class KeysUnavailable(KgplanError):
    """The keys that tokens are verified with cannot be had now."""


class AuditUnavailable(KgplanError):
    """The audit log cannot be written."""


class AuditBroken(KgplanError):
    """The chained log of running plans is not as it was written."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(
            f"the chain of the audit is broken at line {line:,}: {why}; compare the records with a"
            " backup, and see who may write there"
        )
        self.line = line


class LimitExceeded(KgplanError):
    """A request asks for more than the service allows."""


class BodyTooLarge(LimitExceeded):
    """A request's body is longer than allowed."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is longer than {limit:,} bytes; send less at a time")
        self.limit = limit


class BodyTooSlow(LimitExceeded):
    """A request's body does not come."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the body did not come within {seconds:g} s; send it again")


class HeadTooLarge(LimitExceeded):
    """A request line and its headers are longer than allowed."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"the request line and its headers are longer than {limit:,} bytes; send less, or what"
            " is asked for in a body (POST /v1/paths)"
        )


class HeadTooSlow(LimitExceeded):
    """A request line and its headers do not come."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the request's headers did not come within {seconds:g} s; send it again")


class TooManyConnections(LimitExceeded):
    """All connections that the service allows are taken."""

    def __init__(self) -> None:
        super().__init__("all connections are taken; try again later")


class BatchTooLarge(LimitExceeded):
    """A batch has more items than allowed."""

    def __init__(self, items: int, limit: int) -> None:
        super().__init__(f"the batch has {items:,} items; send at most {limit:,} at a time")
        self.items = items
        self.limit = limit


class ClientGone(KgplanError):
    """Who asked went away before the request was whole; nobody reads the answer."""

    def __init__(self) -> None:
        super().__init__("the client went away before its request was whole")


class RateLimited(LimitExceeded):
    """A client asks more often than allowed."""

    def __init__(self, per_second: float, wait: float) -> None:
        super().__init__(
            f"more than {per_second:g} requests a second; the next one is answered in {wait:.1f} s"
        )
        self.wait = wait


class TookTooLong(LimitExceeded):
    """A request was not answered within the time limit."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s; ask for less, or try again later")
        self.seconds = seconds


class DiskFull(KgplanError):
    """What was to be written does not fit on the disk, or into a file of the allowed size."""

    def __init__(self, what: str, where: Path, free: int, may_not_grow: bool) -> None:
        why = "a file may not grow further (`ulimit -f`)" if may_not_grow else "the disk is full"
        super().__init__(
            f"{what} was not finished: {why} at {where}, where {free / 1e6:,.1f} MB are free; make"
            " room, or move KGPLAN_HOME or TMPDIR to a larger disk, and run it again; nothing that"
            " is in use has changed"
        )


class JobDied(KgplanError):
    """A job's process ended before it could say how the job went."""


class NotReady(KgplanError):
    """The service should get no requests now."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = list(reasons)


class MissingExtra(KgplanError):
    """An optional part of kgplan is not installed."""

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs an extra; install it with `pip install 'kgplan[{extra}]'`"
        )
        self.extra = extra


class OtherSystem(KgplanError):
    """What only Unix offers is asked for on another system."""

    def __init__(self, purpose: str) -> None:
        super().__init__(f"this system does not offer what is needed for {purpose}")
