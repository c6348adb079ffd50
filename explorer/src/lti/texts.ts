import { dictionary } from "../i18n";

const en = {
  title: "Which course should the link open?",
  lead: "Who follows the link in your course sees their own path through the course that you choose here.",
  nothing: "Cancel",
  notAsked: "Nothing is to be chosen. Add a link to your course there, and choose kgplan.",
  refused: "This page could not be opened",
  openAgain: "Open it again in your course. If that does not help, show this to whoever runs it:",
};

const zh: typeof en = {
  title: "链接应打开哪门课程？",
  lead: "在您的课程中点击该链接的人，会看到自己在此处所选课程中的学习路径。",
  nothing: "取消",
  notAsked: "目前没有需要选择的内容。请在您的课程中添加链接，并选择 kgplan。",
  refused: "无法打开此页面",
  openAgain: "请在您的课程中重新打开。如果仍然不行，请把以下信息告诉管理员：",
};

export const texts = dictionary(en, zh);
