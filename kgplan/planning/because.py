"""What does a mastery rest on? What the learner did, how much each moved it, and a sentence."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from kgplan.diagnosis.influence import Together
from kgplan.diagnosis.uncertainty import WEAK_EVIDENCE
from kgplan.planning.learner import ConceptMastery
from kgplan.planning.plan import Basis, Doubt
from kgplan.planning.texts import Manner, level_of, say

if TYPE_CHECKING:
    from kgplan.planning.live import LiveModel, LiveState
    from kgplan.planning.planner import Planner

Did = Literal[
    "watched",
    "watched_part",
    "read",
    "read_part",
    "answered_right",
    "answered_partly",
    "answered_wrong",
    "opened",
    "not_opened",
    "said_known",
    "said_unsure",
    "said_unknown",
]
MOST_REASONS = 16  # observations that are looked at, where the caller does not say
NOTABLE = 0.01  # a move of mastery that is worth telling in a sentence
VISIBLE = 0.005  # one that two digits show
AS_MUCH = 0.05  # from which what speaks for a concept and what speaks against it undo each other
MOSTLY_PRIOR = 0.1  # a move of mastery under which most of it is what is assumed of everyone


@dataclass(frozen=True)
class Reason:
    """One thing that was observed of a learner, and how much it moved a mastery.

    Attributes:
        item_id, kind, title: what it was seen on; the title is empty where unknown. Of an answer on
            the concept itself, "concept" and its id.
        did: what the learner did with it, in a word.
        share: of the item that was watched or read; None of an answer.
        score: of the answer; None of anything else.
        time: when, in seconds since 1970; None where only the order is known.
        covers: whether the item is on the concept itself; else it is joined to it by others.
        moved: the mastery less what it is without this.
    """

    item_id: str
    kind: str
    title: str
    did: Did
    share: float | None
    score: float | None
    time: float | None
    covers: bool
    moved: float


@dataclass(frozen=True)
class Reasons:
    """What moved one mastery of one learner.

    Attributes:
        listed: what moved it most first.
        raising, lowering: all on the concept that raised and that lowered it
            (`diagnosis.influence.Influences`).
        left_out: further observations that can move it, and were not looked at.
    """

    listed: tuple[Reason, ...]
    raising: Together
    lowering: Together
    left_out: int


@dataclass(frozen=True)
class MasteryReasons:
    """A mastery of a learner, and what it rests on.

    Attributes:
        learner_id: whose.
        concept_id, name, name_en: the concept.
        prior: what is assumed of everyone of whom nothing is known.
        mastery, sd: as in `ConceptMastery`; None where the evidence is too little for a figure.
        basis, evidence, identified, doubt: as there.
        because: the whole in a sentence.
        reasons, raising, lowering, left_out: as in `Reasons`; None where they cannot be told.
    """

    learner_id: str
    concept_id: str
    name: str
    name_en: str
    prior: float
    mastery: float | None
    sd: float | None
    basis: Basis
    evidence: float
    identified: bool
    doubt: Doubt | None
    because: str
    reasons: tuple[Reason, ...] | None
    raising: Together | None
    lowering: Together | None
    left_out: int | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def reasoned(
    planner: "Planner",
    model: "LiveModel",
    learner_id: str,
    concept_id: str,
    state: "LiveState | None",
    manner: Manner,
    most: int = MOST_REASONS,
) -> MasteryReasons:
    """A learner's mastery of a concept with what it rests on, in words.

    Args:
        planner, model: what answers.
        learner_id, concept_id: whose, of what.
        state: what is known of the learner now; None where that is what the records say.
        manner: of the sentence.
        most: observations that are looked at.

    Raises:
        UnknownLearner, UnknownConcept: no such id; the error holds close matches.
    """
    current = None if state is None else state.learner
    known, prior = planner.mastery_of(learner_id, concept_id, current), planner.prior_of(concept_id)
    found = model.reasons(learner_id, concept_id, state, most)
    return told(learner_id, known, prior, found, manner)


def told(
    learner_id: str, known: ConceptMastery, prior: float, found: Reasons | None, manner: Manner
) -> MasteryReasons:
    """A mastery with what it rests on, in words.

    Args:
        learner_id: whose.
        known: the mastery.
        prior: of the concept.
        found: what moved it; None where that cannot be told.
        manner: of the sentence.
    """
    too_little = known.evidence < WEAK_EVIDENCE
    return MasteryReasons(
        learner_id,
        known.concept_id,
        known.name,
        known.name_en,
        prior,
        None if too_little else known.mastery,
        None if too_little else known.sd,
        known.basis,
        known.evidence,
        known.identified,
        known.doubt,
        _sentence(known, prior, found, manner),
        None if found is None else found.listed,
        None if found is None else found.raising,
        None if found is None else found.lowering,
        None if found is None else found.left_out,
    )


def _sentence(known: ConceptMastery, prior: float, found: Reasons | None, manner: Manner) -> str:
    english = manner.language == "en" and known.name_en
    name, too_little = known.name_en if english else known.name, known.evidence < WEAK_EVIDENCE
    undone = found is not None and min(found.raising.moved, -found.lowering.moved) >= AS_MUCH
    if too_little:
        held = "as_much" if undone else "too_little"
    else:
        held = known.doubt or level_of(known.mastery)
    holds = say(manner, f"holds.{held}", name=name, mastery=known.mastery)
    if found is None:
        return say(manner, "rests.untold", holds=holds)
    on_it = [each for each in found.listed if each.covers]
    if not on_it and not too_little:
        return say(manner, "rests.carried", holds=holds)
    if not on_it:
        return say(manner, "rests.nothing", holds=holds)
    if too_little and not undone:
        return say(manner, "rests.hardly", holds=holds)
    up = _most([each for each in on_it if each.moved > 0], found.raising, manner)
    down = _most([each for each in on_it if each.moved < 0], found.lowering, manner)
    if up and down:
        order = "up_down" if found.raising.moved >= -found.lowering.moved else "down_up"
        words = say(manner, f"rests.{order}", holds=holds, up=up, down=down)
    elif up or down:
        words = say(manner, "rests.up" if up else "rests.down", holds=holds, what=up or down)
    else:
        words = say(manner, "rests.beside", holds=holds)
    if abs(known.mastery - prior) < MOSTLY_PRIOR and not too_little:
        return say(manner, "rests.prior", told=words, prior=prior)
    return words


def _most(alike: Sequence[Reason], together: Together, manner: Manner) -> str:
    """What on a concept moved it most one way, and that more did; empty where that is little."""
    if not alike or abs(together.moved) < NOTABLE:
        return ""
    most, others = alike[0], together.observations - 1
    did = say(manner, f"did.it.{most.did}", title=most.title or most.item_id)
    if abs(most.moved) >= NOTABLE:
        did = say(manner, "moved.one", did=did, moved=most.moved)
    if others and abs(together.moved - most.moved) >= NOTABLE:
        more = "moved.one_more" if others == 1 else "moved.more"
        return say(manner, more, did=did, n=others, together=together.moved)
    return did
