"""What a plan says of a learner is held against the data, over drawn learners of the sample."""

import re
from collections import defaultdict
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest

from kgplan.data.events import Event, evidence_of
from kgplan.data.wishes import Wishes
from kgplan.planning import PlanOptions
from kgplan.planning.live import LiveModel
from kgplan.planning.planners import planners

DRAWN = 120
RANKING = [name for name, each in planners().items() if not each.expects_gain]
MINUTES = r"\d+(\.\d+)? ?(min|分钟)"


@pytest.fixture(scope="module")
def data(sample_planner):
    """The records as dictionaries, and the prerequisites as a graph."""
    records, graph = sample_planner.records, sample_planner.graph
    videos, concepts = records.item_ids.tolist(), records.concept_ids.tolist()
    covers, on = defaultdict(set), defaultdict(set)
    for video, concept in zip(*records.q_matrix.nonzero(), strict=True):
        covers[videos[video]].add(concepts[concept])
        on[concepts[concept]].add(videos[video])
    shown = {}
    for row, course in enumerate(records.course_ids.tolist()):
        entries = records.course_items[[row]].tocoo()
        by_place = sorted(zip(entries.data.tolist(), entries.col.tolist(), strict=True))
        shown[course] = [videos[video] for _, video in by_place]
    edges = graph.prerequisites.tocoo()
    ids = graph.concept_ids.tolist()
    return SimpleNamespace(
        covers=covers,
        on=on,
        shown=shown,
        has={
            course: {ids[k] for k in graph.course_concepts[[row]].indices.tolist()}
            for row, course in enumerate(graph.course_ids.tolist())
        },
        edges={(ids[b], ids[a]) for a, b in zip(edges.row, edges.col, strict=True)},
        builds_on=nx.DiGraph((ids[a], ids[b]) for a, b in zip(edges.row, edges.col, strict=True)),
    )


def drawn_learners(planner, data):
    """Enrolments at random, half of them with answers and views since: who, which course, and what.

    As many as have watched something as have not.
    """
    records, rng = planner.records, np.random.default_rng(15)
    live = LiveModel(records, planner.diagnosis)
    videos, n_views = records.item_ids.tolist(), np.diff(records.viewed.indptr)
    learners, courses = records.enrolled.nonzero()
    for watches in (True, False):
        among = np.flatnonzero((n_views[learners] > 0) == watches)
        for turn, pick in enumerate(rng.choice(among, DRAWN // 2, replace=False).tolist()):
            row, course = learners[pick], str(records.course_ids[courses[pick]])
            learner = str(records.learner_ids[row])
            seen = records.viewed[[row]].tocoo()
            shares = dict(zip([videos[k] for k in seen.col], seen.data.tolist(), strict=True))
            order = None if records.viewed_order is None else {}
            if order is not None:
                stored = slice(*records.viewed.indptr[row : row + 2])
                places = records.viewed_order[stored].tolist()
                order = dict(zip([videos[k] for k in seen.col], places, strict=True))
            enrolled = records.course_ids[records.enrolled[[row]].indices].tolist()
            did = SimpleNamespace(
                id=learner,
                course=course,
                shares=shares,
                scores={},
                order=order,
                courses=enrolled,
                answers=[],
            )
            current = None
            if turn % 2:
                current = live.current(
                    learner, evidence_of(events(rng, did, data, course)), Wishes()
                ).learner
            yield did, current


def events(rng, did, data, course):
    """Views and answers in the course since; `did` notes them too."""
    found = []
    for k in range(int(rng.integers(1, 5))):
        video = str(rng.choice(data.shown[course])) if data.shown.get(course) else None
        if video is None:
            continue
        share, score = rng.choice([0.3, 1.0]), rng.choice([0.0, 1.0])
        answers = rng.random() < 0.5
        if answers:
            did.scores[video] = max(did.scores.get(video, 0.0), score)
            did.answers.append((video, score))
        else:
            did.shares[video] = max(did.shares.get(video, 0.0), share)
        if did.order is not None:
            did.order[video] = 1e9 + k
        told = {"score": float(score)} if answers else {"share": float(share)}
        found.append(Event(f"e{k}", did.id, float(k), video, course, **told))
    return found


@pytest.fixture(scope="module")
def learners(sample_planner, data):
    return list(drawn_learners(sample_planner, data))


def is_new(did):
    return not did.scores and not any(share > 0 for share in did.shares.values())


def what_was_done(step, did, data):
    """The sentences on what was done that hold of a step's concept."""
    shares = [did.shares.get(video, 0.0) for video in data.on[step.concept_id]]
    scores = [did.scores[video] for video in data.on[step.concept_id] if video in did.scores]
    watched = sum(share >= 0.8 for share in shares)
    held = step.terms.mastery >= 0.5 and step.identified
    none_right = bool(scores) and max(scores) < 0.8
    first = step.resources[0].item_id
    same = did.scores.get(first, 1.0) < 0.5 or did.shares.get(first, 0.0) >= 0.8
    answers = {
        "Your answer on it was not right yet": none_right and len(scores) == 1,
        "Your answers on it were not right yet": none_right and len(scores) > 1,
        "Not all of your answers on it were right": any(score < 0.5 for score in scores),
    }
    again = {f"{told}, so it comes again.": holds and same for told, holds in answers.items()}
    return again | {
        "You have not opened a video on it yet.": not any(share > 0 for share in shares),
        "You began a video on it.": any(share > 0 for share in shares),
        "You watched one video on it, and that does not show yet that you hold it.": watched == 1
        and not held,
        "You watched several videos on it, and that does not show yet that you hold it.": watched
        > 1
        and not held,
        "You answered right on it, and that does not show yet that you hold it.": not held
        and any(score >= 0.8 for score in scores),
        "What you did shows that you hold it already.": held,
        **{
            f"{told}, so another way to it comes first.": holds and not same
            for told, holds in answers.items()
        },
    }


def answered_last(concept, did, data):
    last = max(did.order or (), key=(did.order or {}).get, default=None)
    return last in data.on[concept] and last in did.scores


def fails_again(concept, did, data):
    """Whether the last two answers on a concept were both wrong."""
    last = [score for video, score in did.answers if video in data.on[concept]][-2:]
    return last == [0.0, 0.0]


def began(did, data):
    """Whether it is known when the learner saw anything of the course."""
    return any(each in data.shown[did.course] for each in did.order or ())


def places(video, did, data):
    """Where the course shows a video, and what was seen last of it; None where it does not."""
    shown = data.shown[did.course]
    seen = [each for each in did.order or () if each in shown]
    last = max(seen, key=did.order.__getitem__, default=None)
    return tuple(shown.index(each) if each in shown else None for each in (video, last))


def begins(video, did, data):
    """Whether nothing of the course was seen, and none that is left comes before a video."""
    at, last = places(video, did, data)
    if at is None or last is not None:
        return False
    return all(did.shares.get(v, 0.0) >= 0.8 for v in data.shown[did.course][:at])


def stands_next(video, did, data):
    """Whether all of the course that lies between what was seen last and a video is done."""
    at, last = places(video, did, data)
    if at is None or last is None:
        return False
    between = data.shown[did.course][last + 1 : at]
    done = [did.shares.get(v, 0.0) >= 0.8 or did.scores.get(v, 0.0) >= 0.8 for v in between]
    return at > last and all(done)


def goes_on(video, did, data):
    """Whether the course comes to a video behind what was seen last of it."""
    at, last = places(video, did, data)
    return at is not None and last is not None and at > last


def stopped_at(video, did, data):
    """Whether a video was seen last of the course, and not to its end."""
    at, last = places(video, did, data)
    return at is not None and at == last and did.shares.get(video, 0.0) < 0.8


def left_out(video, did, data):
    """Whether a video stands before what was seen last, behind which nothing is left to do."""
    at, last = places(video, did, data)
    if at is None or last is None:
        return False
    behind = data.shown[did.course][last + 1 :]
    return at < last and all(did.shares.get(v, 0.0) > 0 for v in behind)


def test_a_step_to_do_says_what_holds_of_the_learner(sample_planner, learners, data):
    said = set()
    names = dict(
        zip(sample_planner.graph.concept_ids, sample_planner.graph.concept_names, strict=True)
    )
    for did, current in learners:
        pin = tuple(sorted(data.has.get(did.course, ()))[:1])
        for options in (PlanOptions(length=6), PlanOptions(length=3, pin=pin)):
            plan = sample_planner.plan(did.id, did.course, options, current)
            for place, step in enumerate(plan.steps):
                later = names.get(step.leads_to, "")
                why = {
                    f"{later} builds on {step.name}.": step.leads_to is not None
                    and nx.has_path(data.builds_on, step.leads_to, step.concept_id),
                    f"{later} builds on {step.name}, and your last answers on {later} were not"
                    " right.": step.leads_to is not None
                    and nx.has_path(data.builds_on, step.leads_to, step.concept_id)
                    and fails_again(step.leads_to, did, data),
                    f"{step.name} is what you answered last.": answered_last(
                        step.concept_id, did, data
                    ),
                    f"You asked for {step.name}.": step.concept_id in options.pin,
                    f"The course begins with {step.name}.": (is_new(did) and place == 0)
                    or begins(step.resources[0].item_id, did, data),
                    f"The course goes on with {step.name}.": not began(did, data)
                    or goes_on(step.resources[0].item_id, did, data),
                    f"{step.name} comes next in the course, behind where you are.": stands_next(
                        step.resources[0].item_id, did, data
                    ),
                    f"{step.name} is where you stopped in the course.": stopped_at(
                        step.resources[0].item_id, did, data
                    ),
                    f"{step.name} comes next of what you left out of the course.": left_out(
                        step.resources[0].item_id, did, data
                    ),
                    f"{step.name} comes next by what it gains you for the time and by its place in"
                    " the course.": bool(data.shown[did.course]),
                    f"{step.name} comes next by what it gains you for the time.": True,
                }
                known = what_was_done(step, did, data)
                told = {f"{a} {b}": (a, b) for a in why for b in known}
                a, b = told[step.because]  # no sentence but these
                assert why[a], (did.id, did.course, step.because)
                assert known[b], (did.id, did.course, step.because)
                said |= {a.replace(step.name, "").replace(later, ""), b}
    assert len(said) >= 9  # nearly every sentence was tried


def test_the_notes_on_things_to_do_hold_of_the_learner(sample_planner, learners, data):
    tried = set()
    for did, current in learners:
        plan = sample_planner.plan(did.id, did.course, PlanOptions(length=6), current)
        planned = [step.concept_id for step in plan.steps]
        more = sample_planner.plan(did.id, did.course, PlanOptions(length=50), current)
        of_course = sample_planner.mastery(did.id, did.course, current)
        held = {each.concept_id for each in of_course if each.identified and each.mastery >= 0.5}
        wrong = {
            c for video, score in did.scores.items() if score < 0.5 for c in data.covers[video]
        }
        opened = [r for step in plan.steps for r in step.resources]
        again = [r for r in opened if r.again]
        on_held = [
            r.title
            for r in opened
            if data.covers[r.item_id] and not (data.covers[r.item_id] - held)
        ]
        assert on_held == [r.title for r in opened if r.optional]
        facts = {
            f"You may skip {', '.join(on_held[:3])}{' and others' * (len(on_held) > 3)}, which the"
            " course has next: what you did shows that you hold what is in it.": bool(on_held),
            "Nothing that you watched or answered is known yet.": is_new(did),
            "It is the course's own order, with what it builds on before it.": is_new(did),
            "Some of the course's concepts are left out: what you did shows that you hold them.": (
                bool(held) and not (held - wrong) & set(planned)
            ),
            "What you did shows that you hold all of it.": held == data.has[did.course],
            "What you watched already comes again where your answers were not right yet, or"
            " nothing else teaches it.": bool(again)
            and all(did.shares.get(r.item_id, 0) >= 0.8 or did.scores for r in again),
            "The plan goes no further than asked for.": (
                [(s.concept_id, s.resources) for s in plan.steps]
                == [(s.concept_id, s.resources) for s in more.steps[: len(planned)]]
            ),
            "Behind this nothing is left to do.": len(more.steps) == len(planned),
            "It also builds on "
            + ", ".join(gap.name for gap in plan.gaps[:3])
            + (" and others" if len(plan.gaps) > 3 else "")
            + ", for which no video is known.": not any(
                data.on[gap.concept_id] for gap in plan.gaps
            ),
            f"Course {did.course} has no concepts in the graph, so there is nothing to plan.": (
                not data.has[did.course]
            ),
            "Nothing here teaches some of its concepts.": not planned,
            "There is nothing in it that you could do and that would gain you more.": not planned,
        }
        for note in plan.notes:
            assert facts[note], (did.id, did.course, note)
        tried |= set(plan.notes)
        assert plan.new == is_new(did)
    assert len(tried) >= 6


def preference_by_views(planner, step, did, data):
    """Eq. (12) of a start by what was watched alone, with loops over the ten most similar."""
    names = planner.similarity.concept_ids.tolist()
    watched = {
        concept
        for video, share in did.shares.items()
        if share > 0
        for concept in data.covers[video]
    }
    around = [k for k, c in enumerate(names) if any(c in data.has.get(x, ()) for x in did.courses)]
    around = [k for k in around if names[k] != step.concept_id]
    alike = planner.similarity.block(
        np.array([names.index(step.concept_id)]), np.array(around, dtype=np.int64)
    )[0]
    near = sorted(zip(-alike, around, strict=True))[:10]
    whole = -sum(similarity for similarity, _ in near)
    part = -sum(similarity for similarity, k in near if names[k] in watched)
    return part / whole if whole else 0.0


def observed_of(planner, did):
    """Videos that the diagnosis hears of: what was done, and what of the courses was likely met."""
    records = planner.records
    done = did.shares.keys() | did.scores.keys()
    when = did.order or {}
    in_time = sorted(records.items.known(done).tolist(), key=lambda at: (
        when.get(str(records.item_ids[at]), -np.inf), at))  # fmt: skip
    mine = np.sort(records.courses.known(did.courses))
    never = np.setdiff1d(records.expected[mine].indices, in_time)
    attendance = planner.diagnosis.items.attendance_on(records)
    met = never[attendance.weights(np.array(in_time, np.int64), mine, never) > 0]
    return done | set(records.item_ids[met].tolist())


@pytest.mark.parametrize("ranks", RANKING)
def test_a_ranking_says_what_holds_of_the_learner(sample_planner, learners, data, ranks):
    names = dict(
        zip(sample_planner.graph.concept_ids, sample_planner.graph.concept_names, strict=True)
    )
    said = set()
    for did, current in learners[::2]:
        plan = sample_planner.plan(did.id, did.course, PlanOptions(planner=ranks), current)
        assert plan.new == is_new(did)
        assert is_new(did) == ("Nothing that you watched or answered is known yet." in plan.notes)
        heard = observed_of(sample_planner, did)
        for step in plan.steps:
            mastery = step.terms.mastery
            observed = data.on[step.concept_id] & heard
            known = {
                "nothing shows yet whether you know it": not observed,
                "your videos cover it only together with another concept": any(
                    data.on[other] & heard == observed
                    for video in observed
                    for other in data.covers[video] - {step.concept_id}
                ),
                "what you did hardly shows whether you know it": 0 <= step.evidence < 0.01,
                "you probably know it, so it is a quick review": mastery >= 0.7,
                "you may know part of it": 0.4 <= mastery < 0.7,
                "you probably do not know it yet": mastery < 0.4,
            }
            before = f"{step.name} comes before {names.get(step.leads_to, '')} and "
            why = {
                before: (step.concept_id, step.leads_to) in data.edges,
                f"{step.name} comes next by how many learners learned it, and ": True,
            }
            if step.terms.preference is not None:
                share = preference_by_views(sample_planner, step, did, data)
                why |= {
                    "Nothing that you learned is close to it and ": step.terms.preference == 0,
                    "You watched a little that is close to it and ": 0 < share < 0.5 + 1e-9,
                    "You watched much that is close to it and ": share > 0.5 - 1e-9,
                    "You are enrolled in courses with what is close to it and ": (
                        step.terms.preference > 0 and share == 0 and bool(did.courses)
                    ),
                }
            told = {f"{a}{b}.": (a, b) for a in why for b in known}
            a, b = told[step.because]
            assert why[a], (did.id, did.course, step.because)
            assert known[b], (did.id, did.course, step.because)
            said |= {a.replace(before, "before"), b}
    assert len(said) >= (5 if ranks == "popularity" else 8)


def told(plan, explanations):
    """All that a plan says, without the names in it."""
    lines = [*(step.because for step in plan.steps), *plan.notes]
    names = {*(step.name for step in plan.steps), *(gap.name for gap in plan.gaps), plan.course_id}
    names |= {each.title for step in plan.steps for each in step.resources}
    for each in explanations:
        lines += [each.because, *(other.because for other in (*each.alternatives, *each.ended))]
        lines += [change.because for change in each.changes]
        names |= {other.name for other in (*each.alternatives, *each.ended)}
    return lines, names


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", planners())
def test_in_words_nothing_has_a_figure_but_time(sample_planner, learners, name, language):
    all_names = sorted(sample_planner.graph.concept_names.tolist(), key=len, reverse=True)
    with_digits = [each for each in all_names if re.search(r"\d", each)]
    for did, current in learners[::5]:
        options = PlanOptions(planner=name, language=language, minutes=45)
        plan = sample_planner.plan(did.id, did.course, options, current)
        lines, names = told(plan, sample_planner.explain(plan, current))
        for line in lines:
            for each in [*sorted(names, key=len, reverse=True), *with_digits]:
                line = line.replace(each, "")
            assert not re.search(r"\d", re.sub(MINUTES, "", line)), line


@pytest.mark.parametrize("name", planners())
def test_in_numbers_what_decides_is_printed_so_that_it_decides(sample_planner, learners, name):
    """Figures on the two sides of a comparison differ in its direction."""
    figure = r"(-?\d+(?:\.\d+)?)"
    rules = {
        rf"{figure} < {figure}": lambda a, b: a < b,
        rf"mastery {figure} >= {figure}": lambda a, b: a >= b,
        rf"{figure} min > {figure} min left": lambda a, b: a > b,
        rf"above {figure} \(now {figure}\)": lambda a, b: a > b,
        rf"below {figure} \(now {figure}\)": lambda a, b: a < b,
        rf"takes {figure} min, more than the {figure} min": lambda a, b: a > b,
    }
    tried = set()
    for did, current in learners[::4]:
        for chosen in ({}, {"minutes": 20, "theta": 0.5}):
            options = PlanOptions(planner=name, detail="numbers", length=5, **chosen)
            plan = sample_planner.plan(did.id, did.course, options, current)
            for line in told(plan, sample_planner.explain(plan, current))[0]:
                for rule, holds in rules.items():
                    for one, other in re.findall(rule, line):
                        assert holds(float(one), float(other)), line
                        tried.add(rule)
    assert tried
