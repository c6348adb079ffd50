"""What was sent as an event and refused, and how much of it was erased with a learner."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "dead_letter",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("letter_hash", sa.String(64), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("learner_id", sa.String(), nullable=True),
        sa.Column("time", sa.Double(), nullable=True),
        sa.Column("refused", sa.Double(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="dead_letter_pk"),
        sa.UniqueConstraint("letter_hash", name="dead_letter_letter_hash_unique"),
    )
    op.create_index("dead_letter_learner_id_index", "dead_letter", ["learner_id"])
    op.create_index("dead_letter_refused_index", "dead_letter", ["refused"])
    op.create_index("dead_letter_seq_size_index", "dead_letter", ["seq", "size"])
    op.add_column(
        "erased_learner", sa.Column("n_refused", sa.Integer(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    """Remove it, with all that it holds."""
    op.drop_column("erased_learner", "n_refused")
    op.drop_table("dead_letter")
