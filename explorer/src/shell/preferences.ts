/** Language and theme: what the reader chose, else what the browser says; kept for the next visit. */

import { effect, signal } from "@preact/signals";
import { keep, recall } from "../api/kept";

export type Language = "en" | "zh";
export type Theme = "auto" | "light" | "dark";

function kept<T extends string>(name: string, known: readonly T[], otherwise: T): T {
  const found = recall("localStorage", `kgplan.${name}`) as T;
  return known.includes(found) ? found : otherwise;
}

export const language = signal<Language>(
  kept("language", ["en", "zh"], navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en"),
);
/** The reader's language as the browser takes it (BCP 47). */
export function locale(): string {
  return language.value === "zh" ? "zh-CN" : "en";
}

export const theme = signal<Theme>(kept("theme", ["auto", "light", "dark"], "auto"));

const darkSystem = matchMedia("(prefers-color-scheme: dark)");

/** The theme on screen: changes with the reader's choice and with the system's. */
export const isDark = signal(false);

function settle(): void {
  isDark.value = theme.value === "dark" || (theme.value === "auto" && darkSystem.matches);
  document.documentElement.dataset["theme"] = isDark.value ? "dark" : "light";
}

darkSystem.addEventListener("change", settle);

effect(() => {
  document.documentElement.lang = locale();
  keep("localStorage", "kgplan.language", language.value);
});

effect(() => {
  keep("localStorage", "kgplan.theme", theme.value);
  settle();
});
