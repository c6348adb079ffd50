"""Which events that were refused are kept, and for how long? Dead letters, to be sent again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kgplan.settings import Settings
from kgplan.store.events.database import Session
from kgplan.store.events.erasure import Erased, hash_of

DAY = 86_400.0
TOLD = 300  # characters of a reason that are kept


@dataclass(frozen=True)
class DeadLetter:
    """Something that was sent as an event, and refused.

    Attributes:
        form: in which it was sent: "xapi", "event", "tracking", or "line" where it is no JSON.
        raw: what was sent, as text.
        digest: of its content, whatever the order of its keys.
        field: the part that is wrong.
        reason: what is wrong with it.
        refused: when, in seconds since 1970.
        learner_id: whom it names; None where that cannot be told.
        time: when it says that it happened; None where that cannot be told.
        sender: the learner whose own token sent it, else "".
    """

    form: str
    raw: str
    digest: str
    field: str
    reason: str
    refused: float
    learner_id: str | None = None
    time: float | None = None
    sender: str = ""

    @property
    def name(self) -> str:
        """What tells it from other dead letters: the same thing sent again is the same one."""
        return hash_of(self.form, self.sender, self.digest)


@dataclass(frozen=True)
class DeadLimits:
    """How many dead letters are kept.

    Attributes:
        n_bytes: that they may take together; the oldest leave first.
        days: that each is kept.
    """

    n_bytes: int = 64 << 20
    days: float = 30.0

    @classmethod
    def of(cls, settings: Settings) -> "DeadLimits":
        """What the settings say."""
        return cls(settings.dead_letter_bytes, settings.dead_letter_days)


@dataclass(frozen=True)
class DeadReason:
    """Dead letters of one reason.

    Attributes:
        form, field, reason: as of `DeadLetter`.
        number: how many.
        first, last: when they were refused, in seconds since 1970.
    """

    form: str
    field: str
    reason: str
    number: int
    first: float
    last: float


def bury(
    session: Session,
    letters: Iterable[DeadLetter],
    erased: Mapping[str, Erased],
    limits: DeadLimits,
    now: float,
) -> None:
    """Keep what was refused, within the limits.

    Args:
        session: of a transaction.
        letters: what was refused; one that is kept already has its last reason.
        erased: those of the learners that were erased; what is from before, or does not say when
            it happened, is not kept.
        limits: that hold for all together.
        now: seconds since 1970.
    """
    fresh = {each.name: each for each in letters if not _is_late(each, erased)}
    session.run_each("dead_letter.insert", [_row(name, each) for name, each in fresh.items()])
    keep_within(session, limits, now)


def keep_within(session: Session, limits: DeadLimits, now: float) -> None:
    """Let those leave that are too old, and the oldest of those that are too many."""
    session.run("dead_letter.drop_old", before=now - DAY * limits.days)
    for (last,) in session.rows("dead_letter.too_many", most=limits.n_bytes):
        session.run("dead_letter.drop_first", last=last)


def _is_late(letter: DeadLetter, erased: Mapping[str, Erased]) -> bool:
    if letter.learner_id is None or letter.learner_id not in erased:
        return False
    return letter.time is None or letter.time <= erased[letter.learner_id].moment


def _row(name: str, letter: DeadLetter) -> dict[str, object]:
    raw = letter.raw.replace("\0", "�")  # no text of PostgreSQL holds it
    kept = replace(letter, raw=raw, reason=letter.reason[:TOLD], field=letter.field[:TOLD])
    return vars(kept) | {"letter_hash": name, "size": len(raw.encode(errors="replace"))}


def page(session: Session, after: int, most: int) -> list[tuple[int, DeadLetter]]:
    """Dead letters in the order in which they came, each with its place in it."""
    rows = session.rows("dead_letter.page", after=after, most=most)
    return [(seq, DeadLetter(*values)) for seq, *values in rows]


def reasons(session: Session) -> list[DeadReason]:
    """Why events were refused, the most frequent reason first."""
    return [DeadReason(*row) for row in session.rows("dead_letter.reasons")]


def revive(session: Session, letters: Sequence[DeadLetter]) -> int:
    """Remove dead letters that were taken; gives how many."""
    names = session.any_of(each.name for each in letters)
    return session.run("dead_letter.remove", letter_hashes=names)
