"""What a mastery rests on, held against inference without each view and answer; and in words."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learner_cases import diagnosed, hand_model
from planning_cases import random_case
from scipy import sparse

from kgplan.data.events import Event, evidence_of
from kgplan.data.records import observations
from kgplan.data.wishes import Wishes
from kgplan.diagnosis import infer
from kgplan.diagnosis.influence import Together
from kgplan.errors import UnknownConcept, UnknownLearner
from kgplan.planning import ConceptMastery, PlanOptions
from kgplan.planning.because import Reason, Reasons, reasoned
from kgplan.planning.live import ANSWER_GUESS, ANSWER_SLIP, LiveModel, did_with

MANNERS = [PlanOptions(language=a, detail=b) for a in ("en", "zh") for b in ("words", "numbers")]


def mastery_of(seen, case, concept):
    """By the batch's inference on items, and on answers beside views, as so many more items."""
    records, items, n = case.records, case.diagnosis.items, case.records.item_ids.size
    columns = sorted(seen)
    row = sparse.csr_matrix(
        ([seen[c] for c in columns], columns, [0, len(columns)]), shape=(1, 2 * n)
    )
    found = infer(
        row,
        sparse.csr_matrix(sparse.vstack([records.q_matrix, records.q_matrix])),
        np.append(items.slip, np.full(n, ANSWER_SLIP)),
        np.append(items.guess, np.full(n, ANSWER_GUESS)),
        case.diagnosis.prior,
        items.config,
    ).mastery
    return found[0, concept] if concept in found.indices else case.diagnosis.prior[concept]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 49), rng=st.randoms(use_true_random=False))
def test_each_reason_is_what_the_mastery_lacks_without_that_view_or_answer(seed, rng):
    case = diagnosed(random_case(seed), seed)
    records, learner = case.records, case.records.learner_ids[0]
    n, names = records.item_ids.size, records.item_ids.tolist()
    events = [
        Event(f"e{k}", learner, float(k), rng.choice(names), **rng.choice([
            {"share": 0.4}, {"share": 1.0}, {"score": 0.0}, {"score": 1.0}
        ]))
        for k in range(rng.randrange(4))
    ]  # fmt: skip
    model, planner = LiveModel(records, case.diagnosis), case.planner()
    state = model.current(learner, evidence_of(events), Wishes()) if events else None
    stored = observations(records)[[0]]
    seen = dict(zip(stored.indices.tolist(), stored.data.tolist(), strict=True))
    for event in events:
        at = names.index(event.item_id) + (0 if event.score is None else n)
        seen[at] = max(event.share or event.score or 0.0, seen.get(at, 0.0))
    last = {event.item_id: event.time for event in events}
    for concept, concept_id in enumerate(records.concept_ids.tolist()):
        found = reasoned(planner, model, learner, concept_id, state, PlanOptions(), most=2 * n)
        whole = mastery_of(seen, case, concept)
        known = planner.mastery_of(learner, concept_id, None if state is None else state.learner)
        assert known.mastery == pytest.approx(whole, abs=1e-12)
        assert found.mastery in (None, known.mastery)
        told = {}
        for each in found.reasons:
            at = names.index(each.item_id) + (0 if each.score is None else n)
            told[at] = each.moved
            assert seen[at] == (each.share if each.score is None else each.score)
            assert each.covers == bool(records.q_matrix[at % n, concept])
            assert each.time == last.get(each.item_id)
        for at in seen:
            less = mastery_of({k: v for k, v in seen.items() if k != at}, case, concept)
            assert told.get(at, 0.0) == pytest.approx(whole - less, abs=1e-9)


def test_reasons_follow_what_counts_of_a_learner():
    case = hand_model()
    model, planner = LiveModel(case.records, case.diagnosis), case.planner()
    assert model.reasons("learner", "a", None, 9).listed
    erased = model.current("learner", evidence_of([]), Wishes(), in_records=False)
    assert model.reasons("learner", "a", erased, 9).listed == ()
    with pytest.raises(UnknownLearner):
        reasoned(planner, model, "nobody", "a", None, PlanOptions())
    with pytest.raises(UnknownConcept):
        reasoned(planner, model, "learner", "zzz", None, PlanOptions())
    older = replace(case.diagnosis, of_records=False)  # the records were extracted anew since
    found = reasoned(planner, LiveModel(case.records, older), "learner", "a", None, PlanOptions())
    assert (found.reasons, found.raising, found.lowering, found.left_out) == (None,) * 4
    assert "cannot be told" in found.because


@pytest.mark.parametrize(
    ("kind", "answered", "value", "opened", "did"),
    [
        ("video", False, 1.0, True, "watched"),
        ("video", False, 0.8, True, "watched"),
        ("video", False, 0.79, True, "watched_part"),
        ("text", False, 0.9, True, "read"),
        ("text", False, 0.1, True, "read_part"),
        ("video", False, 0.0, True, "opened"),
        ("video", False, 0.0, False, "not_opened"),
        ("text", False, 0.0, False, "not_opened"),
        ("exercise", True, 1.0, False, "answered_right"),
        ("exercise", True, 0.5, False, "answered_partly"),
        ("exercise", True, 0.0, False, "answered_wrong"),
        ("video", True, 0.0, True, "answered_wrong"),
    ],
)
def test_the_word_is_true_of_the_kind(kind, answered, value, opened, did):
    assert did_with(kind, answered, value, opened) == did


def reason(did, moved, covers=True, title="T"):
    return Reason("v", "video", title, did, 1.0, None, None, covers, moved)


def said(known, reasons, raising, lowering, manner=PlanOptions(), prior=0.5):
    """The answer of a planner and a model that know just this."""
    planner = SimpleNamespace(mastery_of=lambda *_: known, prior_of=lambda _: prior)
    found = Reasons(tuple(reasons), Together(*raising), Together(*lowering), 0)
    model = SimpleNamespace(reasons=lambda *_: found)
    return reasoned(planner, model, "u", "k", None, manner)


def known(mastery, evidence, doubt=None):
    sd = (mastery * (1 - mastery)) ** 0.5
    return ConceptMastery("k", "栈", "stack", mastery, sd, "own", evidence, doubt is None, doubt)


NONE = (0, 0.0)
FOR, AGAINST = reason("watched", 0.3, title="A"), reason("not_opened", -0.1, title="B")


@pytest.mark.parametrize(
    ("known", "reasons", "raising", "lowering", "words", "numbers"),
    [
        (
            known(0.8, 0.3), [FOR, AGAINST], (1, 0.3), (1, -0.1),
            "You probably hold stack. For it speaks that you watched “A”; against it, that you have"
            " not opened “B”.",
            "You probably hold stack (mastery 0.80). For it speaks that you watched “A” (+0.30);"
            " against it, that you have not opened “B” (-0.10).",
        ),
        (
            known(0.2, 0.3), [AGAINST], NONE, (4, -0.3),
            "You probably do not hold stack yet. Against it speaks that you have not opened “B”,"
            " and several more that say the same.",
            "You probably do not hold stack yet (mastery 0.20). Against it speaks that you have not"
            " opened “B” (-0.10), and 3 more that say the same (-0.30 together).",
        ),
        (  # none of them moves it alone
            known(0.999, 0.9), [reason("watched", 0.001)], (2, 0.5), NONE,
            "You probably hold stack. For it speaks that you watched “T”, and one more that says"
            " the same.",
            "You probably hold stack (mastery 1.00). For it speaks that you watched “T”, and one"
            " more that says the same (+0.50 together).",
        ),
        (
            known(0.55, 0.02), [reason("answered_right", 0.05)], (1, 0.05), NONE,
            "Whether you hold stack is open. For it speaks that you answered “T” right. Much the"
            " same is assumed of everyone.",
            "Whether you hold stack is open (mastery 0.55). For it speaks that you answered “T”"
            " right (+0.05). Much the same is assumed of everyone (0.50).",
        ),
        (
            known(0.9, 0.4), [reason("read", 0.2, covers=False), reason("read", 0.0)], NONE, NONE,
            "You probably hold stack. That rests on what you did on other concepts, which items on"
            " both join to it.",
            "You probably hold stack (mastery 0.90). That rests on what you did on other concepts,"
            " which items on both join to it.",
        ),
    ],
)  # fmt: skip
def test_the_sentence_says_what_moved_it(known, reasons, raising, lowering, words, numbers):
    told = said(known, reasons, raising, lowering)
    assert told.because == words
    assert told.mastery == known.mastery
    in_numbers = said(known, reasons, raising, lowering, PlanOptions(detail="numbers"))
    assert in_numbers.because == numbers


@pytest.mark.parametrize("manner", MANNERS, ids=lambda each: f"{each.language}-{each.detail}")
@pytest.mark.parametrize("doubt", ["no_evidence", "weak_evidence", "not_told_apart"])
def test_too_little_evidence_stands_in_place_of_a_figure(manner, doubt):
    reasons = [] if doubt == "no_evidence" else [reason("not_opened", -0.004)]
    told = said(known(0.52, 0.001, doubt), reasons, NONE, (len(reasons), -0.004), manner)
    assert (told.mastery, told.sd, told.doubt) == (None, None, doubt)
    assert ("too little evidence" if manner.language == "en" else "证据太少") in told.because
    assert not re.search(r"\d", told.because)


def test_what_speaks_for_and_against_alike_is_not_called_too_little():
    both = [reason("watched", 0.3, title="A"), reason("answered_wrong", -0.3, title="B")]
    told = said(known(0.5, 0.0, "weak_evidence"), both, (1, 0.3), (1, -0.3))
    assert told.mastery is None
    assert told.because == (
        "What you did speaks as much for stack as against it, so that nothing can be said yet. For"
        " it speaks that you watched “A”; against it, that you have not answered “B” right yet."
    )
