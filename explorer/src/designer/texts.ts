import { dictionary, number } from "../i18n";
import type { Kind } from "../kinds";

/** How many items are on a concept, in words that hold of their kind. */
function onIt(items: number, kind: Kind): string {
  const n = number(items);
  if (kind === "mixed") return `${n} items are on it`;
  if (kind === "exercise")
    return items === 1 ? "1 exercise asks for it" : `${n} exercises ask for it`;
  return items === 1 ? `1 ${kind} covers it` : `${n} ${kind}s cover it`;
}

const en = {
  concept: "Concept",
  course: "Course",
  courses: "Courses",
  coursesLead:
    "Open a course to see how its concepts build on each other, and what it takes for granted.",
  filter: "Name or id",
  shownCourses: (n: number, full: boolean) =>
    full ? `The first ${n}. Type to narrow them down.` : n === 1 ? "1 course" : `${n} courses`,
  noCourse: "No course is called like this.",
  concepts: (n: number) => (n === 1 ? "1 concept" : `${n} concepts`),
  edges: (n: number) => (n === 1 ? "1 prerequisite" : `${n} prerequisites`),
  field: "Field",
  allFields: "All fields",
  noField: "no field",
  otherFields: "others",
  picture: "Picture",
  list: "List",
  mapOf: (name: string, concepts: string, edges: string) =>
    `Map of ${name}: ${concepts}, ${edges}.`,

  chainBefore: "Needed before",
  chainAfter: "Unlocked after",
  stepsBefore: "Steps before",
  stepsAfter: "Steps after",
  step: (n: number) => (n === 1 ? "1 step away" : `${n} steps away`),
  nothingBefore: "This is a foundation: nothing has to be known before.",
  nothingAfter: "Nothing in the graph builds on it.",
  deeper: "More lies beyond.",
  leadsTo: (names: string) => `before ${names}`,
  some: (names: string[], more: number) => names.join(", ") + (more > 0 ? ` and ${more} more` : ""),
  definitionAway: "What it is cannot be read from the graph just now.",
  wholeDefinition: "Read on",
  foldDefinition: "Show less",
  taughtTitle: "Where it is taught",
  taught: (items: number, kind: Kind, courses: number, others: number) => {
    if (items === 0 && others === 0)
      return "No course has it, and nothing to open on it is known: a gap.";
    const where = courses === 1 ? "1 course" : `${number(courses)} courses`;
    const named = others === 1 ? "1 course names" : `${number(others)} courses name`;
    if (items === 0) return `Nothing to open on it is known; ${named} it.`;
    const more = others > 0 ? ` ${named} it, with nothing to open on it.` : "";
    return `${onIt(items, kind)}, in ${where}.${more}`;
  },
  namedIn: "Named, with nothing known to open on it",
  untitled: {
    video: "Video without a title",
    exercise: "Exercise without a title",
    text: "Text without a title",
    mixed: "",
  } satisfies Record<Kind, string>,
  // a video goes without saying
  kinds: { video: "", exercise: "exercise", text: "text", mixed: "" } satisfies Record<
    Kind,
    string
  >,
  minutes: (n: number) => (n < 1 ? "less than 1 min" : `${number(n)} min`),
  covers: (names: string, kind: Kind) =>
    kind === "exercise" ? `asks for ${names}` : `covers ${names}`,
  alsoCovers: (names: string, kind: Kind) =>
    kind === "exercise" ? `also asks for ${names}` : `also covers ${names}`,
  legendFocus: "this concept",
  legendBefore: "needed before",
  legendAfter: "unlocked after",
  legendMarked: "marked",
  legendNeeded: "needed",
  legendSoft: "soft: helps, or only predicted",
  legendAny: "any one of these will do",
  anyOf: (name: string) => `${name} (any one of several)`,
  chosen: "Chosen concept",

  depth: (n: number) => (n === 0 ? "Foundations" : `Depth ${n}`),
  missing: "Not in the course",
  missingLead: "Direct prerequisites that the course does not teach, those needed most first.",
  neededBy: (n: number) => (n === 1 ? "needed by 1 concept" : `needed by ${n} concepts`),
  noMissing: "The course has all direct prerequisites of its concepts.",
  noConcepts: "The graph knows no concept of this course.",
  wayIn: "For a learner of this course",
  class: "Class",
  notTaught: "nothing known to open",
  courseFacts: (learners: number) =>
    learners === 1 ? "1 learner" : `${number(learners)} learners`,
  coverageOf: (taught: number, all: number, kind: Kind) =>
    `${{ video: "Videos", exercise: "Exercises", text: "Texts", mixed: "Items" }[kind]} that are known cover ${number(taught)} of the ${number(all)} concepts.`,
  itemsTitle: {
    video: "Videos in the course's order",
    exercise: "Exercises in the course's order",
    text: "Texts in the course's order",
    mixed: "What to open, in the course's order",
  } satisfies Record<Kind, string>,
  noItems: "Nothing of this course is known to cover a concept.",

  graph: "The whole graph",
  graphNow: (shown: number, total: number) =>
    shown === total
      ? `${total} concepts`
      : `${shown} of ${total} concepts: those with most prerequisites`,
  marks: "Mark",
  markNothing: "nothing",
  markCycles: "cycles",
  markBottlenecks: "bottlenecks",
  markOrphans: "unconnected concepts",
  markChain: "the longest chain",
  markedHere: (mark: string, n: number) => `Marked: ${mark} (${n})`,

  health: "Health of the graph",
  healthLead:
    "What is worth a look before learners are sent along these prerequisites. Nothing here changes the graph.",
  tileCycles: "concepts on cycles",
  tilePairs: "contradictory pairs",
  tileRedundant: "redundant edges",
  tileBottlenecks: "bottlenecks",
  tileDepth: "steps of the longest chain",
  tileOrphans: "unconnected concepts",
  cycles: "Cycles",
  cyclesLead: "Concepts that all lead to each other: none of them can come first.",
  noCycles: "No concept leads back to itself.",
  cycleOf: (concepts: number, edges: number) =>
    `${concepts} concepts, ${edges} prerequisites among them`,
  breaking: (n: number, smallest: boolean) =>
    `Without ${n === 1 ? "this edge" : `these ${n} edges`} the cycle is gone; ${smallest ? "no smaller set does it" : "a smaller set may do it"}.`,
  pairs: "Contradictions",
  pairsLead: "Two concepts, each said to come before the other.",
  noPairs: "No two concepts contradict each other.",
  redundant: "Redundant edges",
  redundantLead:
    "Their end is reached without them. They may still be what a learner should see: nobody has to remove them.",
  noRedundant: "No edge is implied by others.",
  bottlenecks: "Bottlenecks",
  bottlenecksLead: "Without such a concept no foundation leads to the others any more.",
  noBottlenecks: "Every concept is reached in more than one way.",
  unreachable: "cut off without it",
  depthTitle: "Depth",
  depthLead: (steps: number) =>
    `The longest chain has ${steps === 1 ? "1 step" : `${steps} steps`}; a group of concepts on a cycle counts as one place.`,
  atDepth: (depth: number, n: number) =>
    `Depth ${depth}: ${n === 1 ? "1 concept" : `${n} concepts`}`,
  chain: "One longest chain",
  coverage: "Coverage",
  foundations: (n: number) =>
    n === 1
      ? "1 foundation has no prerequisite and unlocks something."
      : `${n} foundations have no prerequisite and unlock something.`,
  orphans: "Unconnected: no prerequisite leads to them or from them",
  withoutCourse: "In no course",
  withoutItem: "With nothing to open on them",
  gaps: "Gaps: needed or listed, and with nothing to open on them",
  conceptsNeed: "Concepts that need it",
  coursesList: "Courses that list it",
  lone: "Alone in their group of alternatives",
  none: "None.",
  inGraph: "Show in the graph",
  before: "Prerequisite",
  after: "of",
  sources: "Said by",
  source: { dependency: "annotation", prediction: "prediction", designer: "designer" } as Record<
    string,
    string
  >,
  byWay: "Steps without it",
  together: "Can go together with the others",
  yes: "yes",
  no: "no",
  first: "First",
  second: "Second",

  homeLead:
    "See how concepts build on each other, mend what is wrong, and follow a learner along the path.",
  startWith: "Concepts that much builds on",
  fields: "Fields of study",
  forDesigners: "For designers",
  forDesignersLead:
    "Walk the chains of prerequisites, open a course’s map, find cycles and bottlenecks.",
  forTutors: "For learners and tutors",
  forTutorsLead: "The next steps in a course, why each of them, and what a learner holds by now.",
  toGraph: "See the whole graph",
  toHealth: "Check its health",
  toCourses: "Open a course",
  toLearner: "Choose a learner",

  cypher: "Cypher",
  cypherTitle: "Ask the graph in Cypher",
  cypherHow: "The question as the graph database takes it, with this view’s values filled in.",
  question: "Question",
  copy: "Copy",
  copied: "Copied",
  inBrowser: "Open in Neo4j Browser",
  noBrowser:
    "This service keeps its graph in the embedded database, which has no Browser; the text runs in any Neo4j that holds the graph.",
};

const zh: typeof en = {
  concept: "概念",
  course: "课程",
  courses: "课程",
  coursesLead: "打开一门课程，查看其中的概念如何层层递进，以及它默认学习者已掌握什么。",
  filter: "名称或编号",
  shownCourses: (n, full) => (full ? `显示前 ${n} 门，输入文字可缩小范围。` : `${n} 门课程`),
  noCourse: "没有名称相近的课程。",
  concepts: (n) => `${n} 个概念`,
  edges: (n) => `${n} 条先修关系`,
  field: "学科",
  allFields: "全部学科",
  noField: "无学科",
  otherFields: "其他",
  picture: "图",
  list: "列表",
  mapOf: (name, concepts, edges) => `${name}的概念图：${concepts}，${edges}。`,

  chainBefore: "需要先学",
  chainAfter: "学后可学",
  stepsBefore: "向前层数",
  stepsAfter: "向后层数",
  step: (n) => `相距 ${n} 步`,
  nothingBefore: "这是基础概念：不需要先学任何内容。",
  nothingAfter: "图谱中没有以它为基础的概念。",
  deeper: "更远处还有。",
  leadsTo: (names) => `先于 ${names}`,
  some: (names, more) => names.join("、") + (more > 0 ? ` 等 ${names.length + more} 个` : ""),
  definitionAway: "暂时无法从图谱读取它的释义。",
  wholeDefinition: "展开全文",
  foldDefinition: "收起",
  taughtTitle: "在哪里讲授",
  taught: (items, kind, courses, others) => {
    if (items === 0 && others === 0) return "没有课程列有它，也没有已知的学习内容：这是一处空缺。";
    if (items === 0) return `没有已知的学习内容；${number(others)} 门课程列有此概念。`;
    const rest = others > 0 ? `另有 ${number(others)} 门课程列有此概念，但没有相关内容。` : "";
    const n = number(items);
    const onIt = {
      video: `${n} 个视频讲授它`,
      exercise: `${n} 道练习考查它`,
      text: `${n} 份阅读材料讲解它`,
      mixed: `${n} 项相关内容`,
    }[kind];
    return `${number(courses)} 门课程中有 ${onIt}。${rest}`;
  },
  namedIn: "列有此概念、但没有相关内容的课程",
  untitled: { video: "无标题视频", exercise: "无标题练习", text: "无标题阅读材料", mixed: "" },
  kinds: { video: "", exercise: "练习", text: "阅读材料", mixed: "" },
  minutes: (n) => (n < 1 ? "不到 1 分钟" : `${number(n)} 分钟`),
  covers: (names, kind) => `${kind === "exercise" ? "考查" : "讲授"} ${names}`,
  alsoCovers: (names, kind) => `还${kind === "exercise" ? "考查" : "讲授"} ${names}`,
  legendFocus: "当前概念",
  legendBefore: "需要先学",
  legendAfter: "学后可学",
  legendMarked: "已标出",
  legendNeeded: "必要",
  legendSoft: "非必要：有帮助，或仅为预测",
  legendAny: "任选其一即可",
  anyOf: (name) => `${name}（任选其一）`,
  chosen: "选中的概念",

  depth: (n) => (n === 0 ? "基础" : `第 ${n} 层`),
  missing: "课程未包含",
  missingLead: "课程没有讲授的直接先修概念，需要最多的在前。",
  neededBy: (n) => `${n} 个概念需要它`,
  noMissing: "课程包含其概念的全部直接先修概念。",
  noConcepts: "图谱中没有这门课程的概念。",
  wayIn: "为这门课程的学习者规划",
  class: "班级",
  notTaught: "没有已知的学习内容",
  courseFacts: (learners) => `${number(learners)} 名学习者`,
  coverageOf: (taught, all, kind) =>
    `${{ video: "已知视频讲授了", exercise: "已知练习考查了", text: "已知阅读材料讲解了", mixed: "已知内容涉及" }[kind]} ${number(all)} 个概念中的 ${number(taught)} 个。`,
  itemsTitle: {
    video: "按课程顺序的视频",
    exercise: "按课程顺序的练习",
    text: "按课程顺序的阅读材料",
    mixed: "按课程顺序的学习内容",
  },
  noItems: "没有已知内容涉及这门课程的概念。",

  graph: "整张图谱",
  graphNow: (shown, total) =>
    shown === total ? `${total} 个概念` : `${total} 个概念中先修关系最多的 ${shown} 个`,
  marks: "标出",
  markNothing: "不标出",
  markCycles: "环",
  markBottlenecks: "瓶颈",
  markOrphans: "孤立概念",
  markChain: "最长的链",
  markedHere: (mark, n) => `已标出：${mark}（${n}）`,

  health: "图谱体检",
  healthLead: "在让学习者沿这些先修关系学习之前值得查看的地方。此处的任何操作都不会改变图谱。",
  tileCycles: "环上的概念",
  tilePairs: "互相矛盾的概念对",
  tileRedundant: "冗余的关系",
  tileBottlenecks: "瓶颈",
  tileDepth: "最长链的步数",
  tileOrphans: "孤立概念",
  cycles: "环",
  cyclesLead: "互为先后的概念：其中没有一个可以最先学。",
  noCycles: "没有概念回到自身。",
  cycleOf: (concepts, edges) => `${concepts} 个概念，其间 ${edges} 条先修关系`,
  breaking: (n, smallest) =>
    `去掉这 ${n} 条关系，环就不存在了；${smallest ? "没有更小的集合能做到" : "也许有更小的集合能做到"}。`,
  pairs: "矛盾",
  pairsLead: "两个概念，各自被认为先于对方。",
  noPairs: "没有互相矛盾的概念。",
  redundant: "冗余的关系",
  redundantLead: "没有它们也能到达终点。它们仍可能是学习者应当看到的：不必删除。",
  noRedundant: "没有可由其他关系推出的关系。",
  bottlenecks: "瓶颈",
  bottlenecksLead: "没有这样的概念，任何基础概念都无法到达其他一些概念。",
  noBottlenecks: "每个概念都有不止一条路可以到达。",
  unreachable: "没有它则无法到达",
  depthTitle: "深度",
  depthLead: (steps) => `最长的链有 ${steps} 步；环上的一组概念算作一处。`,
  atDepth: (depth, n) => `第 ${depth} 层：${n} 个概念`,
  chain: "一条最长的链",
  coverage: "覆盖",
  foundations: (n) => `${n} 个基础概念没有先修概念，并且是其他概念的基础。`,
  orphans: "孤立：没有先修关系与它们相连",
  withoutCourse: "不在任何课程中",
  withoutItem: "没有已知的学习内容",
  gaps: "空缺：被需要或被列出，却没有学习内容",
  conceptsNeed: "需要它的概念",
  coursesList: "列有它的课程",
  lone: "备选组中只有自己",
  none: "没有。",
  inGraph: "在图中显示",
  before: "先修概念",
  after: "后续概念",
  sources: "来源",
  source: { dependency: "标注", prediction: "预测", designer: "设计者" },
  byWay: "绕行步数",
  together: "可与其他一并去掉",
  yes: "是",
  no: "否",
  first: "其一",
  second: "其二",

  homeLead: "查看概念如何层层递进，改正不妥之处，陪伴学习者走完学习路径。",
  startWith: "许多概念以此为基础",
  fields: "学科",
  forDesigners: "课程设计者",
  forDesignersLead: "沿先修关系前后查看，打开课程的概念图，发现环和瓶颈。",
  forTutors: "学习者与导师",
  forTutorsLead: "课程中接下来的几步，每一步的理由，以及学习者目前的掌握情况。",
  toGraph: "查看整张图谱",
  toHealth: "图谱体检",
  toCourses: "打开课程",
  toLearner: "选择学习者",

  cypher: "Cypher",
  cypherTitle: "用 Cypher 查询图谱",
  cypherHow: "图数据库所用的查询语句，已填入当前页面的值。",
  question: "问题",
  copy: "复制",
  copied: "已复制",
  inBrowser: "在 Neo4j Browser 中打开",
  noBrowser:
    "此服务的图谱保存在嵌入式数据库中，没有 Browser；该语句可在任何存有此图谱的 Neo4j 中运行。",
};

export const texts = dictionary(en, zh);
