"""Which nonces were used."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Remember them."""
    op.create_table(
        "used_nonce",
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("ends", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name="used_nonce_pk"),
    )


def downgrade() -> None:
    """Forget them: a launch of the last minutes could be used again."""
    op.drop_table("used_nonce")
