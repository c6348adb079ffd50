"""Plans that learners are at work on, what was changed in them, and a chained log of it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "running_plan",
        sa.Column("learner_id", sa.String(), nullable=False),
        sa.Column("course_id", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("is_off", sa.Boolean(), nullable=False),
        sa.Column("due", sa.Double(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("claim", sa.String(), nullable=False),
        sa.Column("claimed_until", sa.Double(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("learner_id", "course_id", name="running_plan_pk"),
    )
    op.create_index("running_plan_due_index", "running_plan", ["due"])
    op.create_index("running_plan_course_id_index", "running_plan", ["course_id"])
    op.create_table(
        "plan_change",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("learner_id", sa.String(), nullable=False),
        sa.Column("course_id", sa.String(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("is_made", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ends", sa.Double(), nullable=False),
        sa.Column("undone", sa.Double(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="plan_change_pk"),
        sa.UniqueConstraint("learner_id", "course_id", "n", name="plan_change_n_unique"),
    )
    op.create_index("plan_change_course_id_at_index", "plan_change", ["course_id", "at"])
    op.create_table(
        "audit_line",
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("n", name="audit_line_pk"),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("one", name="audit_head_pk"),
    )
    op.bulk_insert(head, [{"one": 1, "n": 0, "hash": "0" * 64}])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER audit_line_no_update BEFORE UPDATE ON audit_line"
            " BEGIN SELECT RAISE(ABORT, 'audit_line is append-only'); END"
        )
        op.execute(
            "CREATE TRIGGER audit_line_no_delete BEFORE DELETE ON audit_line"
            " BEGIN SELECT RAISE(ABORT, 'audit_line is append-only'); END"
        )
    else:
        op.execute(
            "CREATE FUNCTION audit_line_refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'audit_line is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_line_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
            " ON audit_line EXECUTE FUNCTION audit_line_refuse()"
        )


def downgrade() -> None:
    """Remove them, with all that they hold."""
    for name in ("audit_head", "audit_line", "plan_change", "running_plan"):
        op.drop_table(name)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_line_refuse()")
