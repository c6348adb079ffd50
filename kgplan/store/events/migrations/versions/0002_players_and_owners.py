"""Where players were, what things may be called, and who owns the plain ids of learners."""

import json
import time
from collections import Counter
from typing import Any

import sqlalchemy as sa
from alembic import op

from kgplan.data.identity import HASHED, MAILBOX, OPENID, home_page

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


LOOKED_AT = 1_000  # statements, the first ones, of which most must be the owner's


def upgrade() -> None:
    """Add them; events of before tell none of it but whose ids they used."""
    for name, kind in COLUMNS.items():
        op.add_column("learner_event", sa.Column(name, kind(), nullable=True))
    op.create_table(
        "plain_ids",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("one", name="plain_ids_pk"),
    )
    events = sa.table("learner_event", sa.column("seq"), sa.column("form"), sa.column("raw"))
    first = sa.select(events.c.raw).where(events.c.form == "xapi").order_by(events.c.seq)
    sent = op.get_bind().scalars(first.limit(LOOKED_AT))
    seen = Counter(filter(None, (_authority(json.loads(raw)) for raw in sent)))
    if seen:
        ((owner, _),) = seen.most_common(1)
        owners = sa.table("plain_ids", *map(sa.column, ("one", "owner", "since")))
        op.execute(sa.insert(owners).values(one=1, owner=owner, since=time.time()))


def _authority(statement: Any) -> str | None:
    """Who named the learner of a statement, whose ids were all plain before."""
    actor = statement["actor"]
    if "account" in actor:
        return home_page(actor["account"]["homePage"])
    kinds = {"mbox": MAILBOX, "mbox_sha1sum": HASHED, "openid": OPENID}
    return next((kind for name, kind in kinds.items() if name in actor), None)


def downgrade() -> None:
    """Remove them, with all that they hold."""
    op.drop_table("plain_ids")
    for name in reversed(COLUMNS):
        op.drop_column("learner_event", name)
