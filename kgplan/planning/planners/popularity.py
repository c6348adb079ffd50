"""Popularity: what most learners learned comes first."""

from typing import TYPE_CHECKING

from kgplan.planning.planners.ranking import Asked, Knowledge, Learner, NamedPlanner, Ranking

if TYPE_CHECKING:
    from kgplan.arrays import Ints


def rank(known: Knowledge, learner: Learner, asked: "Ints", options: Asked) -> Ranking:
    """By the share of all learners who learned the concept."""
    return Ranking(None, known.derived.popularity[asked])


PLANNER = NamedPlanner(
    name="popularity",
    title={"en": "Rank by popularity", "zh": "按热门程度排序"},
    about="ranks what was not learned by the share of learners who learned it, and walks nothing",
    rank=rank,
    rule="popularity",
    figure={"en": "Share of learners who learned it", "zh": "学过它的学习者比例"},
    why={
        "en": "nothing that the course has left was learned by more learners[: {figure:z.2f}]",
        "zh": "课程余下概念中学过的学习者最多[：{figure:z.2f}]",
    },
    start={
        "en": "{name} comes next by how many learners learned it[ ({value:z.0%} of all)], and"
        " {knowledge}.",
        "zh": "按学过的人数，接下来是{name}[（{value:z.0%}的学习者学过）]，{knowledge}。",
    },
)
