"""What is a resource about, in what it says, in the graph, and where it stands?

Sizes: V resources, K concepts, C courses, d dimensions of a modality.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids
from kgplan.data.stored import Stored

TEXT_WIDTH = 128
CLIP = 3.5  # robust standard deviations


@dataclass(frozen=True)
class Modalities(Stored):
    """Of each resource; rows of zeros where it has none.

    Attributes:
        text, knowledge, place: (V, d), each with its own d.
        present: (V, 3) 1.0 where there is any, in the order of `config.MODALITIES`.
    """

    text: Floats
    knowledge: Floats
    place: Floats
    present: Floats

    @property
    def parts(self) -> tuple[Floats, ...]:
        """In the order of `config.MODALITIES`."""
        return self.text, self.knowledge, self.place


def modalities(
    texts: Ids,
    q_matrix: sparse.csr_array,
    vectors: Floats,
    course_items: sparse.csr_array,
    minutes: Floats,
    seed: int = 0,
) -> Modalities:
    """All three.

    Args:
        texts: (V,) see `texts_of`.
        q_matrix: (V, K) where the resource covers the concept.
        vectors: (K, d) of the graph's embedding; a row of NaN for a concept that has none.
        course_items: (C, V) place of the resource in the course, from 1.
        minutes: (V,) NaN where unknown.
        seed: of the decomposition.
    """
    known = np.logical_not(np.isnan(vectors).any(axis=1))
    covers = sparse.csr_array(q_matrix.multiply(known[None, :]).astype(np.float64))
    count = np.asarray(covers.sum(axis=1)).ravel()
    knowledge = (covers @ np.nan_to_num(vectors)) / np.maximum(count, 1)[:, None]
    shown = np.asarray((course_items > 0).sum(axis=0)).ravel() > 0
    text = text_vectors(texts, seed)
    present = np.stack([np.abs(text).sum(axis=1) > 0, count > 0, shown], axis=1)
    return Modalities(text, knowledge, place_vectors(course_items, minutes), present.astype(float))


def texts_of(
    titles: Ids,
    q_matrix: sparse.csr_array,
    concept_names: list[str],
    course_items: sparse.csr_array,
    course_texts: list[str],
) -> Ids:
    """(V,) title, names of the concepts, and what is said of the courses, in one text each.

    Args:
        titles: (V,) many say nothing, as "Video" does.
        q_matrix: (V, K) where the resource covers the concept.
        concept_names: of K, in every language known.
        course_items: (C, V) stored where the course shows the resource.
        course_texts: of C, name and description.
    """
    shown = course_items.tocsc()
    found = []
    for v, title in enumerate(titles.tolist()):
        concepts = q_matrix.indices[q_matrix.indptr[v] : q_matrix.indptr[v + 1]].tolist()
        courses = shown.indices[shown.indptr[v] : shown.indptr[v + 1]].tolist()
        about = [concept_names[k] for k in concepts] + [course_texts[c] for c in courses]
        found.append(" ".join([title, *about]))
    return np.array(found, dtype=np.str_)


def text_vectors(texts: Ids, seed: int = 0) -> Floats:
    """(V, `TEXT_WIDTH` or fewer) TF-IDF of words and of 1 to 3 characters, decomposed; rows of
    length 1, or of none for an empty text.

    Characters tell Chinese apart, where no space parts words.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(text.strip() for text in texts.tolist()):
        return np.zeros((texts.size, 1))
    ways = (
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), max_features=20_000, dtype=np.float32),
        TfidfVectorizer(token_pattern=r"\w+", max_features=20_000, dtype=np.float32),
    )
    counted = sparse.hstack([way.fit_transform(texts.tolist()) for way in ways], format="csr")
    width = min(TEXT_WIDTH, min(counted.shape) - 1)
    if width < 1:
        vectors = counted.toarray().astype(np.float64)
    else:
        vectors = TruncatedSVD(width, random_state=seed).fit_transform(counted).astype(np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms > 0, norms, 1)


def place_vectors(course_items: sparse.csr_array, minutes: Floats) -> Floats:
    """(V, 5) place and its share of the first course, length of that, how many courses show the
    resource, how long it takes: logarithms of counts and times, scaled, outliers clipped."""
    shown = course_items.tocsc()
    some: Array = np.flatnonzero(np.diff(shown.indptr))
    course, place = shown.indices[shown.indptr[some]], shown.data[shown.indptr[some]]
    size = np.diff(course_items.indptr)[course]
    found = np.full((course_items.shape[1], 5), np.nan)
    found[some, :4] = np.stack(
        [np.log1p(place), place / size, np.log1p(size), np.log1p(np.diff(shown.indptr)[some])],
        axis=1,
    )
    found[:, 4] = np.log1p(minutes)
    return np.stack([robust(column) for column in found.T], axis=1)


def robust(values: Floats) -> Floats:
    """(V,) less the median, over 1.4826 times the median distance from it, clipped at `CLIP`; what
    is unknown gets 0, and where most are the same the mean distance is taken."""
    known = values[~np.isnan(values)]
    if not known.size:
        return np.zeros(values.size)
    distance = np.abs(known - np.median(known))
    spread = 1.4826 * np.median(distance) or distance.mean() or 1.0
    return np.nan_to_num(np.clip((values - np.median(known)) / spread, -CLIP, CLIP))
