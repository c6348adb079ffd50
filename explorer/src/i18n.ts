/** Texts in Chinese and English.
 *
 * Each folder has a dictionary `texts.ts`: an English object, and a Chinese one of the same type, so
 * that a missing or a superfluous key does not compile. Texts with numbers or names are functions.
 */

import { language, locale } from "./shell/preferences";

/** Makes a dictionary; call what it returns inside a component, which then follows the language. */
export function dictionary<T extends object>(en: T, zh: NoInfer<T>): () => T {
  return () => (language.value === "zh" ? zh : en);
}

export interface Naming {
  /** As the reader's language has it; in Chinese where that has no name. */
  main: string;
  /** The name in the other language, where both are known. */
  other: string;
  /** The language of `main` where it is not the reader's: there is no English name. */
  lang: "zh-CN" | undefined;
}

/** What a thing is called. */
export function naming(named: { id: string; name: string; name_en?: string | undefined }): Naming {
  const chinese = named.name || named.id;
  const english = named.name_en ?? "";
  if (language.value === "zh")
    return { main: chinese, other: english === chinese ? "" : english, lang: undefined };
  if (english) return { main: english, other: english === chinese ? "" : chinese, lang: undefined };
  const isChinese = /\p{Script=Han}/u.test(chinese); // an abbreviation needs no other name
  return { main: chinese, other: "", lang: isChinese ? "zh-CN" : undefined };
}

/** A course's id without what all of them begin with: courses of one name differ by it. */
export function shortId(course: string): string {
  return course.replace(/^C_course-v1:/, "");
}

/** A text to compare by: case, the width of letters and that of spaces do not count. */
export function folded(text: string): string {
  return text.normalize("NFKC").toLowerCase().trim().replace(/\s+/g, " ");
}

/** A number as the reader's language writes it. */
export function number(value: number, digits = 0): string {
  return value.toLocaleString(locale(), {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: "negative", // what rounds to 0 has no sign
  });
}

/** A day as the reader's language writes it. */
export function day(iso: string): string {
  return new Date(iso).toLocaleDateString(locale(), { dateStyle: "medium" });
}

/** A moment as the reader's language writes it. */
export function moment(iso: string): string {
  return new Date(iso).toLocaleString(locale(), {
    dateStyle: "medium",
    timeStyle: "short",
  });
}
