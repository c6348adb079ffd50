import type { Schemas } from "../api/client";
import { dictionary, number } from "../i18n";

type Change = Schemas["ChangeOut"];
type Limit = Change["limit"];
export type Kind = Change["kind"];
/** What somebody decides about one plan. */
export type Decided = Schemas["OverrideIn"]["kind"];

/** What a change was about, in names. */
export interface About {
  /** The step that it was made to. */
  step: string;
  before: string;
  after: string;
  /** It takes back what its rule did before. */
  ends: boolean;
}

const percent = (share: number) => `${number(share * 100)} %`;
const whole = (text: string) => number(Number(text));
const share = (text: string) => percent(Number(text));
const listed = (names: string[]) =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}`;
const learners = (n: number) => (n === 1 ? "1 learner" : `${number(n)} learners`);

const en = {
  // --- the class
  class: "Class",
  classKind: "Class",
  classLead:
    "Who is at work here on a plan that adjusts itself: how far, in which state, and who needs help.",
  toCourse: "Course map",
  backToClass: "Back to the class",
  noToken:
    "This page is for teachers of the course. It needs a token with the scope teach, which reaches this course.",
  nobody:
    "Nobody has begun yet. A plan adjusts itself once a learner keeps it: on the learner's page, choose this course, then “Keep this plan and let it adjust”.",
  noLooks:
    "No plan was looked at yet, so nothing is known of lags and states. The service looks where KGPLAN_ADJUST is set (KGPLAN_ADJUST=60: every minute), or `kgplan adjust tick` does.",
  tooFew: (n: number) =>
    `Figures of the class are told from 5 learners on; here ${n === 1 ? "is 1" : `are ${n}`}.`,
  figures: {
    done: "done on average",
    lagging: "behind",
    strained: "find it hard",
    stuck: "stuck",
    silent: "silent for 7 days",
  },
  percent,
  tableTitle: "Learners",
  tableCaption: "Learners at work on a plan. The heads of columns sort.",
  columns: {
    learner: "Learner",
    done: "Done",
    lag: "Pace",
    state: "State",
    active: "Last active",
    changes: "Changes in 7 days",
  },
  lag: (lag: number | null) =>
    lag === null
      ? "not known"
      : lag >= 0.005
        ? `${percent(lag)} behind`
        : lag <= -0.005
          ? `${percent(-lag)} ahead`
          : "on time",
  states: {
    lagging: "behind",
    strained: "finds it hard",
    stuck: "stuck",
    ahead: "ahead",
  } as Partial<Record<string, string>>,
  calm: "as planned",
  off: "switched off",
  never: "not yet seen",
  stuckTitle: "Who is stuck where",
  stuckLead: "The longest first.",
  noStuck: "Nobody finds a step hard right now.",
  stuckAt: (step: string, isStuck: boolean) =>
    isStuck ? `stuck on ${step}` : `finds ${step} hard`,
  lasted: (hours: number) =>
    hours < 1
      ? "for less than an hour"
      : hours < 48
        ? `for ${number(hours)} h`
        : `for ${number(hours / 24)} days`,
  conceptsTitle: "Concepts that many find hard",
  conceptsFew: "Told from 5 learners at work on.",
  noConcepts: "There is none.",
  learners,

  // --- a plan
  keep: "Keep this plan and let it adjust",
  keepLead:
    "The plan is made from what is known now and kept. While you work, it follows: where a step stays hard, what it builds on comes first; what you master already may be left out. Each change says why, and you can take it back or switch it off.",
  weekly: "Minutes a week (without, nobody counts as behind)",
  dateWanted: "To be done by",
  setDate: "Set the date",
  dateIs: (when: string) => `to be done by ${when}`,
  by: (when: string) => `by ${when}`,
  missed: (step: string | null, date: string, finish: string) =>
    `${step === null ? "The plan" : step} will not be done by ${date}, but about ${finish}.`,
  wouldGo: (steps: string[], minutes: number) =>
    `${number(minutes)} min are too many. Without ${listed(steps)} the date is kept.`,
  wouldNotDo: (steps: string[], minutes: number) =>
    steps.length === 0
      ? `${number(minutes)} min are too many, and nothing can be left out.`
      : `${number(minutes)} min are too many. To leave out ${listed(steps)} is not enough.`,
  mayNot: "Your token may look, but not begin a plan.",
  summary: (done: number, all: number) => `${number(done)} of ${number(all)} steps done`,
  weeklyIs: (minutes: number) => `${number(minutes)} min a week`,
  finish: (when: string) => `done about ${when}`,
  looked: (when: string) => `looked at ${when}`,
  nextLook: (when: string) => `next look ${when}`,
  notLooked:
    "Its look is overdue. The service looks where KGPLAN_ADJUST is set, or `kgplan adjust tick` does; until then the plan stays as it is.",
  live: "Follows by itself",
  polls: "Asks every 15 seconds",
  isOff: "Switched off: no rule changes this plan.",
  isFrozen: "Frozen by a teacher: rules only suggest.",
  switchOff: "Switch off",
  switchOn: "Let it adjust again",
  todo: "Things to do",
  noSteps: "There are no steps left in this plan.",
  next: "Next",
  at: (step: string) => `at work on ${step}`,
  done: "Done",
  optional: "May be left out",
  pinned: "Pinned",
  goal: "Goal",
  fresh: "New",
  decidedBadge: "Decided by a teacher",
  minutes: (minutes: number) => (minutes < 1 ? "less than 1 min" : `${number(minutes)} min`),
  item: (id: string) => `Item ${id}`,
  nothingOnIt: "Nothing to open on it is known.",
  exercises: (n: number) => (n === 1 ? "1 exercise" : `${number(n)} exercises`),

  // --- changes
  changes: "What changed, and why",
  noChanges: "Nothing has changed so far.",
  said: {
    insert: ({ step, after }) => `${after} comes first, before ${step}.`,
    swap: ({ step, before, after }) => `Another item on ${step}: ${after} in place of ${before}.`,
    optional: ({ step }) => `${step} may be left out.`,
    require: ({ step }) => `${step} is to be done again.`,
    offers: ({ before, after }) =>
      `${whole(after)} things are offered at a time, not ${whole(before)}.`,
    questions: ({ step, after, ends }) =>
      ends
        ? `Extra questions on ${step} end.`
        : `${whole(after)} questions on ${step} are offered.`,
    segments: ({ step, ends }) =>
      ends
        ? `Replayed parts on ${step} are no longer offered.`
        : `The replayed parts on ${step} are offered again.`,
    basic: ({ step, ends }) =>
      ends
        ? `The basic video on ${step} is no longer offered.`
        : `A more basic video on ${step} is offered.`,
    tasks: ({ before, after }) => `${whole(after)} tasks at a time, not ${whole(before)}.`,
    rest: ({ ends }) => (ends ? "The suggested rest ends." : "A rest is suggested."),
    hard: ({ before, after }) => `${share(after)} of offers are hard, not ${share(before)}.`,
    basics: ({ ends }) =>
      ends ? "Basics are no longer offered first." : "Basics are offered first.",
    support: ({ ends }) => (ends ? "Support is no longer offered." : "Support is offered."),
    alert: ({ step }) => (step ? `The teacher is told about ${step}.` : "The teacher is told."),
    pin: ({ step }) => `A teacher pinned ${step}.`,
    remove: ({ step }) => `A teacher took ${step} out.`,
    reorder: () => "A teacher put the steps in another order.",
    freeze: () => "A teacher froze the plan: rules only suggest.",
  } as Record<Kind, (about: About) => string>,
  putIn: (step: string, before: string) =>
    before
      ? `A teacher put ${step} in, before ${before}.`
      : `A teacher put ${step} in, at the end.`,
  because: {
    lagging: "Because less was done in 14 days than the week's minutes ask for.",
    strained: "Because many answers on it were wrong, or it was replayed a lot.",
    stuck: "Because it has stayed hard for several looks.",
    ahead: "Because answers show that it is mastered.",
    eased: "Because tiredness was reported.",
    stretched: "Because all was reported to go well.",
    helped: "Because confusion was reported.",
    support: "Because a low mood was reported.",
  } as Partial<Record<string, string>>,
  ended: "Because that is over.",
  given: (reason: string) => `Reason: ${reason}`,
  suggested: "Only suggested",
  limits: {
    "": "",
    overridden: "a teacher decided about this step",
    frozen: "the plan is frozen",
    playing: "the step is being worked on",
    a_day: "there was a change today",
    a_week: "there were three changes this week",
    reversal: "it would take back a change of the last day",
    again: "the rule acted within the hour",
  } satisfies Record<Limit, string>,
  undone: (when: string) => `Taken back ${when}`,
  holdsUntil: (when: string) => `Holds until ${when}`,
  accept: "Accept",
  acceptOf: (what: string) => `Accept: ${what}`,
  undo: "Undo",
  undoOf: (what: string) => `Undo: ${what}`,
  values: {
    value: "signal",
    done: "minutes done",
    due: "minutes due",
    answers: "answers",
    wrong: "wrong",
    replay: "times its length",
    back_seeks: "jumps back",
    risk: "risk",
    similarity: "similarity",
    mastery: "mastery",
    idle_days: "days idle",
    minutes: "minutes",
  } as Partial<Record<string, string>>,
  events: (n: number) => (n === 1 ? "from 1 event" : `from ${number(n)} events`),
  undoneNow: "It is taken back.",

  // --- a teacher's decisions
  before: "When it began",
  after: "Now",
  sameSteps: "The steps are those that it began with.",
  orderLost:
    "It was put in another order meanwhile; the steps on the left stand in the order of now.",
  goneMark: "taken out",
  editLead: "For 14 days rules only suggest where you decided. The learner can read your reason.",
  pin: "Pin",
  remove: "Remove",
  up: "Earlier",
  down: "Later",
  act: {
    pin: (name: string) => `Pin ${name}`,
    remove: (name: string) => `Remove ${name}`,
    insert: (name: string) => `Put ${name} in`,
    reorder: () => "Keep the new order",
    freeze: () => "Freeze the plan",
  } satisfies Record<Decided, (name: string) => string>,
  upOf: (name: string) => `${name}: earlier`,
  downOf: (name: string) => `${name}: later`,
  moved: (name: string, at: number, n: number) =>
    `${name} is step ${at} of ${n} now; not kept yet.`,
  draft: "The order is not kept yet.",
  keepOrder: "Keep this order",
  dropOrder: "As it was",
  freeze: "Freeze",
  insert: "Put a concept in",
  insertHint: "Concept of the course",
  insertHow: "Type a name. Arrows choose, Enter takes it, Escape closes.",
  insertNone: () => "No concept of the course that is not in the plan is called so.",
  insertBefore: "Before this step",
  insertEnd: "(at the end)",
  why: "Reason",
  cancel: "Cancel",
  decided: "It is done.",
  broken: (step: string, needs: string) =>
    `${step} builds on ${needs}, which now comes later or not at all.`,
};

const zh: typeof en = {
  class: "班级",
  classKind: "班级",
  classLead: "谁正在按自动调整的计划学习：进度如何，状态怎样，谁需要帮助。",
  toCourse: "课程图",
  backToClass: "返回班级",
  noToken: "此页面供本课程的教师使用，需要带有 teach 权限且包含本课程的令牌。",
  nobody:
    "还没有人开始。学习者保留计划后，计划才会自动调整：请在学习者页面选择本课程，再点“保留此计划并自动调整”。",
  noLooks:
    "还没有检查过任何计划，因此进度差和状态未知。设置 KGPLAN_ADJUST 后服务会定时检查（KGPLAN_ADJUST=60：每分钟一次），也可以运行 `kgplan adjust tick`。",
  tooFew: (n) => `至少 5 名学习者才显示班级统计；目前有 ${n} 名。`,
  figures: {
    done: "平均完成",
    lagging: "落后",
    strained: "感到困难",
    stuck: "卡住",
    silent: "7 天没有活动",
  },
  percent,
  tableTitle: "学习者",
  tableCaption: "正在按计划学习的人。点列名可排序。",
  columns: {
    learner: "学习者",
    done: "已完成",
    lag: "进度",
    state: "状态",
    active: "最近活动",
    changes: "7 天内的调整",
  },
  lag: (lag) =>
    lag === null
      ? "未知"
      : lag >= 0.005
        ? `落后 ${percent(lag)}`
        : lag <= -0.005
          ? `超前 ${percent(-lag)}`
          : "按时",
  states: { lagging: "落后", strained: "感到困难", stuck: "卡住", ahead: "超前" },
  calm: "按计划",
  off: "已关闭",
  never: "尚无活动",
  stuckTitle: "谁卡在哪里",
  stuckLead: "时间最长的在前。",
  noStuck: "目前没有人感到困难。",
  stuckAt: (step, isStuck) => (isStuck ? `卡在${step}` : `觉得${step}困难`),
  lasted: (hours) =>
    hours < 1
      ? "不到一小时"
      : hours < 48
        ? `已 ${number(hours)} 小时`
        : `已 ${number(hours / 24)} 天`,
  conceptsTitle: "许多人觉得困难的概念",
  conceptsFew: "至少 5 名学习者在学时才显示。",
  noConcepts: "没有。",
  learners: (n) => `${number(n)} 人`,

  keep: "保留此计划并自动调整",
  keepLead:
    "计划按目前所知制定并保留下来，随您的学习而调整：某一步一直困难时，先补它的基础；已经掌握的可以跳过。每次调整都说明原因，您可以撤销，也可以关闭。",
  weekly: "每周分钟数（不填则不计落后）",
  dateWanted: "完成日期",
  setDate: "设定日期",
  dateIs: (when) => `须在 ${when} 前完成`,
  by: (when) => `${when} 前`,
  missed: (step, date, finish) => `${step ?? "此计划"}在 ${date} 前无法完成，预计 ${finish} 完成。`,
  wouldGo: (steps, minutes) =>
    `多出 ${number(minutes)} 分钟。去掉${steps.join("、")}即可按时完成。`,
  wouldNotDo: (steps, minutes) =>
    steps.length === 0
      ? `多出 ${number(minutes)} 分钟，且没有可以去掉的步骤。`
      : `多出 ${number(minutes)} 分钟。即使去掉${steps.join("、")}也不够。`,
  mayNot: "您的令牌只能查看，不能开始计划。",
  summary: (done, all) => `已完成 ${number(done)} / ${number(all)} 步`,
  weeklyIs: (minutes) => `每周 ${number(minutes)} 分钟`,
  finish: (when) => `预计 ${when} 完成`,
  looked: (when) => `上次检查 ${when}`,
  nextLook: (when) => `下次检查 ${when}`,
  notLooked:
    "检查已逾期。设置 KGPLAN_ADJUST 后服务会定时检查，也可以运行 `kgplan adjust tick`；在此之前计划保持不变。",
  live: "自动更新",
  polls: "每 15 秒更新",
  isOff: "已关闭：规则不再改动此计划。",
  isFrozen: "教师已冻结：规则只提建议。",
  switchOff: "关闭自动调整",
  switchOn: "重新自动调整",
  todo: "要做的事",
  noSteps: "此计划已没有步骤。",
  next: "接下来",
  at: (step) => `正在学${step}`,
  done: "完成",
  optional: "可以跳过",
  pinned: "固定",
  goal: "目标",
  fresh: "新增",
  decidedBadge: "教师决定",
  minutes: (minutes) => (minutes < 1 ? "不到 1 分钟" : `${number(minutes)} 分钟`),
  item: (id) => `内容 ${id}`,
  nothingOnIt: "没有已知的内容可以打开。",
  exercises: (n) => `${number(n)} 道练习`,

  changes: "改了什么，为什么",
  noChanges: "目前没有任何改动。",
  said: {
    insert: ({ step, after }) => `先学${after}，再学${step}。`,
    swap: ({ step, before, after }) => `${step}换了内容：${after}代替${before}。`,
    optional: ({ step }) => `${step}可以跳过。`,
    require: ({ step }) => `${step}重新需要完成。`,
    offers: ({ before, after }) => `每次推荐 ${whole(after)} 项，原为 ${whole(before)} 项。`,
    questions: ({ step, after, ends }) =>
      ends ? `${step}的附加题目结束。` : `推荐 ${whole(after)} 道关于${step}的题目。`,
    segments: ({ step, ends }) =>
      ends ? `不再推荐${step}的重播片段。` : `再次推荐${step}中反复观看的片段。`,
    basic: ({ step, ends }) =>
      ends ? `不再推荐${step}的基础视频。` : `推荐一个更基础的${step}视频。`,
    tasks: ({ before, after }) => `每次 ${whole(after)} 项任务，原为 ${whole(before)} 项。`,
    rest: ({ ends }) => (ends ? "休息建议结束。" : "建议休息一下。"),
    hard: ({ before, after }) => `${share(after)} 的推荐较难，原为 ${share(before)}。`,
    basics: ({ ends }) => (ends ? "不再优先推荐基础内容。" : "优先推荐基础内容。"),
    support: ({ ends }) => (ends ? "不再提供支持。" : "提供支持。"),
    alert: ({ step }) => (step ? `已告知教师：${step}。` : "已告知教师。"),
    pin: ({ step }) => `教师固定了${step}。`,
    remove: ({ step }) => `教师去掉了${step}。`,
    reorder: () => "教师调整了步骤顺序。",
    freeze: () => "教师冻结了计划：规则只提建议。",
  },
  putIn: (step, before) =>
    before ? `教师把${step}加到${before}之前。` : `教师把${step}加到最后。`,
  because: {
    lagging: "因为 14 天内完成的少于每周目标。",
    strained: "因为许多答案不对，或反复重播。",
    stuck: "因为连续几次检查都觉得困难。",
    ahead: "因为答题表明已经掌握。",
    eased: "因为报告了疲劳。",
    stretched: "因为报告一切顺利。",
    helped: "因为报告了困惑。",
    support: "因为报告了情绪低落。",
  },
  ended: "因为情况已经过去。",
  given: (reason) => `理由：${reason}`,
  suggested: "仅为建议",
  limits: {
    "": "",
    overridden: "教师对这一步作了决定",
    frozen: "计划已冻结",
    playing: "这一步正在学习",
    a_day: "今天已有改动",
    a_week: "本周已有三次改动",
    reversal: "会撤销一天之内的改动",
    again: "该规则一小时内已生效",
  },
  undone: (when) => `${when} 撤销`,
  holdsUntil: (when) => `有效至 ${when}`,
  accept: "采纳",
  acceptOf: (what) => `采纳：${what}`,
  undo: "撤销",
  undoOf: (what) => `撤销：${what}`,
  values: {
    value: "信号",
    done: "完成分钟",
    due: "应完成分钟",
    answers: "答题数",
    wrong: "答错",
    replay: "倍时长",
    back_seeks: "回跳",
    risk: "风险",
    similarity: "相似度",
    mastery: "掌握度",
    idle_days: "天无活动",
    minutes: "分钟",
  },
  events: (n) => `来自 ${number(n)} 条记录`,
  undoneNow: "已撤销。",

  before: "开始时",
  after: "现在",
  sameSteps: "步骤与开始时相同。",
  orderLost: "其间调整过顺序；左侧步骤按现在的顺序排列。",
  goneMark: "已去掉",
  editLead: "您作出决定之处，14 天内规则只提建议。学习者可以看到您的理由。",
  pin: "固定",
  remove: "去掉",
  up: "提前",
  down: "推后",
  act: {
    pin: (name) => `固定${name}`,
    remove: (name) => `去掉${name}`,
    insert: (name) => `加入${name}`,
    reorder: () => "保留新顺序",
    freeze: () => "冻结计划",
  },
  upOf: (name) => `${name}：提前`,
  downOf: (name) => `${name}：推后`,
  moved: (name, at, n) => `${name}现在是第 ${at} 步，共 ${n} 步；尚未保存。`,
  draft: "顺序尚未保存。",
  keepOrder: "保留此顺序",
  dropOrder: "恢复原样",
  freeze: "冻结",
  insert: "加入概念",
  insertHint: "本课程的概念",
  insertHow: "输入名称。方向键选择，回车确定，Esc 关闭。",
  insertNone: () => "本课程中没有这样的、尚未在计划中的概念。",
  insertBefore: "放在此步之前",
  insertEnd: "（放在最后）",
  why: "理由",
  cancel: "取消",
  decided: "已完成。",
  broken: (step, needs) => `${step}以${needs}为基础，而它现在排在后面或已不在计划中。`,
};

export const texts = dictionary(en, zh);
