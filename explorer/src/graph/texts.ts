import { dictionary } from "../i18n";

const en = {
  beside: "The list beside the picture says the same in words.",
  view: "Picture",
  closer: "Zoom in",
  farther: "Zoom out",
  whole: "Show all",
};

const zh: typeof en = {
  beside: "图旁的列表以文字说明同样的内容。",
  view: "图",
  closer: "放大",
  farther: "缩小",
  whole: "显示全部",
};

export const texts = dictionary(en, zh);
