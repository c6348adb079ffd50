"""Which statements of a batch are taken, and as what: the rules of this service on xAPI."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Literal

from kgplan.api import xapi
from kgplan.api.object_ids import ObjectIds
from kgplan.data.events import Event
from kgplan.data.identity import read_owners
from kgplan.errors import MalformedStatement, Refusal
from kgplan.settings import Settings

FUTURE_SECONDS = 86_400.0  # by which a sender's clock may be ahead
SHOWN = 300  # characters of what was sent that a refusal repeats
HEADER_BYTES = 4_000


@dataclass(frozen=True)
class StatementRules:
    """What the settings say of statements.

    Attributes:
        ids: how ids of activities are read.
        owners: authorities that own the plain ids of learners; None: the first that sends.
        batches: whether one malformed statement refuses its whole batch, or each itself.
        zone: of times that are told without one.
    """

    ids: ObjectIds = xapi.AS_SENT
    owners: frozenset[str] | None = None
    batches: Literal["whole", "each"] = "whole"
    zone: tzinfo = UTC

    @classmethod
    def of(cls, settings: Settings) -> "StatementRules":
        """The rules that the settings name.

        Raises:
            ConfigError: a pattern, a table, a home page or a zone cannot be used.
        """
        ids, owners = ObjectIds.of(settings.item_ids), read_owners(settings.home_pages)
        return cls(ids, owners, settings.batches, settings.zone)

    def event(self, statement: Any, now: float, owners: Collection[str] | None) -> Event:
        """What a statement says.

        Raises:
            MalformedStatement: with the field; also where its time has not come yet.
        """
        event = xapi.read_statement(statement, now, self.ids, owners, self.zone)
        if is_ahead(event.time, now):
            raise MalformedStatement("timestamp", f"is {statement['timestamp']!r}, {AHEAD}")
        return event


AHEAD = "more than a day ahead of this service's clock; send when it happened"


def is_ahead(time: float, now: float) -> bool:
    """Whether a time lies so far in the future that the sender's clock cannot be right."""
    return time > now + FUTURE_SECONDS


def refusal(index: int, statement: Any, error: MalformedStatement) -> Refusal:
    """Why a statement of a batch is refused."""
    named = statement.get("id") if isinstance(statement, dict) else None
    told = shortened(named) if isinstance(named, str) else None
    return Refusal(index, told, shortened(error.field), shortened(error.reason))


def shortened(text: str) -> str:
    """The text, its end left out where it is long.

    >>> len(shortened("x" * 1000))
    300
    """
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def header_of(refused: Sequence[Refusal]) -> str:
    """Refusals as the value of a header: JSON in ASCII, as many as fit, and how many more."""
    listed: list[dict[str, Any]] = []
    for n, each in enumerate(refused):
        one = {"index": each.index, "id": each.id, "field": each.field, "reason": each.reason}
        if len(json.dumps([*listed, one])) > HEADER_BYTES:
            return json.dumps([*listed, {"more": len(refused) - n}])
        listed.append(one)
    return json.dumps(listed)
