"""Who looked at or changed running plans? Lines that nobody can change unnoticed.

Each line's hash is of the hash before it and of its text, so that whoever changes, leaves out or
puts in a line breaks the chain from there on; that lines at its end are missing shows by the count
and the hash of the last one. They are written in the transaction of what they tell of. Learners
stand in them as SHA-256 of their ids, and reasons by their digests: the lines outlive an erasure.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kgplan.errors import AuditBroken
from kgplan.store.events.database import Session

FIRST = "0" * 64
AT_ONCE = 10_000  # lines that are read at once


@dataclass(frozen=True)
class Chain:
    """A chain that holds.

    Attributes:
        lines: in it.
        hash: of the last one; kept elsewhere, it shows later that nothing before was changed.
    """

    lines: int
    hash: str


def link(before: str, text: str) -> str:
    """The hash of a line, by the one before it and its own text.

    >>> link(FIRST, "{}")[:8] == hashlib.sha256((FIRST + "{}").encode()).hexdigest()[:8]
    True
    """
    return hashlib.sha256((before + text).encode()).hexdigest()


def append(session: Session, told: Sequence[Mapping[str, Any]]) -> None:
    """Append lines in a transaction, which others that append wait for."""
    if not told:
        return
    session.run("audit_head.hold", lines=len(told))
    ((n, last),) = session.rows("audit_head.read")
    rows = []
    for k, line in enumerate(told, start=n - len(told) + 1):
        text = json.dumps({"n": k, **line}, ensure_ascii=False, sort_keys=True, allow_nan=False)
        last = link(last, text)
        rows.append({"n": k, "body": text, "hash": last})
    session.run_each("audit_line.insert", rows)
    session.run("audit_head.write", hash=last)


def verified(session: Session, known: str = "") -> Chain:
    """Look through the whole chain.

    Args:
        session: to read.
        known: the hash of a line as it was noted elsewhere; "" for none.

    Raises:
        AuditBroken: with the first line that is not as it was written.
    """
    n, last, found = 0, FIRST, known in ("", FIRST)
    # in this order: whoever appends meanwhile moves both, the count first seen here
    ((lines, head),) = session.rows("audit_head.read")
    while n < lines and (rows := session.rows("audit_line.page", after=n, most=AT_ONCE)):
        for place, text, hashed in rows:
            n += 1
            if place != n:
                raise AuditBroken(n, f"the next one that is there is {place:,}")
            if link(last, text) != hashed or json.loads(text).get("n") != n:
                raise AuditBroken(n, "its text, or the line before it, was changed")
            if n == lines and head != hashed:
                raise AuditBroken(n, "its hash is not that of the last line that was written")
            last = hashed
            found = found or hashed == known
    if n < lines:
        raise AuditBroken(n + 1, f"{lines:,} lines were written, and {n:,} are there")
    ((newest,),) = session.rows("audit_line.newest")
    ((lines, _),) = session.rows("audit_head.read")
    if newest > lines:
        raise AuditBroken(lines + 1, f"{lines:,} lines were written, and {newest:,} are there")
    if not found:
        raise AuditBroken(1, f"no line has the hash {known} that is said to be known")
    return Chain(n, last)
