"""What do vectors do to plans? The panel's plans, and how well eq. (12) tells what comes next."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from kgplan.data.records import learned_concepts
from kgplan.evaluation.plans import outline, steps_kept
from kgplan.model.opening import open_mastery
from kgplan.pipeline.reembed import panel_of
from kgplan.planning import Planner
from kgplan.similarity.fused import fuse

ALPHA, NEIGHBOURS, FIRST = 0.7, 10, 10
EVERY = 4  # so that a quarter of the learners have views held back


def hold_back(records):
    """The views without the last third, in course order, of every fourth learner's courses.

    Returns:
        The records without them, and the rows of these learners.
    """
    chosen = np.arange(0, records.learner_ids.size, EVERY)
    viewed = records.viewed.tolil(copy=True)
    for u in chosen.tolist():
        for course in records.enrolled[[u]].indices.tolist():
            videos = records.course_items[[course]]
            videos = videos.indices[np.argsort(videos.data)]
            seen = np.intersect1d(videos, records.viewed[[u]].indices)
            in_order = videos[np.isin(videos, seen)]
            viewed[u, in_order[in_order.size - in_order.size // 3 :]] = 0
    kept = sparse.csr_array(viewed)
    kept.eliminate_zeros()
    return replace(records, viewed=kept), chosen


def next_concepts(records, kept, chosen, concept_ids, vectors):
    """Rank what a learner's courses have and the learner has not learned by eq. (12).

    Args:
        records: with all views.
        kept: without those held back.
        chosen: (n,) rows of the learners with views held back.
        concept_ids, vectors: (K,), (K, d) of every concept of the records.

    Returns:
        Learners judged; the share of them with a concept of the views held back among the first
        ten; the mean chance that such a concept comes before another (area under the ROC curve).
    """
    before, after = learned_concepts(kept).matrix, learned_concepts(records).matrix
    alike = fuse(concept_ids, vectors, before, ALPHA).dense()
    among_all = (records.enrolled.astype(int) @ records.course_concepts.astype(int)) > 0
    hits, aucs = [], []
    for u in chosen.tolist():
        among = among_all[[u]].indices
        learned = np.isin(among, before[[u]].indices)
        asked = among[~learned]
        comes = np.isin(asked, after[[u]].indices)
        if not comes.any() or comes.all() or not learned.any() or asked.size <= FIRST:
            continue
        block = alike[np.ix_(asked, among)]
        block[asked[:, None] == among] = -1.0  # a concept says nothing about itself
        top = np.argsort(-block, axis=1, kind="stable")[:, :NEIGHBOURS]
        weight = np.take_along_axis(block, top, axis=1)
        preference = (weight * learned[top]).sum(axis=1) / weight.sum(axis=1)
        first = np.argsort(-preference, kind="stable")[:FIRST]
        hits.append(comes[first].any())
        wins = preference[comes][:, None] - preference[~comes]
        aucs.append(((wins > 0) + 0.5 * (wins == 0)).mean())
    return len(hits), float(np.mean(hits)), float(np.mean(aucs))


def plans_of_panel(graph, records, diagnosis, vectors):
    """Outlines of the panel's plans by these vectors.

    Args:
        graph, records: of the model.
        diagnosis: its artifact.
        vectors: (K, d) of the concepts of the records.
    """
    similarity = fuse(records.concept_ids, vectors, learned_concepts(records).matrix, ALPHA)
    planner = Planner(graph, records, open_mastery(diagnosis), similarity, "bench")
    return [
        outline(planner.plan(learner_id, course_id), graph.concepts, records.items)
        for learner_id, course_id in panel_of(planner)
    ]


def changed(plans, others):
    """How many plans differ, and which share of their concepts stayed."""
    pairs = list(zip(plans, others, strict=True))
    different = sum(not np.array_equal(a.concepts, b.concepts) for a, b in pairs)
    stayed = sum(steps_kept(a, b) for a, b in pairs)
    return different, stayed / sum(plan.concepts.size for plan in plans)
