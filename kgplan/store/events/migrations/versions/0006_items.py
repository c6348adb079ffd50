"""What is watched or answered is an item."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing else changes."""
    op.alter_column("learner_event", "video_id", new_column_name="item_id")


def downgrade() -> None:
    """The name before."""
    op.alter_column("learner_event", "item_id", new_column_name="video_id")
