"""What is recommended: the largest expected gain of mastery a minute, behind what it needs."""

from kgplan.planning.planners.ranking import NamedPlanner

PLANNER = NamedPlanner(
    name="gain",
    title={"en": "Most gain for the time", "zh": "单位时间收获最大"},
    about="takes what there is to open by expected gain of mastery a minute, behind what it needs,"
    " exercises behind what teaches, in the course's order where nothing is known of the learner",
    rank=None,
    rule="gain",
    figure={"en": "Gain a minute, weighed", "zh": "每分钟收获（加权）"},
    why={
        "en": "the largest expected gain of mastery for the time, what it needs included, weighed"
        " by its place in the course[ ({figure:z.3f} a minute, weighed)]",
        "zh": "连同所需的先修内容并考虑在课程中的位置，单位时间预期收获最大"
        "[（加权后每分钟 {figure:z.3f}）]",
    },
    walks=True,
)
