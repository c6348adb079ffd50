"""What does a token allow? Scopes, and the learner whom it is limited to."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from kgplan.errors import InsufficientScope, OtherLearner

ACCESS = "kgplan.access"  # of an ASGI scope: what the sender may do
SCOPES = {
    "paths:read": "read learners: paths, mastery, history, progress, export",
    "events:write": "send events, statements and feedback",
    "graph:read": "read concepts, courses and what is known of the graph",
    "admin": "run the service: renew it, erase learners",
}


@dataclass(frozen=True, slots=True)
class Access:
    """What the sender of a request may do.

    Attributes:
        subject: who it is, as the token's issuer names them; empty where nobody asked.
        scopes: what the token allows, of `SCOPES`.
        learner_id: the only learner whom it reaches; None: every one.
        until: when the token ends, in seconds since 1970.
    """

    subject: str
    scopes: frozenset[str]
    learner_id: str | None = None
    until: float = inf

    def check_scope(self, scope: str) -> None:
        """Refuse what the token does not allow.

        Raises:
            InsufficientScope: with the scope that is missing.
            OtherLearner: a learner's token, which never administrates, asks for `admin`.
        """
        if scope not in self.scopes:
            raise InsufficientScope(scope)
        if scope == "admin" and self.learner_id is not None:
            raise OtherLearner

    def check_learners(self, learner_ids: Iterable[str | None]) -> None:
        """Refuse a learner's token that asks for anyone else.

        Raises:
            OtherLearner: whether or not the other learner exists.
        """
        if self.learner_id is not None and any(each != self.learner_id for each in learner_ids):
            raise OtherLearner


ANYONE = Access("", frozenset(SCOPES))
"""Who asks where the service runs without authentication."""
