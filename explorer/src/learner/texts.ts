import { dictionary } from "../i18n";

const en = {
  title: "Learners",
};

const zh: typeof en = {
  title: "学习者",
};

export const texts = dictionary(en, zh);
