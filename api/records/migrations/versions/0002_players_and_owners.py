"""Where players were, what things may be called, and who owns the plain ids of learners."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = {
    "stopped_at": sa.Double,
    "started_at": sa.Double,
    "session": sa.String,
    "aliases": sa.Text,
    "course_aliases": sa.Text,
}


def upgrade() -> None:
    """Add them; events of before tell none of it."""
    for name, kind in COLUMNS.items():
        op.add_column("learner_event", sa.Column(name, kind(), nullable=True))
    op.create_table(
        "plain_ids",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("one", name="plain_ids_pk"),
    )


def downgrade() -> None:
    """Remove them, with all that they hold."""
    op.drop_table("plain_ids")
    for name in reversed(COLUMNS):
        op.drop_column("learner_event", name)
