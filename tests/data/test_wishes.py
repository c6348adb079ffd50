"""What a learner said of concepts: wishes, and answers to whether they are held."""

from kgplan.data.wishes import Wishes, Word, last_words, wishes_of


def words(*said):
    return [Word(concept, what, float(n)) for n, (concept, what) in enumerate(said)]


def test_an_answer_and_a_wish_on_one_concept_stand_beside_each_other():
    said = words(("a", "unknown"), ("a", "too_hard"), ("a", "known"))
    expected = Wishes(too_hard=frozenset("a"), answers={"a": 1.0})
    assert wishes_of(said) == expected
    assert [word.said for word in last_words(said)] == ["known", "too_hard"]


def test_what_is_withdrawn_takes_back_both():
    said = words(("a", "unsure"), ("a", "done"), ("b", "unsure"), ("a", "withdrawn"))
    assert wishes_of(said) == Wishes(answers={"b": 0.5})
    assert [word.concept_id for word in last_words(said)] == ["b"]
