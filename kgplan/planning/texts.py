"""How is a plan said in words? Every sentence, in English and in Chinese.

A part of a sentence in square brackets is said only where figures are asked for; behind a bar
stands what is said in its place where they are not.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

Language = Literal["en", "zh"]
Detail = Literal["words", "numbers"]
MUCH = 0.5  # of what is close, from which it is much
IN_ORDER = ("video", "text", "exercise")  # kinds of items, as they are told

ENGLISH = {
    "knowledge.no_evidence": "nothing shows yet whether you know it[ (assumed {mastery:z.2f})]",
    "knowledge.not_told_apart.video": "your videos cover it only together with another concept"
    "[ (about {mastery:z.2f})]",
    "knowledge.not_told_apart.mixed": "your {kinds} cover it only together with another concept"
    "[ (about {mastery:z.2f})]",
    "knowledge.weak_evidence": "what you did hardly shows whether you know it"
    "[ (about {mastery:z.2f})]",
    "knowledge.high": "you probably know it, so it is a quick review[ (mastery {mastery:z.2f})]",
    "knowledge.middle": "you may know part of it[ (mastery {mastery:z.2f})]",
    "knowledge.low": "you probably do not know it yet[ (mastery {mastery:z.2f})]",
    "interest.none": "Nothing that you learned is close to it",
    "interest.little": "You watched a little that is close to it[ (preference {preference:z.2f})]",
    "interest.much": "You watched much that is close to it[ (preference {preference:z.2f})]",
    "interest.little_learned": "You learned a little that is close to it"
    "[ (preference {preference:z.2f})]",
    "interest.much_learned": "You learned much that is close to it"
    "[ (preference {preference:z.2f})]",
    "interest.enrolled": "You are enrolled in courses with what is close to it"
    "[ (preference {preference:z.2f})]",
    "review": "You last worked on {name} {ago}[, with a chance of {recall:z.2f} to recall it now];"
    " this brings it back.",
    "review.too": "It also brings back {names}.",
    "review.none": "Nothing that you hold is due again.",
    "review.no_room": "Something is due again, but nothing on it fits into the time.",
    "ago.today": "today",
    "ago.day": "a day ago",
    "ago.days": "{n} days ago",
    "ago.weeks": "{n} weeks ago",
    "ago.months": "{n} months ago",
    "ago.years": "{n} years ago",
    "start": "{interest} and {knowledge}.",
    "start.target": "You want to reach {name}; {knowledge}.",
    "start.pinned": "You asked for {name}; {knowledge}.",
    "prerequisite": "{name} comes before {later}[ (similarity {similarity:z.2f})] and {knowledge}.",
    "do": "{why} {known}[ Mastery {mastery:z.2f}, expected {expected:z.2f}.]",
    "do.goal": "{name} comes next by what it gains you for the time and by its place in the"
    " course.",
    "do.gain": "{name} comes next by what it gains you for the time.",
    "do.next": "{name} comes next in the course, behind where you are.",
    "do.stopped": "{name} is where you stopped in the course.",
    "do.left": "{name} comes next of what you left out of the course.",
    "do.order": "The course goes on with {name}.",
    "do.order_first": "The course begins with {name}.",
    "do.asked": "You asked for {name}.",
    "do.before": "{later} builds on {name}.",
    "do.practice": "Of what is left, {name} takes you the fewest right answers in a row, with those"
    " on what it builds on.",
    "do.before_again": "{later} builds on {name}, and your last answers on {later} were not right.",
    "do.retry": "{name} is what you answered last.",
    "did.nothing.video": "You have not opened a video on it yet.",
    "did.nothing.text": "You have not opened a text on it yet.",
    "did.nothing.exercise": "You have not answered an exercise on it yet.",
    "did.nothing.mixed": "You have not opened anything on it yet.",
    "did.opened.video": "You began a video on it.",
    "did.opened.text": "You began a text on it.",
    "did.shown": "You {done} on it, and that does not show yet that you hold it.",
    "done.video.one": "watched one video",
    "done.video": "watched [{n}|several] videos",
    "done.text.one": "read one text",
    "done.text": "read [{n}|several] texts",
    "done.exercise.one": "answered one exercise right",
    "done.exercise": "answered [{n}|several] exercises right",
    "did.right": "You answered right on it, and that does not show yet that you hold it.",
    "did.held": "What you did shows that you hold it already.",
    "did.partly": "You answered partly right on it[ (score {score:z.2f})], and that does not show"
    " yet that you hold it.",
    "did.not_yet": "{answers}, so another way to it comes first.",
    "did.not_yet_again": "{answers}, so it comes again.",
    "answers.one": "Your answer on it was not right yet[ (score {score:z.2f})]",
    "answers.none": "Your answers on it were not right yet[ (best score {score:z.2f})]",
    "answers.some": "Not all of your answers on it were right",
    "note.unknown_learner": "This learner is not in the data: it is the plan of a new learner.",
    "note.nothing_yet": "Nothing that you {did} is known yet.",
    "did.video": "watched",
    "did.text": "read",
    "did.exercise": "answered",
    "note.in_order": "It is the course's own order, with what it builds on before it.",
    "note.may_skip": "You may skip {titles}, which the course has next: what you did shows that you"
    " hold what is in it.",
    "note.left_out": "[{concepts}|Some] of the course's concepts are left out: what you did shows"
    " that you hold them[ (mastery {theta} or more)].",
    "note.all_mastered": "What you did shows that you hold all of it[ (mastery {theta} or more)].",
    "note.untaught": "Nothing here teaches [{concepts} of its {of}|some of its] concepts.",
    "note.nothing_left": "There is nothing in it that you could do and that would gain you more.",
    "note.again.video": "What you watched already comes again where your answers were not right"
    " yet, or nothing else teaches it.",
    "note.again.text": "What you read already comes again where your answers were not right yet, or"
    " nothing else teaches it.",
    "note.again.exercise": "What you answered already comes again where that was not right yet, or"
    " there is nothing else on it.",
    "note.again.mixed": "What you did already comes again where your answers were not right yet, or"
    " there is nothing else on it.",
    "note.gaps.video": "It also builds on {names}, for which no video is known.",
    "note.gaps.text": "It also builds on {names}, for which no text is known.",
    "note.gaps.exercise": "It also builds on {names}, for which no exercise is known.",
    "note.gaps.mixed": "It also builds on {names}, for which nothing to open is known.",
    "kinds.video": "videos",
    "kinds.text": "texts",
    "kinds.exercise": "exercises",
    "list.comma": ", ",
    "list.and": "{names} and {last}",
    "list.or": "{names} or {last}",
    "list.more": "{names} and others",
    "stopped.length": "The plan goes no further than asked for.",
    "stopped.usual": "It is the beginning; what follows is planned when this is done.",
    "stopped.minutes": "The time is filled.",
    "stopped.gain": "What is left gains little for its time.",
    "stopped.end": "Behind this nothing is left to do.",
    "note.empty_course": "Course {course_id} has no concepts in the graph, so there is nothing to"
    " plan.",
    "note.mastered": "You have mastered every concept of this course; these steps are a review.",
    "note.passed_over": "[{concepts}|Some] of the course's concepts are passed over, as you said.",
    "note.short": "The course and what it builds on give [{steps} of the {length} steps|fewer"
    " steps than] asked for.",
    "note.short_towards": "{name} and what leads to it give [{steps} of the {length} steps|fewer"
    " steps than] asked for.",
    "note.limited": "With what is left out, and within the time, there are [{steps} of the"
    " {length} steps|fewer steps than] asked for.",
    "note.over_time": "What you asked for takes {minutes} min, more than the {asked} min that you"
    " have.",
    "note.assumed_length.video": "The length of the video is not known for [{steps}|some] of these"
    " steps; each is counted as {minutes:z.1f} min, the mean of all.",
    "note.assumed_length.mixed": "How long it takes is not known for [{steps}|some] of these steps;"
    " each is counted as the mean of its kind, or of all.",
    "note.provisional": "New in the graph: {names}. How close it is to the rest is estimated from"
    " its neighbours until the model is renewed.",
    "why.order": "the course's own order decides while nothing is known of you",
    "why.next": "the course has it next",
    "why.practice": "it takes the fewest right answers in a row, with those on what it builds on",
    "why.foundation": "what is planned behind it builds on it",
    "why.pinned": "it was asked for, and what is asked for comes first",
    "why.target": "the path leads towards it",
    "why.retry": "it is what was answered last, and that was not right yet",
    "why.score": "[the largest similarity + 1 - mastery among the prerequisites left:"
    " {figure:z.2f}|of the prerequisites left the most alike and least mastered, both together]",
    "not.lower": "[{figure} < {best}|less than the one chosen]",
    "not.tie": "[{figure}, ]as much as the one chosen, which is listed first",
    "not.not_pinned": "what is asked for comes first",
    "not.not_retried": "what was just not answered right comes first",
    "not.not_sooner": "it takes as many right answers in a row, or more, or what fails again and"
    " again is set aside",
    "not.not_next": "what the course has next comes first",
    "not.excluded": "skip: excluded",
    "not.mastered": "skip: [mastery {mastery} >= {threshold}|mastered]",
    "not.learned": "skip: already learned",
    "not.too_long": "skip: {minutes} min > {left} min left",
    "not.no_room": "skip: the steps left are kept for what was asked for",
    "not.ended": "the walk back ends here",
    "change.raise": "With a mastery of {name} [above {threshold} (now {mastery})|high enough],"
    " {other} would be chosen.",
    "change.lower": "With a mastery of {name} [below {threshold} (now {mastery})|low enough], it"
    " would be chosen.",
    "change.skip": "With a mastery of {name} [of {threshold} or more (now {mastery})|high enough],"
    " it would be left out.",
    "change.include": "Not excluded, {name} would be chosen.",
    "change.shown": "Once what you do shows [a mastery of {name} of {threshold:zg} or more|that"
    " you hold {name}], it is left out.",
    "holds.high": "You probably hold {name}[ (mastery {mastery:z.2f})]",
    "holds.middle": "Whether you hold {name} is open[ (mastery {mastery:z.2f})]",
    "holds.low": "You probably do not hold {name} yet[ (mastery {mastery:z.2f})]",
    "holds.not_told_apart": "What you did covers {name} only together with another concept, so that"
    " it may be either that you hold[ (about {mastery:z.2f})]",
    "holds.too_little": "There is too little evidence to say whether you hold {name}",
    "holds.as_much": "What you did speaks as much for {name} as against it, so that nothing can be"
    " said yet",
    "rests.nothing": "{holds}: nothing is known of you that is on it.",
    "rests.untold": "{holds}. Which of what you did that rests on cannot be told: the model is not"
    " of the records in use.",
    "rests.hardly": "{holds}: what is known of you hardly moves it.",
    "rests.beside": "{holds}. That rests on what you did on other concepts, which items on both"
    " join to it.",
    "engaged.likely": "You will probably watch the next video to its end[ (chance {chance:z.2f})].",
    "engaged.open": "You may or may not watch the next video to its end[ (chance {chance:z.2f})].",
    "engaged.unlikely": "You will probably not watch the next video to its end"
    "[ (chance {chance:z.2f})].",
    "engaged.rests": "[You finished {finished} of your last {of} videos, and {views} views are"
    " known. ]What counts most is {what}.",
    "engaged.watched": "how much of earlier videos you watched",
    "engaged.times": "how long your breaks between videos are",
    "engaged.video": "the length of the next video and its place in the course",
    "engaged.few_views": "Too few of your views tell how much you watched for anything to be said"
    " of the next video yet[ ({views} so far; it takes {needed})].",
    "engaged.no_model": "Nothing is said of the next video: too few views here tell how much was"
    " watched, or nothing has been fitted to them yet.",
    "place.why": "The answer is expected to say most about {goal}[ ({bits:z.2f} bits)].",
    "place.why_also": "The answer is expected to say most about {goal}[ ({bits:z.2f} bits)]: also"
    " about {names}.",
    "place.settled": "No further answer would change how your plan begins.",
    "place.enough": "That is enough: as many questions were asked as may be.",
    "place.nothing_left": "There is nothing left to ask that would say more.",
    "rests.carried": "{holds}. That follows from what you answered on what needs it, or on what it"
    " needs.",
    "rests.prior": "{told} Much the same is assumed of everyone[ ({prior:z.2f})].",
    "rests.up": "{holds}. For it speaks that {what}.",
    "rests.down": "{holds}. Against it speaks that {what}.",
    "rests.up_down": "{holds}. For it speaks that {up}; against it, that {down}.",
    "rests.down_up": "{holds}. Against it speaks that {down}; for it, that {up}.",
    "moved.one": "{did}[ ({moved:+z.2f})]",
    "moved.one_more": "{did}, and one more that says the same[ ({together:+z.2f} together)]",
    "moved.more": "{did}, and [{n}|several] more that say the same[ ({together:+z.2f} together)]",
    "did.it.watched": "you watched “{title}”",
    "did.it.watched_part": "you watched part of “{title}”",
    "did.it.read": "you read “{title}”",
    "did.it.read_part": "you read part of “{title}”",
    "did.it.answered_right": "you answered “{title}” right",
    "did.it.answered_partly": "you answered “{title}” partly right",
    "did.it.answered_wrong": "you have not answered “{title}” right yet",
    "did.it.opened": "you opened “{title}” and went no further",
    "did.it.not_opened": "you have not opened “{title}”",
    "did.it.said_known": "you said that you know it",
    "did.it.said_unsure": "you were not sure whether you know it",
    "did.it.said_unknown": "you said that you do not know it",
    "rank.none": "Nothing tells it from the others: it stands where the course has it.",
    "rank.both": "{course}, and {followed}.",
    "rank.markov": "Behind {last}, which you opened last, {followed}.",
    "rank.in_course": "{course}.",
    "rank.item_cf": "{together}.",
    "rank.popular": "Of what there is to choose from, learners opened this most[ ({n} of them)].",
    "rank.popular_new": "Nothing that you opened is known yet; of what there is to choose from,"
    " learners opened this most[ ({n} of them)].",
    "rank.opened": "[{n}|Some] learners opened it.",
    "rank.opened.one": "One learner opened it.",
    "rank.progress": "You are on the way through it.",
    "rank.pre": "Other topics build on what it teaches, and you may not hold that yet.",
    "rank.begun": "{why} You began it[ ({percent})].",
    "rank.answered": "{why} You answered it partly right[ ({percent})].",
    "rank.followed.most": "most learners went on to it[ ({steps} of {of} views)]",
    "rank.followed.many": "many learners went on to it[ ({steps} of {of} views)]",
    "rank.followed.some": "some learners went on to it[ ({steps} of {of} views)]",
    "rank.together.most": "Most learners who opened {title} opened it, too[ ({both} of {of})]",
    "rank.together.many": "Many learners who opened {title} opened it, too[ ({both} of {of})]",
    "rank.together.some": "Some learners who opened {title} opened it, too[ ({both} of {of})]",
    "rank.followed.one": "one learner went on to it",
    "rank.together.one": "One learner who opened {title} opened it, too",
    "rank.course.next": "In {course} it comes next, behind {last}",
    "rank.course.soon": "In {course} it comes soon, behind {last}",
    "rank.course.later": "In {course} it comes later, behind {last}",
    "rank.course.left_out": "In {course} you went past it, before {last}",
    "note.nothing_on.course": "Nothing to open on {name} is known; {course} has it.",
    "note.nothing_on": "Nothing to open on {name} is known, and no course has it.",
    "note.nothing_in": "Nothing to open in {course} is known to be on a concept.",
    "note.nothing_left_on": "You are through all that there is to open here.",
    "rank.title": "“{title}”",
    "rank.one.video": "a video",
    "rank.one.text": "a text",
    "rank.one.exercise": "an exercise",
}

CHINESE = {
    "knowledge.no_evidence": "目前没有记录能说明你是否掌握[（暂按{mastery:z.2f}估计）]",
    "knowledge.not_told_apart.video": "你看过的视频总把它和另一个概念放在一起讲"
    "[（约{mastery:z.2f}）]",
    "knowledge.not_told_apart.mixed": "你的{kinds}总把它和另一个概念放在一起[（约{mastery:z.2f}）]",
    "knowledge.weak_evidence": "你的学习记录几乎看不出你是否掌握[（约{mastery:z.2f}）]",
    "knowledge.high": "你很可能已经掌握，只需快速复习[（掌握度{mastery:z.2f}）]",
    "knowledge.middle": "你可能掌握了一部分[（掌握度{mastery:z.2f}）]",
    "knowledge.low": "你很可能还没有掌握[（掌握度{mastery:z.2f}）]",
    "interest.none": "你还没有学过与它相近的内容",
    "interest.little": "你看过少量与它相近的内容[（偏好度{preference:z.2f}）]",
    "interest.much": "你看过许多与它相近的内容[（偏好度{preference:z.2f}）]",
    "interest.little_learned": "你学过少量与它相近的内容[（偏好度{preference:z.2f}）]",
    "interest.much_learned": "你学过许多与它相近的内容[（偏好度{preference:z.2f}）]",
    "interest.enrolled": "你选修的课程中有与它相近的内容[（偏好度{preference:z.2f}）]",
    "review": "你上次学习{name}是在{ago}[，现在还记得的概率为{recall:z.2f}]，看看这里就能记起。",
    "review.too": "它也能帮你记起{names}。",
    "review.none": "你已掌握的内容目前都不需要复习。",
    "review.no_room": "有内容需要复习，但在这段时间内安排不下。",
    "ago.today": "今天",
    "ago.day": "一天前",
    "ago.days": "{n} 天前",
    "ago.weeks": "{n} 周前",
    "ago.months": "{n} 个月前",
    "ago.years": "{n} 年前",
    "start": "{interest}，{knowledge}。",
    "start.target": "你的目标是{name}；{knowledge}。",
    "start.pinned": "你指定要学{name}；{knowledge}。",
    "prerequisite": "学习{later}之前先学{name}[（相似度{similarity:z.2f}）]，{knowledge}。",
    "do": "{why}{known}[掌握度{mastery:z.2f}，预计达到{expected:z.2f}。]",
    "do.goal": "按所花时间的收获和在课程中的位置，接下来学{name}。",
    "do.gain": "按所花时间的收获，接下来学{name}。",
    "do.next": "在课程中，{name}紧接在你目前的位置之后。",
    "do.stopped": "你上次在课程中停在{name}。",
    "do.left": "在课程中你跳过的内容里，接下来是{name}。",
    "do.order": "课程接着讲{name}。",
    "do.order_first": "课程从{name}开始。",
    "do.asked": "你指定要学{name}。",
    "do.before": "{later}以{name}为基础。",
    "do.practice": "在余下的内容中，{name}连同它的基础所需的连续答对次数最少。",
    "do.before_again": "{later}以{name}为基础，而你最近在{later}上的作答都还不正确。",
    "do.retry": "你最近作答的正是{name}。",
    "did.nothing.video": "你还没有打开过讲解它的视频。",
    "did.nothing.text": "你还没有打开过讲解它的阅读材料。",
    "did.nothing.exercise": "你还没有做过考查它的练习。",
    "did.nothing.mixed": "你还没有打开过与它有关的内容。",
    "did.opened.video": "你开始看过一个讲解它的视频。",
    "did.opened.text": "你开始读过一份讲解它的阅读材料。",
    "did.shown": "你{done}，但还不能说明你已掌握。",
    "done.video.one": "看过一个讲解它的视频",
    "done.video": "看过[{n}|多]个讲解它的视频",
    "done.text.one": "读过一份讲解它的阅读材料",
    "done.text": "读过[{n}|多]份讲解它的阅读材料",
    "done.exercise.one": "做对一道考查它的练习",
    "done.exercise": "做对[{n}|多]道考查它的练习",
    "did.right": "你在它上面作答正确，但还不能说明你已掌握。",
    "did.held": "你的学习表明你已掌握它。",
    "did.partly": "你在它上面的作答部分正确[（得分{score:z.2f}）]，但还不能说明你已掌握。",
    "did.not_yet": "{answers}，因此先换一种方式学习。",
    "did.not_yet_again": "{answers}，因此再学一次。",
    "answers.one": "你在它上面的作答还不正确[（得分{score:z.2f}）]",
    "answers.none": "你在它上面的作答都还不正确[（最高得分{score:z.2f}）]",
    "answers.some": "你在它上面的作答并不全对",
    "note.unknown_learner": "数据中没有这名学习者：这是为新学习者制定的计划。",
    "note.nothing_yet": "目前还没有你的{did}记录。",
    "did.video": "观看",
    "did.text": "阅读",
    "did.exercise": "作答",
    "note.in_order": "按课程自身的顺序排列，所需的先修内容排在前面。",
    "note.may_skip": "{titles}是课程接下来的内容，但你的学习表明已掌握其中的概念，可以跳过。",
    "note.left_out": "课程中有[{concepts}个|一些]概念不再列入：你的学习表明已掌握"
    "[（掌握度达{theta}）]。",
    "note.all_mastered": "你的学习表明你已全部掌握[（掌握度{theta}及以上）]。",
    "note.untaught": "[其{of}个概念中有{concepts}个|其中有些概念]在这里没有讲解的内容。",
    "note.nothing_left": "其中没有可以继续学习且仍有收获的内容。",
    "note.again.video": "作答还不正确，或没有其他资源时，看过的视频会再次出现。",
    "note.again.text": "作答还不正确，或没有其他资源时，读过的材料会再次出现。",
    "note.again.exercise": "作答还不正确，或没有其他资源时，做过的练习会再次出现。",
    "note.again.mixed": "作答还不正确，或没有其他资源时，学过的内容会再次出现。",
    "note.gaps.video": "它还以{names}为基础，但没有已知的视频。",
    "note.gaps.text": "它还以{names}为基础，但没有已知的阅读材料。",
    "note.gaps.exercise": "它还以{names}为基础，但没有已知的练习。",
    "note.gaps.mixed": "它还以{names}为基础，但没有已知的学习内容。",
    "kinds.video": "视频",
    "kinds.text": "阅读材料",
    "kinds.exercise": "练习",
    "list.comma": "、",
    "list.and": "{names}和{last}",
    "list.or": "{names}或{last}",
    "list.more": "{names}等",
    "stopped.length": "计划不超过所要求的长度。",
    "stopped.usual": "这是开头部分；完成后再计划后面的内容。",
    "stopped.minutes": "时间已排满。",
    "stopped.gain": "余下的内容在所花时间内收获很小。",
    "stopped.end": "此后没有其他内容了。",
    "note.empty_course": "课程{course_id}在图谱中没有概念，因此无法规划。",
    "note.mastered": "你已掌握本课程的全部概念；以下步骤仅作复习。",
    "note.passed_over": "按你的意愿，本课程有[{concepts}个|一些]概念不列入路径。",
    "note.short": "本课程及其先修概念"
    "[只能给出所要求{length}步中的{steps}步|给出的步数少于所要求的]。",
    "note.short_towards": "{name}及其先修概念"
    "[只能给出所要求{length}步中的{steps}步|给出的步数少于所要求的]。",
    "note.limited": "去掉要跳过的概念，并在限定时间之内，"
    "[只能给出所要求{length}步中的{steps}步|步数少于所要求的]。",
    "note.over_time": "你指定的内容需要{minutes}分钟，超过你的{asked}分钟。",
    "note.assumed_length.video": "其中[{steps}步|有些步]的视频时长未知；"
    "每步按平均值{minutes:z.1f}分钟计算。",
    "note.assumed_length.mixed": "其中[{steps}步|有些步]的时长未知；"
    "每步按同类或全部内容的平均值计算。",
    "note.provisional": "图谱中新增：{names}。在模型更新之前，它与其他概念的相似度由相邻概念估计。",
    "why.order": "尚无你的学习记录，因此按课程自身的顺序",
    "why.next": "课程接下来讲它",
    "why.practice": "它连同它的基础所需的连续答对次数最少",
    "why.foundation": "后面的内容以它为基础",
    "why.pinned": "这是你指定的概念，指定的概念排在最前",
    "why.target": "这是路径的目标",
    "why.retry": "这是最近作答而尚未答对的内容",
    "why.score": "余下的先修概念中[“相似度 + 1 - 掌握度”最大：{figure:z.2f}|最相近且掌握最少]",
    "not.lower": "[{figure} < {best}|低于选中的概念]",
    "not.tie": "[{figure}，]与选中的概念相同，而后者排在前面",
    "not.not_pinned": "指定的概念排在最前",
    "not.not_retried": "刚刚没有答对的概念排在最前",
    "not.not_sooner": "它所需的连续答对次数不少于选中的概念，或因反复答错而暂缓",
    "not.not_next": "课程中紧接着的内容排在最前",
    "not.excluded": "跳过：已被排除",
    "not.mastered": "跳过：[掌握度 {mastery} >= {threshold}|已掌握]",
    "not.learned": "跳过：已经学过",
    "not.too_long": "跳过：{minutes}分钟 > 剩余{left}分钟",
    "not.no_room": "跳过：余下的步数留给指定的概念",
    "not.ended": "回溯到此为止",
    "change.raise": "若{name}的掌握度[高于{threshold}（现为{mastery}）|足够高]，则会选{other}。",
    "change.lower": "若{name}的掌握度[低于{threshold}（现为{mastery}）|足够低]，则会选它。",
    "change.skip": "若{name}的掌握度[达到{threshold}（现为{mastery}）|足够高]，则会跳过它。",
    "change.include": "若不排除{name}，则会选它。",
    "change.shown": "一旦你的学习表明"
    "[{name}的掌握度达到{threshold:zg}|已掌握{name}]，它就不再列入。",
    "holds.high": "你很可能已经掌握{name}[（掌握度{mastery:z.2f}）]",
    "holds.middle": "你是否掌握{name}尚不确定[（掌握度{mastery:z.2f}）]",
    "holds.low": "你很可能还没有掌握{name}[（掌握度{mastery:z.2f}）]",
    "holds.not_told_apart": "你的学习记录总把{name}和另一个概念放在一起，"
    "因此无法区分你掌握的是哪一个[（约{mastery:z.2f}）]",
    "holds.too_little": "证据太少，无法说明你是否掌握{name}",
    "holds.as_much": "你的学习记录对{name}既有支持也有反对，且大致相当，因此尚无法下结论",
    "rests.nothing": "{holds}：没有与它直接有关的学习记录。",
    "rests.untold": "{holds}。无法说明这以哪些学习记录为依据：模型与现用的记录不一致。",
    "rests.hardly": "{holds}：你的学习记录对它几乎没有影响。",
    "rests.beside": "{holds}。这主要以其他概念的学习记录为依据，有些资源同时讲解二者。",
    "engaged.likely": "你很可能会看完下一个视频[（概率{chance:z.2f}）]。",
    "engaged.open": "你不一定会看完下一个视频[（概率{chance:z.2f}）]。",
    "engaged.unlikely": "你很可能不会看完下一个视频[（概率{chance:z.2f}）]。",
    "engaged.rests": "[最近{of}个视频中你看完了{finished}个，共有{views}次观看记录。]"
    "影响最大的是{what}。",
    "engaged.watched": "你以往的视频看了多少",
    "engaged.times": "你两次观看之间隔了多久",
    "engaged.video": "下一个视频的长度和它在课程中的位置",
    "engaged.few_views": "记录了看了多少的观看还太少，暂时无法判断下一个视频"
    "[（有{views}次，至少需要{needed}次）]。",
    "engaged.no_model": "无法判断下一个视频：这里记录了看了多少的观看太少，"
    "或者还没有据此拟合模型。",
    "place.why": "预计这个回答最能说明你对{goal}的掌握情况[（{bits:z.2f}比特）]。",
    "place.why_also": "预计这个回答最能说明你对{goal}的掌握情况[（{bits:z.2f}比特）]，"
    "也能反映{names}。",
    "place.settled": "再多的回答也不会改变计划的开头。",
    "place.enough": "问题已达到上限，可以开始了。",
    "place.nothing_left": "没有更能说明情况的问题了。",
    "rests.carried": "{holds}。这是根据你对以它为基础的概念或它所需概念的回答推断的。",
    "rests.prior": "{told}这与对所有人的估计相近[（{prior:z.2f}）]。",
    "rests.up": "{holds}。支持的依据：{what}。",
    "rests.down": "{holds}。反对的依据：{what}。",
    "rests.up_down": "{holds}。支持的依据：{up}；反对的依据：{down}。",
    "rests.down_up": "{holds}。反对的依据：{down}；支持的依据：{up}。",
    "moved.one": "{did}[（{moved:+z.2f}）]",
    "moved.one_more": "{did}，另有一项一致的记录[（合计{together:+z.2f}）]",
    "moved.more": "{did}，另有[{n}项|其他]一致的记录[（合计{together:+z.2f}）]",
    "did.it.watched": "你看过“{title}”",
    "did.it.watched_part": "你看过“{title}”的一部分",
    "did.it.read": "你读过“{title}”",
    "did.it.read_part": "你读过“{title}”的一部分",
    "did.it.answered_right": "你答对了“{title}”",
    "did.it.answered_partly": "你部分答对了“{title}”",
    "did.it.answered_wrong": "你还没有答对“{title}”",
    "did.it.opened": "你打开过“{title}”，但没有继续",
    "did.it.not_opened": "你还没有打开“{title}”",
    "did.it.said_known": "你表示已经掌握它",
    "did.it.said_unsure": "你不确定自己是否掌握它",
    "did.it.said_unknown": "你表示还没有掌握它",
    "rank.none": "没有依据把它和其他资源区分开：按课程的顺序排列。",
    "rank.both": "{course}，而且{followed}。",
    "rank.markov": "{last}是你最近打开的内容，在它之后{followed}。",
    "rank.in_course": "{course}。",
    "rank.item_cf": "{together}。",
    "rank.popular": "在可选的资源中，打开过它的学习者最多[（{n}人）]。",
    "rank.popular_new": "目前还没有你的学习记录；在可选的资源中，打开过它的学习者最多[（{n}人）]。",
    "rank.opened": "有[{n}名|一些]学习者打开过它。",
    "rank.opened.one": "有一名学习者打开过它。",
    "rank.progress": "你已经学了一部分。",
    "rank.pre": "其他内容以它所讲的为基础，而你可能还没有掌握。",
    "rank.begun": "{why}你已经开始学它[（{percent}）]。",
    "rank.answered": "{why}你的作答部分正确[（{percent}）]。",
    "rank.followed.most": "多数学习者接着学它[（{of}次中有{steps}次）]",
    "rank.followed.many": "许多学习者接着学它[（{of}次中有{steps}次）]",
    "rank.followed.some": "有些学习者接着学它[（{of}次中有{steps}次）]",
    "rank.together.most": "打开过{title}的学习者多数也打开过它[（{of}人中有{both}人）]",
    "rank.together.many": "打开过{title}的学习者许多也打开过它[（{of}人中有{both}人）]",
    "rank.together.some": "打开过{title}的学习者有些也打开过它[（{of}人中有{both}人）]",
    "rank.followed.one": "有一名学习者接着学它",
    "rank.together.one": "打开过{title}的学习者中有一人也打开过它",
    "rank.course.next": "在《{course}》中，它紧接在{last}之后",
    "rank.course.soon": "在《{course}》中，它在{last}之后不远",
    "rank.course.later": "在《{course}》中，它在{last}之后的后面部分",
    "rank.course.left_out": "在《{course}》中，它在{last}之前，你还没有学",
    "note.nothing_on.course": "没有与{name}有关的已知内容；课程《{course}》包含它。",
    "note.nothing_on": "没有与{name}有关的已知内容，也没有课程包含它。",
    "note.nothing_in": "课程《{course}》中没有已知与概念有关的内容。",
    "note.nothing_left_on": "这里的内容你都已经学过了。",
    "rank.title": "“{title}”",
    "rank.one.video": "一个视频",
    "rank.one.text": "一份阅读材料",
    "rank.one.exercise": "一道练习",
}

MOST_PLACES = 10  # of a figure that is to differ from another
TEXTS: dict[Language, dict[str, str]] = {"en": ENGLISH, "zh": CHINESE}
PART = re.compile(r"\[([^]|]*)\|?([^]]*)\]")


class Manner(Protocol):
    """How to speak; a `PlanOptions`."""

    @property
    def language(self) -> Language:
        """Of the sentences."""
        ...

    @property
    def detail(self) -> Detail:
        """Whether sentences hold figures."""
        ...


def say(manner: Manner, sentence: str, **values: str | float | None) -> str:
    """One sentence, in the language and detail asked for, with its values filled in.

    >>> from kgplan.planning.options import PlanOptions
    >>> say(PlanOptions(detail="numbers"), "not.mastered", mastery="0.91", threshold="0.90")
    'skip: mastery 0.91 >= 0.90'
    >>> say(PlanOptions(), "not.mastered", mastery="0.91", threshold="0.90")
    'skip: mastered'
    """
    return fill(TEXTS[manner.language][sentence], manner.detail, **values)


def fill(sentence: str, detail: Detail, **values: str | float | None) -> str:
    """A sentence with its values filled in.

    Args:
        sentence: of its parts in square brackets what stands before a bar is said in numbers only,
            and what stands behind it in words only.
        detail: which of them.

    >>> fill("You watched [{n}|some] videos[ ({m} min)].", "words", n=3, m=20)
    'You watched some videos.'
    """
    kept = r"\1" if detail == "numbers" else r"\2"
    return PART.sub(kept, sentence).format(**values)


def apart(figure: float, other: float, places: int = 2) -> tuple[str, str]:
    """Two figures with as many places as they need to differ, and so many at least.

    >>> apart(0.6912, 0.6948), apart(0.5, 0.25), apart(0.5, 0.5)
    (('0.691', '0.695'), ('0.50', '0.25'), ('0.50', '0.50'))
    """
    for more in range(places, MOST_PLACES):
        texts = f"{figure:z.{more}f}", f"{other:z.{more}f}"
        if texts[0] != texts[1]:
            return texts
    return f"{figure:z.{places}f}", f"{other:z.{places}f}"


def listed(manner: Manner, parts: Sequence[str], joined: Literal["and", "or"]) -> str:
    """Several parts of a sentence as one.

    >>> from kgplan.planning.options import PlanOptions
    >>> listed(PlanOptions(), ["videos", "texts", "exercises"], "and")
    'videos, texts and exercises'
    """
    *first, last = parts
    if not first:
        return last
    return say(manner, f"list.{joined}", names=say(manner, "list.comma").join(first), last=last)


def kinds_of(manner: Manner, kinds: Iterable[str]) -> str:
    """Items of these kinds, in the order of `KINDS`.

    >>> from kgplan.planning.options import PlanOptions
    >>> kinds_of(PlanOptions(), {"text", "video"})
    'videos and texts'
    """
    among = set(kinds)
    return listed(manner, [say(manner, f"kinds.{k}") for k in IN_ORDER if k in among], "and")


def one_kind(kinds: Iterable[str]) -> str:
    """The kind of items that are all of one; "mixed" of others.

    >>> one_kind(["text", "text"]), one_kind(["text", "video"])
    ('text', 'mixed')
    """
    found = set(kinds)
    return found.pop() if len(found) == 1 else "mixed"


def level_of(mastery: float) -> str:
    """Whether a concept is probably held, open, or probably not.

    >>> level_of(0.7), level_of(0.4), level_of(0.3)
    ('high', 'middle', 'low')
    """
    return "high" if mastery >= 0.7 else "middle" if mastery >= 0.4 else "low"


def knowledge(manner: Manner, mastery: float, doubt: str | None, kinds: Sequence[str]) -> str:
    """Say what a mastery means.

    Args:
        manner: of the sentence.
        mastery: probability that the learner holds the concept.
        doubt: why it is not the learner's own, as in `Step.doubt`; else None.
        kinds: of the items on it that are observed.

    >>> from kgplan.planning.options import PlanOptions
    >>> knowledge(PlanOptions(), 0.5, "weak_evidence", [])
    'what you did hardly shows whether you know it'
    """
    level = doubt or level_of(mastery)
    told = None
    if doubt == "not_told_apart":
        level += ".video" if one_kind(kinds) == "video" else ".mixed"
        told = kinds_of(manner, kinds)
    return say(manner, f"knowledge.{level}", mastery=mastery, kinds=told)


def interest(manner: Manner, preference: float, watched: float, only_watched: bool) -> str:
    """Say what a preference means.

    Args:
        manner: of the sentence.
        preference: S_P of eq. (12).
        watched: the same by what was watched, read and answered right alone: enrolment counts as
            learning where no item of a course has concepts.
        only_watched: whether all of that are videos.

    >>> from kgplan.planning.options import PlanOptions
    >>> interest(PlanOptions(detail="numbers"), 0.8, 0.6, True)
    'You watched much that is close to it (preference 0.80)'
    """
    level = "little" if watched < MUCH else "much"
    if not only_watched:
        level += "_learned"
    if watched == 0:
        level = "enrolled" if preference > 0 else "none"
    return say(manner, f"interest.{level}", preference=preference)
