import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from kgplan.data.records import LearnerRecords, learned_concepts, observations

seeds = st.integers(0, 2**32 - 1)


def case(seed: int) -> LearnerRecords:
    rng = np.random.default_rng(seed)
    u, v, k, c = rng.integers(1, 9, size=4)

    def some(shape, share, dtype=np.int8):
        return sparse.csr_array((rng.random(shape) < share).astype(dtype))

    viewed = some((u, v), 0.3, float)
    viewed.data *= rng.choice([0.25, 1.0], size=viewed.nnz)
    return LearnerRecords(
        *(
            np.array([f"{letter}{n}" for n in range(size)])
            for letter, size in zip("uvkc", (u, v, k, c), strict=True)
        ),
        enrolled=some((u, c), 0.4),
        viewed=viewed,
        course_concepts=some((c, k), 0.4),
        course_items=some((c, v), 0.3),
        q_matrix=some((v, k), 0.3),
        item_names=rng.choice(np.array(["", "集合", "sets"]), size=v),
    )


@given(seeds)
def test_unopened_videos_of_own_courses_count_as_0_and_others_are_unobserved(seed):
    r = case(seed)
    found = {(i, j): x for i, j, x in zip(*coo(observations(r)), strict=True)}
    viewed, enrolled, shown = r.viewed.toarray(), r.enrolled.toarray(), r.course_items.toarray()
    for i in range(r.learner_ids.size):
        for j in range(r.item_ids.size):
            due = any(enrolled[i, c] and shown[c, j] for c in range(r.course_ids.size))
            if viewed[i, j]:
                assert found.pop((i, j)) == viewed[i, j]
            elif due:
                assert found.pop((i, j)) == 0
    assert not found


@given(seeds)
def test_learned_concepts_are_watched_ones_or_those_of_courses_without_video_concepts(seed):
    r = case(seed)
    viewed, enrolled = r.viewed.toarray(), r.enrolled.toarray()
    has, shown, q = r.course_concepts.toarray(), r.course_items.toarray(), r.q_matrix.toarray()
    expected, by_view = set(), set()
    for i in range(r.learner_ids.size):
        for k in range(r.concept_ids.size):
            if any(viewed[i, j] > 0 and q[j, k] for j in range(r.item_ids.size)):
                by_view.add((i, k))
            for c in range(r.course_ids.size):
                silent = not any(shown[c, j] and q[j].any() for j in range(r.item_ids.size))
                if enrolled[i, c] and has[c, k] and silent:
                    expected.add((i, k))
    expected |= by_view
    learned = learned_concepts(r)
    row, column, _ = coo(learned.matrix)
    assert set(zip(row.tolist(), column.tolist(), strict=True)) == expected
    assert (learned.by_view, learned.by_enrolment) == (len(by_view), len(expected - by_view))


@given(seeds)
def test_records_survive_the_way_through_plain_arrays(seed):
    records = case(seed)
    again = LearnerRecords.from_arrays(records.to_arrays())
    for name, value in vars(records).items():
        other = getattr(again, name)
        if sparse.issparse(value):
            assert value.shape == other.shape
            assert (value != other).nnz == 0
        else:
            np.testing.assert_array_equal(value, other)


def test_records_stored_before_titles_were_kept_still_open():
    arrays = case(0).to_arrays()
    del arrays["item_names"]
    assert LearnerRecords.from_arrays(arrays).item_names is None


def coo(matrix):
    found = matrix.tocoo()
    return found.row, found.col, found.data
