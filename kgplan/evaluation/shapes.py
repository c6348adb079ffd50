"""Which graphs could other platforms have? Made-up ones of known shapes, in the platforms' files.

No shape is fitted: sizes and densities are round numbers near what is told of the two graphs.
`kgplan simulate --graph` reads the files as it reads anyone's, through the source that knows them.
Sizes: K concepts, E prerequisites.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kgplan.arrays import Array, Ints
from kgplan.store.csvfile import write_rows

TOPICS, AREAS = 40, 8
NEAR = 4  # exercises of a topic that the next one may build on
ELSEWHERE = 0.2  # share of exercises that build on one of another topic
SECOND = 0.25  # share that need a second one
BESIDE = 0.1  # prerequisites that people name and the map does not draw, for each that it draws
DOUBTED = 0.3  # pairs that people were asked about and call not needed, likewise
ROOTS = 0.05


@dataclass(frozen=True)
class Shape:
    """A graph without cycles: what is needed stands before what needs it.

    Attributes:
        size: K.
        before, after: (E,) places, without repeats.
        drawn: (E,) True for what the platform's own map shows; the rest people state.
    """

    size: int
    before: Ints
    after: Ints
    drawn: Array


def junyi_like(rng: np.random.Generator, size: int = 700) -> Shape:
    """Exercises in topics, each building on one just before it: nearly a tree.

    Args:
        rng: draws all.
        size: exercises.
    """
    topic = topics(size)
    pairs: dict[tuple[int, int], bool] = {}
    for k in range(1, size):
        if rng.random() < ROOTS:
            continue
        same = np.flatnonzero(topic[:k] == topic[k])[-NEAR:]
        near = same if same.size and rng.random() >= ELSEWHERE else np.arange(k)
        pairs[int(rng.choice(near)), k] = True
        if rng.random() < SECOND:
            pairs[int(rng.integers(k)), k] = True
    for before, after in _others(rng, size, pairs, round(BESIDE * len(pairs))):
        pairs[before, after] = False
    return _shape(size, pairs)


def metacademy_like(rng: np.random.Generator, size: int = 140) -> Shape:
    """Concepts of which each needs several earlier ones, near ones more often: a dense graph.

    Args:
        rng: draws all.
        size: concepts.
    """
    pairs = {}
    for k in range(1, size):
        if rng.random() < ROOTS:
            continue
        weight = np.exp(-(k - np.arange(k)) / 30)
        n = min(1 + rng.poisson(3), k)
        for before in rng.choice(k, n, replace=False, p=weight / weight.sum()).tolist():
            pairs[before, k] = True
    return _shape(size, pairs)


def topics(size: int) -> Ints:
    """(K,) the topic of each exercise."""
    return np.arange(size) * TOPICS // size


def _others(
    rng: np.random.Generator, size: int, pairs: Mapping[tuple[int, int], bool], n: int
) -> list[tuple[int, int]]:
    """So many pairs beside given ones, each in the same order of places."""
    found: dict[tuple[int, int], None] = {}
    while len(found) < min(n, size * (size - 1) // 2 - len(pairs)):
        before, after = sorted(rng.choice(size, 2, replace=False).tolist())
        if (before, after) not in pairs:
            found[before, after] = None
    return list(found)


def _shape(size: int, pairs: Mapping[tuple[int, int], bool]) -> Shape:
    before, after = np.array(list(pairs), dtype=np.int64).reshape(-1, 2).T
    return Shape(size, before, after, np.array(list(pairs.values()), dtype=bool))


# ---------------------------------------------------------------- files


def as_junyi(shape: Shape, rng: np.random.Generator) -> dict[str, str]:
    """File name -> text: exercises with what the map draws, and what people say, from 1 to 9.

    Args:
        shape: the graph.
        rng: draws scores, and pairs that people call not needed.
    """
    names = [f"exercise_{k:04}" for k in range(shape.size)]
    needs: list[list[str]] = [[] for _ in names]
    for before, after in zip(shape.before[shape.drawn], shape.after[shape.drawn], strict=True):
        needs[after].append(names[before])
    topic = topics(shape.size)
    exercises = [
        (name, ",".join(needs[k]), f"topic_{topic[k]}", f"area_{topic[k] * AREAS // TOPICS}")
        for k, name in enumerate(names)
    ]
    edges = list(zip(shape.before.tolist(), shape.after.tolist(), strict=True))
    doubted = _others(rng, shape.size, dict.fromkeys(edges, True), round(DOUBTED * len(edges)))
    score = np.concatenate(
        [rng.uniform(5.5, 9, len(edges)), rng.uniform(1, 4.9, len(doubted))]
    ).tolist()
    said = [
        (names[after], names[before], f"{score[n]:.1f}")
        for n, (before, after) in enumerate([*edges, *doubted])
    ]
    return {
        "junyi_Exercise_table.csv": _csv(("name", "prerequisites", "topic", "area"), exercises),
        "relationship_annotation_training.csv": _csv(
            ("Exercise_A", "Exercise_B", "Prerequisite_avg"), said
        ),
    }


def as_tables(shape: Shape, rng: np.random.Generator) -> dict[str, str]:
    """File name -> text: plain tables of concepts, one text for each, and prerequisites."""
    names = [f"concept_{k:04}" for k in range(shape.size)]
    texts = [(f"text_{k:04}", "text") for k in range(shape.size)]
    pairs = [(names[a], names[b]) for a, b in zip(shape.before, shape.after, strict=True)]
    return {
        "concepts.csv": _csv(("concept_id", "name"), [(each, each) for each in names]),
        "items.csv": _csv(("item_id", "kind"), texts),
        "item_concepts.csv": _csv(
            ("item_id", "concept_id"),
            [(text, name) for (text, _), name in zip(texts, names, strict=True)],
        ),
        "prerequisites.csv": _csv(("before", "after"), pairs),
    }


def _csv(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    write_rows(text, [head, *rows], "\n")
    return text.getvalue()


@dataclass(frozen=True)
class NamedShape:
    """A shape as callers ask for it.

    Attributes:
        about: half a sentence.
        draw: of a seed and a size.
        files: file name -> text.
    """

    about: str
    draw: Callable[..., Shape]
    files: Callable[[Shape, np.random.Generator], dict[str, str]]


SHAPES = {
    "junyi-like": NamedShape("700 exercises, nearly a tree", junyi_like, as_junyi),
    "metacademy-like": NamedShape("140 concepts, a dense graph", metacademy_like, as_tables),
}


def write_shape(name: str, seed: int, folder: Path) -> Shape:
    """Draw a shape of `SHAPES` and write its files; the same seed gives the same bytes."""
    rng, chosen = np.random.default_rng([seed, 17]), SHAPES[name]
    shape = chosen.draw(rng)
    for file, text in chosen.files(shape, rng).items():
        (folder / file).write_text(text, encoding="utf-8")
    return shape
