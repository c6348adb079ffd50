"""Words of courses against scikit-learn's TF-IDF; who takes both against the matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from kgplan.similarity.courses import STOP_WORDS, CourseSimilarity, terms_of, tfidf

words = st.sampled_from(["graph", "trees", "the", "and", "sorting", "heaps", "图论", "x"])
texts = st.lists(st.lists(words, max_size=8).map(" ".join), min_size=1, max_size=8)


@given(texts)
def test_tfidf_is_that_of_scikit_learn(given_texts):
    ours = tfidf(given_texts).toarray()
    if not any(terms_of(text) for text in given_texts):
        assert ours.shape == (len(given_texts), 0)
        return
    library = TfidfVectorizer(max_features=128, stop_words=sorted(STOP_WORDS))
    theirs = library.fit_transform(given_texts).toarray()
    terms = library.get_feature_names_out()
    # ours stand in order of frequency; the same rows up to the order of columns
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-12)
    assert ours.shape[1] == len(terms)


def test_the_most_frequent_terms_count_the_first_by_code_point_where_as_frequent():
    found = tfidf(["graph graph trees", "trees sorting"], most=2).toarray()
    # graph 2, trees 2, sorting 1: sorting is left out, so that the second row is trees alone
    np.testing.assert_allclose(found[1], [0.0, 1.0])


@given(st.integers(0, 2**32 - 1))
def test_who_takes_both_is_the_cosine_of_columns(seed):
    rng = np.random.default_rng(seed)
    takes = (rng.random((rng.integers(1, 12), 4)) < 0.4).astype(np.int8)
    similarity = CourseSimilarity(sparse.csr_array((4, 1)), sparse.csr_array(takes))
    for course in range(4):
        for other in range(4):
            left, right = takes[:, course].astype(float), takes[:, other].astype(float)
            size = np.linalg.norm(left) * np.linalg.norm(right)
            expected = left @ right / size if size else 0.0
            assert similarity.collaborative(course)[other] == pytest.approx(expected)
        assert similarity.joined(course)[course] == 0.0
