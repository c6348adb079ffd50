"""How is a plan said in words? Every sentence, in English and in Chinese."""

from typing import Literal

Language = Literal["en", "zh"]

ENGLISH = {
    "knowledge.no_evidence": "nothing shows yet whether you know it (assumed {mastery:z.2f})",
    "knowledge.not_told_apart": "your videos cover it only together with another concept"
    " (about {mastery:z.2f})",
    "knowledge.weak_evidence": "what you watched hardly shows whether you know it"
    " (about {mastery:z.2f})",
    "knowledge.high": "you probably know it, so it is a quick review (mastery {mastery:z.2f})",
    "knowledge.middle": "you may know part of it (mastery {mastery:z.2f})",
    "knowledge.low": "you probably do not know it yet (mastery {mastery:z.2f})",
    "interest.none": "It is new ground for you",
    "interest.little": "You learned a little that is close to it (preference {preference:z.2f})",
    "interest.much": "You learned much that is close to it (preference {preference:z.2f})",
    "start": "{interest} and {knowledge}.",
    "start.target": "You want to reach {name}; {knowledge}.",
    "start.pinned": "You asked for {name}; {knowledge}.",
    "prerequisite": "{name} comes before {later} (similarity {similarity:z.2f}) and {knowledge}.",
    "do": "{why} {known}",
    "do.goal": "{name} is what gains you most for the time now.",
    "do.goal_then": "Behind that, {name} gains you most for the time.",
    "do.order": "The course begins with {name}.",
    "do.order_then": "The course goes on with {name}.",
    "do.asked": "You asked for {name}.",
    "do.before": "{later} builds on {name}.",
    "do.numbers": " Mastery {mastery:z.2f}, expected {expected:z.2f}.",
    "did.nothing": "You have not opened a video on it yet.",
    "did.opened": "You began a video on it.",
    "did.watched_one": "You watched one video on it, and that does not show yet that you hold it.",
    "did.watched": "You watched {n} videos on it, and that does not show yet that you hold it.",
    "did.not_yet": "Your answers on it were not right yet, so another way to it comes first.",
    "note.unknown_learner": "This learner is not in the data: it is the plan of a new learner.",
    "note.nothing_yet": "Nothing that you watched or answered is known yet.",
    "note.in_order": "It is the course's own order, with what it builds on before it.",
    "note.left_out": "{concepts} of the course's concepts are left out: what you did shows that"
    " you hold them (mastery {theta} or more).",
    "note.all_mastered": "What you did shows that you hold all of it (mastery {theta} or more).",
    "note.untaught": "No video is known for {concepts} of its {of} concepts.",
    "note.nothing_left": "There is nothing in it that you could do and that would gain you more.",
    "note.again": "What you watched already comes again where nothing else teaches it.",
    "note.gaps": "It also builds on {names}, for which no video is known.",
    "list.comma": ", ",
    "list.more": "{names} and others",
    "stopped.length": "The plan is as long as asked for; more follows behind it.",
    "stopped.minutes": "The time is filled.",
    "stopped.gain": "What is left gains little for its time.",
    "stopped.end": "Behind this nothing is left to do.",
    "note.empty_course": "Course {course_id} has no concepts in the graph, so there is nothing to"
    " plan.",
    "note.mastered": "You have mastered every concept of this course; these steps are a review.",
    "note.new_learner": "Nothing is known about you yet: the plan rests on the course alone.",
    "note.new_learner_towards": "Nothing is known about you yet: the plan rests on the graph"
    " alone.",
    "note.passed_over": "{concepts} of the course's concepts are passed over, as you said.",
    "note.short": "The course and what it builds on give {steps} of the {length} steps asked for.",
    "note.short_towards": "{name} and what leads to it give {steps} of the {length} steps asked"
    " for.",
    "note.limited": "With what is left out, and within the time, there are {steps} of the {length}"
    " steps asked for.",
    "note.over_time": "What you asked for takes {minutes:z.0f} min, more than the {asked:zg} min"
    " that you have.",
    "note.assumed_length": "The length of the video is not known for {steps} of these steps; each"
    " is counted as {minutes:z.1f} min, the mean of all.",
    "note.provisional": "New in the graph: {names}. How close it is to the rest is estimated from"
    " its neighbours until the model is renewed.",
    "why.order": "the course's own order decides while nothing is known of you",
    "why.foundation": "what is planned behind it builds on it",
    "why.pinned": "it was asked for, and what is asked for comes first",
    "why.target": "the path leads towards it",
    "why.score": "the largest similarity + 1 - mastery among the prerequisites left: {figure:z.2f}",
    "not.lower": "{figure} < {best}",
    "not.tie": "{figure}, as much as the one chosen, whose id comes first",
    "not.not_pinned": "what is asked for comes first",
    "not.excluded": "skip: excluded",
    "not.mastered": "skip: mastery {mastery} >= {threshold}",
    "not.learned": "skip: already learned",
    "not.too_long": "skip: {minutes:z.1f} min > {left:z.1f} min left",
    "not.no_room": "skip: the steps left are kept for what was asked for",
    "not.ended": "the walk back ends here",
    "change.raise": "With a mastery of {name} above {threshold} (now {mastery}), {other}"
    " would be chosen.",
    "change.lower": "With a mastery of {name} below {threshold} (now {mastery}), it would"
    " be chosen.",
    "change.skip": "With a mastery of {name} of {threshold} or more (now {mastery}), it"
    " would be left out.",
    "change.include": "Not excluded, {name} would be chosen.",
    "change.shown": "Once what you do shows a mastery of {name} of {threshold:zg} or more, it is"
    " left out.",
}

CHINESE = {
    "knowledge.no_evidence": "目前没有记录能说明你是否掌握（暂按{mastery:z.2f}估计）",
    "knowledge.not_told_apart": "你看过的视频总把它和另一个概念放在一起讲（约{mastery:z.2f}）",
    "knowledge.weak_evidence": "你的观看记录几乎看不出你是否掌握（约{mastery:z.2f}）",
    "knowledge.high": "你很可能已经掌握，只需快速复习（掌握度{mastery:z.2f}）",
    "knowledge.middle": "你可能掌握了一部分（掌握度{mastery:z.2f}）",
    "knowledge.low": "你很可能还没有掌握（掌握度{mastery:z.2f}）",
    "interest.none": "这对你是一个新领域",
    "interest.little": "你学过少量与它相近的内容（偏好度{preference:z.2f}）",
    "interest.much": "你学过许多与它相近的内容（偏好度{preference:z.2f}）",
    "start": "{interest}，{knowledge}。",
    "start.target": "你的目标是{name}；{knowledge}。",
    "start.pinned": "你指定要学{name}；{knowledge}。",
    "prerequisite": "学习{later}之前先学{name}（相似度{similarity:z.2f}），{knowledge}。",
    "do": "{why}{known}",
    "do.goal": "就所花时间而言，现在学{name}收获最大。",
    "do.goal_then": "其后学{name}收获最大。",
    "do.order": "课程从{name}开始。",
    "do.order_then": "课程接着讲{name}。",
    "do.asked": "你指定要学{name}。",
    "do.before": "{later}以{name}为基础。",
    "do.numbers": "掌握度{mastery:z.2f}，预计达到{expected:z.2f}。",
    "did.nothing": "你还没有打开过讲解它的视频。",
    "did.opened": "你开始看过一个讲解它的视频。",
    "did.watched_one": "你看过一个讲解它的视频，但还不能说明你已掌握。",
    "did.watched": "你看过{n}个讲解它的视频，但还不能说明你已掌握。",
    "did.not_yet": "你在它上面的作答还不正确，因此先换一种方式学习。",
    "note.unknown_learner": "数据中没有这名学习者：这是为新学习者制定的计划。",
    "note.nothing_yet": "目前还没有你的观看或作答记录。",
    "note.in_order": "按课程自身的顺序排列，所需的先修内容排在前面。",
    "note.left_out": "课程中有{concepts}个概念不再列入：你的学习表明已掌握（掌握度达{theta}）。",
    "note.all_mastered": "你的学习表明你已全部掌握（掌握度{theta}及以上）。",
    "note.untaught": "其{of}个概念中有{concepts}个没有已知的视频。",
    "note.nothing_left": "其中没有可以继续学习且仍有收获的内容。",
    "note.again": "没有其他资源时，看过的视频会再次出现。",
    "note.gaps": "它还以{names}为基础，但没有已知的视频。",
    "list.comma": "、",
    "list.more": "{names}等",
    "stopped.length": "计划已达到所要求的长度，后面还有内容。",
    "stopped.minutes": "时间已排满。",
    "stopped.gain": "余下的内容在所花时间内收获很小。",
    "stopped.end": "此后没有其他内容了。",
    "note.empty_course": "课程{course_id}在图谱中没有概念，因此无法规划。",
    "note.mastered": "你已掌握本课程的全部概念；以下步骤仅作复习。",
    "note.new_learner": "目前还没有你的学习记录：路径仅依据课程本身规划。",
    "note.new_learner_towards": "目前还没有你的学习记录：路径仅依据知识图谱规划。",
    "note.passed_over": "按你的意愿，本课程有{concepts}个概念不列入路径。",
    "note.short": "本课程及其先修概念只能给出所要求{length}步中的{steps}步。",
    "note.short_towards": "{name}及其先修概念只能给出所要求{length}步中的{steps}步。",
    "note.limited": "去掉要跳过的概念，并在限定时间之内，只能给出所要求{length}步中的{steps}步。",
    "note.over_time": "你指定的内容需要{minutes:z.0f}分钟，超过你的{asked:zg}分钟。",
    "note.assumed_length": "其中{steps}步的视频时长未知；每步按平均值{minutes:z.1f}分钟计算。",
    "note.provisional": "图谱中新增：{names}。在模型更新之前，它与其他概念的相似度由相邻概念估计。",
    "why.order": "尚无你的学习记录，因此按课程自身的顺序",
    "why.foundation": "后面的内容以它为基础",
    "why.pinned": "这是你指定的概念，指定的概念排在最前",
    "why.target": "这是路径的目标",
    "why.score": "余下的先修概念中“相似度 + 1 - 掌握度”最大：{figure:z.2f}",
    "not.lower": "{figure} < {best}",
    "not.tie": "{figure}，与选中的概念相同，而后者的编号在前",
    "not.not_pinned": "指定的概念排在最前",
    "not.excluded": "跳过：已被排除",
    "not.mastered": "跳过：掌握度 {mastery} >= {threshold}",
    "not.learned": "跳过：已经学过",
    "not.too_long": "跳过：{minutes:z.1f}分钟 > 剩余{left:z.1f}分钟",
    "not.no_room": "跳过：余下的步数留给指定的概念",
    "not.ended": "回溯到此为止",
    "change.raise": "若{name}的掌握度高于{threshold}（现为{mastery}），则会选{other}。",
    "change.lower": "若{name}的掌握度低于{threshold}（现为{mastery}），则会选它。",
    "change.skip": "若{name}的掌握度达到{threshold}（现为{mastery}），则会跳过它。",
    "change.include": "若不排除{name}，则会选它。",
    "change.shown": "一旦你的学习表明{name}的掌握度达到{threshold:zg}，它就不再列入。",
}

MOST_PLACES = 7  # of a figure that is to differ from another
TEXTS: dict[Language, dict[str, str]] = {"en": ENGLISH, "zh": CHINESE}


def say(language: Language, sentence: str, **values: str | float | None) -> str:
    """One sentence with its values filled in.

    >>> say("en", "not.mastered", mastery="0.91", threshold="0.90")
    'skip: mastery 0.91 >= 0.90'
    """
    return fill(TEXTS[language][sentence], **values)


def apart(figure: float, other: float) -> tuple[str, str]:
    """Two figures with as many places as they need to differ, two at least.

    >>> apart(0.6912, 0.6948), apart(0.5, 0.25), apart(0.5, 0.5)
    (('0.691', '0.695'), ('0.50', '0.25'), ('0.50', '0.50'))
    """
    for places in range(2, MOST_PLACES):
        texts = f"{figure:z.{places}f}", f"{other:z.{places}f}"
        if texts[0] != texts[1]:
            break
    else:
        return f"{figure:z.2f}", f"{other:z.2f}"
    return texts


def fill(sentence: str, **values: str | float | None) -> str:
    """A sentence with its values filled in."""
    return sentence.format(**values)


def knowledge(mastery: float, doubt: str | None, language: Language = "en") -> str:
    """Say what a mastery means.

    Args:
        mastery: probability that the learner holds the concept.
        doubt: why it is not the learner's own, as in `Step.doubt`; else None.
        language: of the sentence.

    >>> knowledge(0.5, "weak_evidence")
    'what you watched hardly shows whether you know it (about 0.50)'
    """
    level = doubt or ("high" if mastery >= 0.7 else "middle" if mastery >= 0.4 else "low")
    return say(language, f"knowledge.{level}", mastery=mastery)


def because_start(
    preference: float, mastery: float, doubt: str | None, language: Language = "en"
) -> str:
    """Say why a start was chosen.

    >>> because_start(0.8, 0.1, doubt=None)
    'You learned much that is close to it (preference 0.80) and you probably do not know it yet
    (mastery 0.10).'
    """
    level = "none" if preference == 0 else "much" if preference >= 0.5 else "little"
    return say(
        language,
        "start",
        interest=say(language, f"interest.{level}", preference=preference),
        knowledge=knowledge(mastery, doubt, language),
    )


def because_prerequisite(
    name: str,
    later: str,
    similarity: float,
    mastery: float,
    doubt: str | None,
    language: Language = "en",
) -> str:
    """Say why a prerequisite was chosen.

    >>> because_prerequisite("stack", "recursion", 0.7, 0.3, None)
    'stack comes before recursion (similarity 0.70) and you probably do not know it yet
    (mastery 0.30).'
    """
    known = knowledge(mastery, doubt, language)
    return say(
        language, "prerequisite", name=name, later=later, similarity=similarity, knowledge=known
    )
