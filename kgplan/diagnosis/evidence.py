"""What did each learner's videos say, and which concepts do they tie together?

Learners with the same row of observations share one *case*. Within a case:

- a right share of a compensatory video is a term per concept, and no more (a *pull*);
- the rest, videos with the same concepts together, is a *factor*: a potential on how many of
  those concepts the learner holds;
- factors that share concepts, directly or through others, form a *component*, and components are
  independent of each other given slip, guess and prior.

Sizes: U learners, V videos, K concepts; R cases, G factors, N components.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints, check_axis
from kgplan.diagnosis.entries import rows_of
from kgplan.diagnosis.response import EtaTable, eta_table
from kgplan.errors import InputError
from kgplan.native.layout import ENUMERATED, LOOPY, TREE, Cases, Videos
from kgplan.native.partition import label_components, supports


@dataclass(frozen=True)
class Problem:
    """All observations, sorted into cases.

    Attributes:
        videos: the Q-matrix.
        evidence: the cases.
        case_of: (U,) the case of each learner.
        n_concepts: K.
        right: (V,) summed weight of r over all learners.
        observed: (V,) True where an observation speaks about the video.
        reached: (K,) learners with an observation that reaches the concept.
        skipped: observations that say nothing: their video covers no concept, or they weigh 0.
    """

    videos: Videos
    evidence: Cases
    case_of: Ints
    n_concepts: int
    right: Floats
    observed: Array
    reached: Floats
    skipped: int


def pose(
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    weights: sparse.csr_matrix | None,
    link: str,
    enumeration_limit: int,
) -> Problem:
    """Check the observations and sort them into cases; arguments as for `vdina.fit`.

    Raises:
        AxisMismatch, InputError: as `check_observations`.
    """
    shares, heavy = check_observations(watched, q_matrix, weights)
    videos = read_videos(q_matrix, link)
    first, case_of = distinct_rows(shares, heavy)
    n_videos, n_concepts = (int(n) for n in q_matrix.shape)
    sizes = np.diff(shares.indptr)[first]
    at = np.repeat(shares.indptr[first] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
    evidence = gather(
        shares[first],
        heavy[at],
        np.bincount(case_of, minlength=first.size).astype(np.float64),
        videos,
        n_concepts,
        link == "compensatory",
        enumeration_limit,
    )
    speaks = (videos.sizes()[shares.indices] > 0) & (heavy > 0)
    of_video = shares.indices[speaks]
    right = np.bincount(of_video, (heavy * shares.data)[speaks], n_videos).astype(np.float64)
    observed = np.bincount(of_video, minlength=n_videos) > 0
    learners = np.repeat(evidence.weight, np.diff(evidence.support_start))
    reached: Floats = np.bincount(evidence.support, learners, n_concepts).astype(np.float64)
    skipped = int(np.sum(~speaks))
    return Problem(videos, evidence, case_of, n_concepts, right, observed, reached, skipped)


def read_videos(q_matrix: sparse.csr_matrix, link: str) -> Videos:
    """Number the distinct sets of concepts and tabulate eta.

    Args:
        q_matrix: (V, K) a stored entry other than 0 says that the video covers the concept.
        link: "compensatory" or "conjunctive".
    """
    q = sparse.csr_matrix(q_matrix, copy=True)
    q.sum_duplicates()
    q.eliminate_zeros()
    q.sort_indices()
    numbers: dict[bytes, int] = {}
    scope_of = np.empty(q.shape[0], np.int64)
    first: list[int] = []
    indices = q.indices.astype(np.int64)
    for video in range(q.shape[0]):
        key = indices[q.indptr[video] : q.indptr[video + 1]].tobytes()
        scope_of[video] = numbers.setdefault(key, len(numbers))
        if len(numbers) > len(first):
            first.append(video)
    parts = [indices[q.indptr[v] : q.indptr[v + 1]] for v in first]
    start = np.concatenate([[0], np.cumsum([p.size for p in parts])]).astype(np.int64)
    concepts = np.concatenate([*parts, np.zeros(0, np.int64)])
    table: EtaTable = eta_table(np.diff(q.indptr).astype(np.int64), link)
    return Videos(scope_of, start, concepts, table.start.astype(np.int64), table.eta)


def check_observations(
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    weights: sparse.csr_matrix | None = None,
) -> tuple[sparse.csr_matrix, Floats]:
    """Refuse what is not a matrix of observed shares; give it back with sorted columns.

    Args:
        watched: (U, V) stored entries in [0, 1] are observed, stored zeros included.
        q_matrix: (V, K).
        weights: (U, V) the same stored entries as `watched`, none negative; None: all weigh 1.

    Returns:
        The matrix, and the weight of each stored entry in its order.

    Raises:
        AxisMismatch: the two disagree on V, or the weights on U or V.
        InputError: a value outside [0, 1], a repeated entry, or weights that do not fit.
    """
    check_axis("V", watched=watched.shape[1], q_matrix=q_matrix.shape[0])
    shares = _sorted(watched, "watched")
    bad = np.flatnonzero(~((shares.data >= 0) & (shares.data <= 1)))
    if bad.size:
        learner, video = _place(shares, int(bad[0]))
        raise InputError(
            f"learner {learner} watched {shares.data[bad[0]]} of video {video}; "
            "give shares in [0, 1], and store no entry where nothing is observed"
        )
    if weights is None:
        return shares, np.ones(shares.nnz)
    check_axis("U", watched=watched.shape[0], weights=weights.shape[0])
    check_axis("V", watched=watched.shape[1], weights=weights.shape[1])
    heavy = _sorted(weights, "weights")
    if not (
        np.array_equal(heavy.indptr, shares.indptr)
        and np.array_equal(heavy.indices, shares.indices)
    ):
        raise InputError("weights and watched store different entries; give one weight for each")
    bad = np.flatnonzero(~((heavy.data >= 0) & np.isfinite(heavy.data)))
    if bad.size:
        learner, video = _place(heavy, int(bad[0]))
        raise InputError(
            f"the weight of learner {learner} on video {video} is {heavy.data[bad[0]]}; "
            "give a finite weight of 0 or more"
        )
    return shares, heavy.data


def _sorted(matrix: sparse.csr_matrix, name: str) -> sparse.csr_matrix:
    """A float copy with ascending columns; a repeated (row, column) is refused, not summed."""
    csr = sparse.csr_matrix(matrix, dtype=np.float64, copy=True)
    csr.sort_indices()
    rows = rows_of(csr)
    twice = np.flatnonzero((np.diff(csr.indices) == 0) & (np.diff(rows) == 0))
    if twice.size:
        at = int(twice[0])
        raise InputError(
            f"{name} stores learner {rows[at]}, video {csr.indices[at]} twice; "
            "keep one entry, e.g. the larger share"
        )
    return csr


def _place(csr: sparse.csr_matrix, at: int) -> tuple[int, int]:
    return int(np.searchsorted(csr.indptr, at, side="right") - 1), int(csr.indices[at])


def distinct_rows(csr: sparse.csr_matrix, weights: Floats) -> tuple[Ints, Ints]:
    """Find learners with the same observations.

    Returns:
        (R,) the first learner of each distinct row, ascending, and (U,) each learner's row number.

    >>> rows = sparse.csr_matrix(np.array([[1.0, 0.5], [0.2, 0.0], [1.0, 0.5]]))
    >>> distinct_rows(rows, np.ones(3 + 2))
    (array([0, 1]), array([0, 1, 0]))
    """
    case_of = np.empty(csr.shape[0], np.int64)
    first: list[int] = []
    numbers: dict[tuple[bytes, bytes, bytes], int] = {}
    for row, (begin, end) in enumerate(zip(csr.indptr[:-1], csr.indptr[1:], strict=True)):
        key = (
            csr.indices[begin:end].tobytes(),
            csr.data[begin:end].tobytes(),
            weights[begin:end].tobytes(),
        )
        case_of[row] = numbers.setdefault(key, len(numbers))
        if len(numbers) > len(first):
            first.append(row)
    return np.array(first, np.int64), case_of


def gather(
    cases: sparse.csr_matrix,
    weights: Floats,
    multiplicity: Floats,
    videos: Videos,
    n_concepts: int,
    pulls: bool,
    enumeration_limit: int,
) -> Cases:
    """Group the observations of every case into pulls, factors and components.

    Args:
        cases: (R, V) distinct rows; stored entries are observed. Videos without concepts say
            nothing about mastery and are passed over.
        weights: one per stored entry.
        multiplicity: (R,) learners that share each row.
        videos: the Q-matrix.
        n_concepts: K.
        pulls: the link is compensatory, so that right shares become pulls.
        enumeration_limit: most concepts of an ENUMERATED component.
    """
    n_cases = cases.shape[0]
    row = np.repeat(np.arange(n_cases), np.diff(cases.indptr))
    video = cases.indices.astype(np.int64)
    right, wrong = weights * cases.data, weights * (1 - cases.data)
    speaks = (videos.sizes()[video] > 0) & (weights > 0)

    pulling = speaks & (right > 0) if pulls else np.zeros(video.size, bool)
    pull_start = _starts(row[pulling], n_cases)

    member = np.flatnonzero(speaks & (wrong > 0) if pulls else speaks)
    scope = videos.scope_of[video[member]]
    member = member[np.lexsort((scope, row[member]))]
    row_m, scope = row[member], videos.scope_of[video[member]]
    opens = np.ones(member.size, bool)
    opens[1:] = (row_m[1:] != row_m[:-1]) | (scope[1:] != scope[:-1])
    member_start = np.append(np.flatnonzero(opens), member.size)
    factor_row, factor_scope = row_m[opens], scope[opens]

    label, n_components = label_components(
        _starts(factor_row, n_cases), factor_scope, videos, n_concepts
    )
    # Factors move together by component; members follow their factor.
    by_component = np.argsort(label, kind="stable")
    size = np.diff(member_start)[by_component]
    new_start = np.concatenate([[0], np.cumsum(size)])
    take = np.repeat(member_start[by_component] - new_start[:-1], size) + np.arange(member.size)
    member, factor_scope = member[take], factor_scope[by_component]
    label, factor_row = label[by_component], factor_row[by_component]
    factor_start = _starts(label, n_components)
    case_of_component = factor_row[factor_start[:-1]]
    edges = np.diff(videos.scope_start)[factor_scope]
    edge_start = np.concatenate([[0], np.cumsum(edges)]).astype(np.int64)
    component_start = _starts(case_of_component, n_cases)

    support_start, support, begin, end = supports(
        component_start,
        factor_start,
        factor_scope,
        pull_start,
        video[pulling],
        videos,
        n_concepts,
    )
    n_edges = edge_start[factor_start[1:]] - edge_start[factor_start[:-1]]
    is_tree = n_edges == (end - begin) + np.diff(factor_start) - 1
    kind = np.where(is_tree, TREE, np.where(end - begin <= enumeration_limit, ENUMERATED, LOOPY))
    return Cases(
        weight=multiplicity.astype(np.float64),
        component_start=component_start,
        support_start=support_start,
        support=support,
        component_support_start=begin,
        component_support_end=end,
        component_factor_start=factor_start,
        component_kind=kind.astype(np.int64),
        factor_scope=factor_scope,
        factor_edge_start=edge_start,
        factor_member_start=new_start.astype(np.int64),
        member_video=video[member],
        member_right=np.zeros(member.size) if pulls else right[member],
        member_wrong=wrong[member],
        pull_start=pull_start,
        pull_video=video[pulling],
        pull_right=right[pulling],
    )


def _starts(sorted_owner: Ints, n_owners: int) -> Ints:
    """(n_owners + 1,) where each owner's run begins in an ascending array of owners."""
    return np.searchsorted(sorted_owner, np.arange(n_owners + 1)).astype(np.int64)
