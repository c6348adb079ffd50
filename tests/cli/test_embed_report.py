"""`kgplan embed report` as a person runs it, and the plane that its map is drawn on."""

import re
import shutil
from html import unescape

import numpy as np
import pytest
from forked import run_kgplan
from scipy.spatial.distance import cdist

from kgplan.data.records import learned_concepts
from kgplan.embedding.plane import plane
from kgplan.errors import ArtifactMissing
from kgplan.model.opening import open_records, open_snapshot
from kgplan.pipeline.embedding_report import find_in_home, some_pairs, to_html
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore


@pytest.fixture(scope="module")
def text(mini_home, tmp_path_factory) -> str:
    """The page of the miniature's model, written by the command."""
    out = tmp_path_factory.mktemp("page") / "deep" / "page.html"
    done = run_kgplan(mini_home.home, "embed", "report", "--out", out)
    assert done.returncode == 0, done.stderr
    assert str(out) in done.stdout
    assert [path.name for path in out.parent.iterdir()] == ["page.html"]
    return out.read_text(encoding="utf-8")


def sections(text):
    """Heading -> HTML of each section."""
    found = re.findall(r"<section[^>]*><h2>(.*?)</h2>(.*?)</section>", text, re.DOTALL)
    return {unescape(heading): body for heading, body in found}


def titles(html):
    return [unescape(title) for title in re.findall(r"<title>(.*?)</title>", html)]


def test_the_page_needs_nothing_from_elsewhere(text):
    assert not re.search(r"(src|href)=|url\(|@import|<script", text)
    assert len(sections(text)) == 8


def test_every_epoch_of_the_training_is_on_the_curve(text, mini_home):
    history = ArtifactStore(mini_home.artifacts).current("embedding").metrics["history"]
    told = titles(sections(text)["Training: loss"])
    assert told == [f"epoch {e['epoch']}: loss {e['loss']:,.4f}" for e in history]


def test_every_concept_is_on_the_map_with_its_name_and_field(text, mini_home):
    graph = open_snapshot(mini_home)
    told = titles(sections(text)["Map of concepts"])
    for name, of in zip(graph.concept_names.tolist(), graph.concept_fields.tolist(), strict=True):
        assert any(title.startswith(name) and title.endswith(of) for title in told)
    assert len(told) == graph.concept_ids.size


def test_the_figures_by_relation_are_those_of_the_evaluation(text, mini_home):
    test = ArtifactStore(mini_home.artifacts).current("embedding").metrics["test"]
    told = titles(sections(text)["Test facts by relation"])
    for relation, figures in test["relations"].items():
        (title,) = (t for t in told if t.startswith(relation.replace("_", " ") + ":"))
        assert f"TransR {figures['both']['mrr']:.3f}" in title


def test_the_nearest_are_those_of_the_distances(mini_home):
    graph = open_snapshot(mini_home)
    embedding = ArtifactStore(mini_home.artifacts).current("embedding")
    entity_ids = embedding.array("entity_ids").tolist()
    at = [entity_ids.index(k) for k in graph.concept_ids]
    vectors = np.asarray(embedding.array("vectors"))[at].astype(float)
    alike = 1 / (1 + cdist(vectors, vectors))
    names = graph.concept_names.tolist()
    known = find_in_home(mini_home).neighbours
    assert len(known) == min(20, len(names))
    for each in known:
        (k,) = (
            k
            for k, name in enumerate(names)
            if each.name in (name, f"{name} ({graph.concept_names_en[k]})")
            and graph.concept_fields[k] == each.field
        )
        best = np.sort(np.delete(alike[k], k))[::-1][: len(each.nearest)]
        np.testing.assert_allclose([value for _, _, value in each.nearest], best, atol=1e-6)


def test_the_histograms_count_every_pair_once(text, mini_home):
    records, _ = open_records(ArtifactStore(mini_home.artifacts))
    learned = learned_concepts(records).matrix.toarray().astype(int)
    n = learned.shape[1]
    both = (learned.T @ learned)[np.triu_indices(n, 1)]
    pairs = n * (n - 1) // 2
    for heading, expected in (
        ("Semantic similarity", 2 * pairs),
        ("Collaborative similarity", 2 * int((both > 0).sum())),
        ("Fused similarity", pairs),
    ):
        counts = re.findall(r": ([\d,]+) pairs</title>", sections(text)[heading])
        assert sum(int(count.replace(",", "")) for count in counts) == expected


def test_the_same_home_and_seed_give_the_same_page(text, mini_home):
    assert to_html(find_in_home(mini_home)) == text


def test_without_a_similarity_of_this_embedding_the_page_says_what_to_run(mini_home, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(mini_home.home, home)
    artifacts = ArtifactStore(Settings(home=home).artifacts)
    with artifacts.draft("similarity", {"alpha": 0.7}, {"embedding": "another"}) as draft:
        draft.put(bounds=np.zeros(4))
    artifacts.switch(draft.finished())
    page = sections(to_html(find_in_home(Settings(home=home))))
    assert "run `kgplan similarity` again" in page["Similarities"]
    with pytest.raises(ArtifactMissing, match="kgplan embed"):
        find_in_home(Settings(home=tmp_path / "empty"))


def test_planted_clusters_stay_together_on_the_plane():
    rng = np.random.default_rng(0)
    of = np.repeat(np.arange(4), 30)
    vectors = 6 * rng.normal(size=(4, 20))[of] + rng.normal(size=(120, 20))
    found = plane(vectors, seed=1)
    apart = cdist(found.places, found.places)
    np.fill_diagonal(apart, np.inf)
    assert (of[apart.argmin(axis=1)] == of).mean() > 0.99
    noise = plane(rng.normal(size=(120, 20)), seed=1)
    assert found.trustworthiness > noise.trustworthiness


@pytest.mark.parametrize("size", [0, 1, 2, 29])
def test_few_vectors_are_laid_out_by_their_principal_axes(size):
    vectors = np.random.default_rng(2).normal(size=(size, 5))
    found = plane(vectors)
    assert found.places.shape == (size, 2)
    if size > 2:
        variance = np.linalg.eigvalsh(np.cov(vectors.T))[::-1][:2]
        np.testing.assert_allclose(found.places.var(axis=0, ddof=1), variance)


def test_pairs_drawn_at_random_are_pairs_of_two_concepts():
    left, right = some_pairs(2_000, 5_000, np.random.default_rng(0))
    assert (left < right).all()
    assert 4_900 < left.size <= 5_000
    assert abs(left.mean() - 2_000 / 3) < 30  # the smaller of two uniform numbers
