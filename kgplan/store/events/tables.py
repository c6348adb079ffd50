"""The tables of the learner records; `migrations/` makes them."""

from sqlalchemy import BigInteger, Index, Integer, MetaData, String, Text, UniqueConstraint, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only INTEGER keys


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pk",
            "uq": "%(table_name)s_%(column_0_N_name)s_unique",
            "ix": "%(table_name)s_%(column_0_N_name)s_index",
        }
    )


class Learner(Table):
    """A learner of whom something is stored; the revision is new after every change."""

    __tablename__ = "learner"

    learner_id: Mapped[str] = mapped_column(String, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)


class LearnerEvent(Table):
    """One event, as `kgplan.data.events.Event`; `raw` is what was sent.

    An id names one event of a sender: the learner whose own token sent it, or "" for a platform.
    """

    __tablename__ = "learner_event"
    __table_args__ = (
        UniqueConstraint("event_id", "sender"),
        Index(None, "learner_id"),
        Index(None, "voids"),
    )

    seq: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    event_id: Mapped[str] = mapped_column(String)
    learner_id: Mapped[str] = mapped_column(String)
    time: Mapped[float]
    stored: Mapped[float]
    video_id: Mapped[str | None]
    course_id: Mapped[str | None]
    share: Mapped[float | None]
    segments: Mapped[str | None] = mapped_column(Text)
    length: Mapped[float | None]
    score: Mapped[float | None]
    enrols: Mapped[bool]
    voids: Mapped[str | None]
    stopped_at: Mapped[float | None]
    started_at: Mapped[float | None]
    session: Mapped[str | None]
    aliases: Mapped[str | None] = mapped_column(Text)
    course_aliases: Mapped[str | None] = mapped_column(Text)
    form: Mapped[str]
    digest: Mapped[str]
    raw: Mapped[str] = mapped_column(Text)
    sender: Mapped[str] = mapped_column(String, server_default="")


class PlainIds(Table):
    """The one authority whose names are learners' ids as they are; who was first keeps them."""

    __tablename__ = "plain_ids"

    one: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    owner: Mapped[str]
    since: Mapped[float]


class PlanMade(Table):
    """A plan that was given to a learner, where it differs from the one before it."""

    __tablename__ = "plan"
    __table_args__ = (Index(None, "learner_id", "course_id", "size"),)

    seq: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    learner_id: Mapped[str]
    course_id: Mapped[str | None]
    made: Mapped[float]
    size: Mapped[int] = mapped_column(server_default="0")
    body: Mapped[str] = mapped_column(Text)


class Feedback(Table):
    """What a learner said about a concept; the last word on each counts."""

    __tablename__ = "feedback"
    __table_args__ = (Index(None, "learner_id", "concept_id"),)

    seq: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    learner_id: Mapped[str]
    concept_id: Mapped[str]
    said: Mapped[str]
    time: Mapped[float]


class ErasedLearner(Table):
    """That a learner was erased, when and how much; who it was only as a hash.

    `n_erasures` counts how often, `ticks` is the monotonic clock at the last one, `overwritten`
    says that SQLite's file holds nothing of it any more.
    """

    __tablename__ = "erased_learner"

    learner_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    erased: Mapped[float]
    n_events: Mapped[int]
    n_plans: Mapped[int]
    n_feedback: Mapped[int]
    n_erasures: Mapped[int] = mapped_column(server_default="1")
    ticks: Mapped[float] = mapped_column(server_default="0")
    overwritten: Mapped[bool] = mapped_column(server_default=false())


class ErasedEvent(Table):
    """That an event was erased, by a hash of its learner, sender and id."""

    __tablename__ = "erased_event"

    event_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
