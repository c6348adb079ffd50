"""What of a request that was refused is kept as dead letters? Of each event: what is wrong with it.

What is no list of events, such as a body that is no JSON, and what its sender may not send, is not.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kgplan.api.forms import Form, learner_in
from kgplan.data.content import digest
from kgplan.data.told import told_time
from kgplan.errors import Refusal
from kgplan.store.events.dead import DeadLetter

BESIDE = Refusal(-1, None, "batch", "was refused for another event in it")
_TIMES = {"xapi": "timestamp", "event": "time", "tracking": "time"}


def letter_of(
    form: Form,
    content: Any,
    refusal: Refusal,
    now: float,
    owners: Collection[str] | None,
    sender: str = "",
    raw: str | None = None,
) -> DeadLetter:
    """What is kept of an event that was refused.

    Args:
        form, content: what was sent.
        refusal: why it is not taken.
        now: seconds since 1970.
        owners: authorities that own the plain ids of learners, as for `Agent.learner_id`.
        sender: the learner whose own token sent it, else "".
        raw: the text that the content was parsed from, where it is at hand.
    """
    moment = content.get(_TIMES[form]) if isinstance(content, Mapping) else None
    return DeadLetter(
        form,
        json.dumps(content) if raw is None else raw,
        digest(content),
        refusal.field,
        refusal.reason,
        now,
        sender or learner_in(form, content, owners),
        told_time(moment),
        sender,
    )


def letters_of(
    form: Form,
    contents: Sequence[Any],
    refused: Sequence[Refusal],
    now: float,
    owners: Collection[str] | None,
    sender: str,
) -> list[DeadLetter]:
    """What is kept of a request that was refused as a whole.

    Args:
        form, contents: what was sent.
        refused: which of them, by index, and why; the others were refused with these.
        now, owners, sender: as for `letter_of`.

    Returns:
        Of a learner's own token nothing that names another learner.
    """
    why: dict[int, Refusal] = {}
    for each in refused:
        why.setdefault(each.index, each)
    return [
        letter_of(form, content, why.get(n, BESIDE), now, owners, sender)
        for n, content in enumerate(contents)
        if not sender or learner_in(form, content, owners) in (None, sender)
    ]
