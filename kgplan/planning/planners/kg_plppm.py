"""Algorithm 1 of KG-PLPPM: the largest preference - mastery first, behind its prerequisites."""

from typing import TYPE_CHECKING

from kgplan.planning.planners.ranking import Asked, Knowledge, Learner, NamedPlanner, Ranking

if TYPE_CHECKING:
    from kgplan.arrays import Ints


def rank(known: Knowledge, learner: Learner, asked: "Ints", options: Asked) -> Ranking:
    """By S_P - mastery (spec section 4, steps 1 to 3)."""
    preference = known.preference(learner, asked, options.neighbours)
    return Ranking(preference, preference - learner.mastery[asked])


PLANNER = NamedPlanner(
    name="kg-plppm",
    title={"en": "Walk the prerequisites (KG-PLPPM)", "zh": "沿先修关系回溯（KG-PLPPM）"},
    about="ranks by preference - mastery and walks prerequisites (Algorithm 1)",
    rank=rank,
    rule="value",
    figure={"en": "Value", "zh": "取值"},
    why={
        "en": "the largest preference - mastery of what the course has left[: {figure:z.2f}]",
        "zh": "课程余下概念中“偏好度 - 掌握度”最大[：{figure:z.2f}]",
    },
    walks=True,
    weighs_mastery=True,
)
