"""The recommender that a service keeps: made once, and again after a change."""

from planning_cases import random_case

from kgplan.errors import GraphUnavailable
from kgplan.graph.definition import Definitions
from kgplan.model.recommending import Recommenders


def test_it_is_made_anew_for_another_planner_another_graph_and_texts_that_were_away():
    away = [True]

    def read():
        if away[0]:
            raise GraphUnavailable("it is being loaded")
        return {}

    planner, kept = random_case(1).planner(), Recommenders(Definitions(read))
    first = kept.of(planner, "mark")
    second = kept.of(planner, "mark")  # texts were away: tried again
    assert second is not first
    away[0] = False
    third = kept.of(planner, "mark")
    assert kept.of(planner, "mark") is third
    assert kept.of(planner, "another mark") is not third
    other = random_case(2).planner()
    assert kept.of(other, "another mark") is not third
