"""TransCF: the largest preference first, from TransR neighbours fused with item CF."""

from typing import TYPE_CHECKING

from kgplan.planning.planners.ranking import Asked, Knowledge, Learner, NamedPlanner, Ranking

if TYPE_CHECKING:
    from kgplan.arrays import Ints


def rank(known: Knowledge, learner: Learner, asked: "Ints", options: Asked) -> Ranking:
    """By S_P of eq. (12) alone."""
    preference = known.preference(learner, asked, options.neighbours)
    return Ranking(preference, preference)


PLANNER = NamedPlanner(
    name="trans-cf",
    title={"en": "Rank by preference (TransCF)", "zh": "按偏好度排序（TransCF）"},
    about="ranks what was not learned by preference, and walks nothing",
    rank=rank,
    rule="preference",
    figure={"en": "Preference", "zh": "偏好度"},
    why={
        "en": "the largest preference of what the course has left[: {figure:z.2f}]",
        "zh": "课程余下概念中偏好度最大[：{figure:z.2f}]",
    },
)
