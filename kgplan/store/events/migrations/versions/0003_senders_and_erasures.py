"""Whose event ids are whose, how often a learner was erased, which events were, sizes of plans."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Events that are there count as sent by a platform."""
    with op.batch_alter_table("learner_event") as batch:
        batch.add_column(sa.Column("sender", sa.String(), nullable=False, server_default=""))
        batch.drop_constraint("learner_event_event_id_unique", type_="unique")
        batch.create_unique_constraint(
            "learner_event_event_id_sender_unique", ["event_id", "sender"]
        )
    size = sa.Column("size", sa.Integer(), nullable=False, server_default="0")
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("plan", recreate="always") as batch:
            batch.add_column(size, insert_before="body")  # read without the long text behind it
        op.execute("UPDATE plan SET size = length(CAST(body AS BLOB))")
    else:
        op.add_column("plan", size)
        op.execute("UPDATE plan SET size = octet_length(body)")
    op.drop_index("plan_learner_id_course_id_index", "plan")
    op.create_index(
        "plan_learner_id_course_id_size_index", "plan", ["learner_id", "course_id", "size"]
    )
    with op.batch_alter_table("erased_learner") as batch:
        batch.add_column(sa.Column("n_erasures", sa.Integer(), nullable=False, server_default="1"))
        batch.add_column(sa.Column("ticks", sa.Double(), nullable=False, server_default="0"))
        batch.add_column(
            sa.Column("overwritten", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.create_table(
        "erased_event",
        sa.Column("event_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("event_hash", name="erased_event_pk"),
    )


def downgrade() -> None:
    """Go back; events of learners' own tokens are lost where a platform's have their ids."""
    op.drop_table("erased_event")
    with op.batch_alter_table("erased_learner") as batch:
        for name in ("n_erasures", "ticks", "overwritten"):
            batch.drop_column(name)
    op.drop_index("plan_learner_id_course_id_size_index", "plan")
    op.create_index("plan_learner_id_course_id_index", "plan", ["learner_id", "course_id"])
    with op.batch_alter_table("plan") as batch:
        batch.drop_column("size")
    op.execute(
        "DELETE FROM learner_event WHERE seq NOT IN"
        " (SELECT min(seq) FROM learner_event GROUP BY event_id)"
    )
    with op.batch_alter_table("learner_event") as batch:
        batch.drop_constraint("learner_event_event_id_sender_unique", type_="unique")
        batch.drop_column("sender")
        batch.create_unique_constraint("learner_event_event_id_unique", ["event_id"])
