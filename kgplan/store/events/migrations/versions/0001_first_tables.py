"""The first tables: learners, events, plans, feedback, erasures."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "learner",
        sa.Column("learner_id", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("learner_id", name="learner_pk"),
    )
    op.create_table(
        "learner_event",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("learner_id", sa.String(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("stored", sa.Double(), nullable=False),
        sa.Column("video_id", sa.String(), nullable=True),
        sa.Column("course_id", sa.String(), nullable=True),
        sa.Column("share", sa.Double(), nullable=True),
        sa.Column("segments", sa.Text(), nullable=True),
        sa.Column("length", sa.Double(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("enrols", sa.Boolean(), nullable=False),
        sa.Column("voids", sa.String(), nullable=True),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="learner_event_pk"),
        sa.UniqueConstraint("event_id", name="learner_event_event_id_unique"),
    )
    op.create_index("learner_event_learner_id_index", "learner_event", ["learner_id"])
    op.create_index("learner_event_voids_index", "learner_event", ["voids"])
    op.create_table(
        "plan",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("learner_id", sa.String(), nullable=False),
        sa.Column("course_id", sa.String(), nullable=True),
        sa.Column("made", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="plan_pk"),
    )
    op.create_index("plan_learner_id_course_id_index", "plan", ["learner_id", "course_id"])
    op.create_table(
        "feedback",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("learner_id", sa.String(), nullable=False),
        sa.Column("concept_id", sa.String(), nullable=False),
        sa.Column("said", sa.String(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="feedback_pk"),
    )
    op.create_index(
        "feedback_learner_id_concept_id_index", "feedback", ["learner_id", "concept_id"]
    )
    op.create_table(
        "erased_learner",
        sa.Column("learner_hash", sa.String(64), nullable=False),
        sa.Column("erased", sa.Double(), nullable=False),
        sa.Column("n_events", sa.Integer(), nullable=False),
        sa.Column("n_plans", sa.Integer(), nullable=False),
        sa.Column("n_feedback", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("learner_hash", name="erased_learner_pk"),
    )


def downgrade() -> None:
    """Remove them, with all that they hold."""
    for name in ("erased_learner", "feedback", "plan", "learner_event", "learner"):
        op.drop_table(name)
