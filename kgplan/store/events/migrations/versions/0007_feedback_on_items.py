"""Feedback may be about one item on a concept."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was said before is about the concept."""
    op.add_column("feedback", sa.Column("item_id", sa.String(), nullable=True))


def downgrade() -> None:
    """Without what was said about items."""
    op.execute("DELETE FROM feedback WHERE item_id IS NOT NULL")
    with op.batch_alter_table("feedback") as table:
        table.drop_column("item_id")
