/** The bar above every view: where one can go, the search, language, theme and who is signed in. */

import { claimsOf, signIn, token } from "../api/session";
import { route } from "../router";
import { Icon, IconButton, type IconName } from "../ui/icons";
import { language, type Theme, theme } from "./preferences";
import { Search } from "./search";
import { texts } from "./texts";

interface Entry {
  place: string;
  icon: IconName;
  label: string;
  /** Views that belong to this entry. */
  holds: string[];
}

export function Header() {
  const say = texts();
  const { place } = route.value;
  const entries: Entry[] = [
    { place: "", icon: "home", label: say.home, holds: ["", "concept"] },
    { place: "courses", icon: "course", label: say.courses, holds: ["courses", "course", "class"] },
    { place: "graph", icon: "graph", label: say.graph, holds: ["graph"] },
    { place: "health", icon: "health", label: say.health, holds: ["health"] },
    { place: "learner", icon: "learner", label: say.learner, holds: ["learner"] },
  ];
  return (
    <header class="top">
      <a class="wordmark" href="#/" aria-label={`kgplan: ${say.home}`}>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M9 22 16 10l7 12" />
          <circle cx="9" cy="22" r="3.6" />
          <circle cx="16" cy="10" r="3.6" class="peak" />
          <circle cx="23" cy="22" r="3.6" />
        </svg>
        kgplan
      </a>
      <nav class="places" aria-label={say.navigation}>
        {entries.map((each) => (
          <a
            key={each.place}
            href={`#/${each.place}`}
            aria-current={each.holds.includes(place) ? "page" : undefined}
          >
            <Icon name={each.icon} />
            <span>{each.label}</span>
          </a>
        ))}
      </nav>
      <div class="top-search">{place !== "" && <Search />}</div>
      <div class="tools">
        <LanguageSwitch />
        <ThemeSwitch />
        <WhoAmI />
      </div>
    </header>
  );
}

function LanguageSwitch() {
  const zh = language.value === "zh";
  return (
    <button
      type="button"
      class="tool"
      lang={zh ? "en" : "zh-CN"}
      onClick={() => (language.value = zh ? "en" : "zh")}
    >
      {zh ? "English" : "中文"}
    </button>
  );
}

const NEXT: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
const THEME_ICON: Record<Theme, IconName> = { auto: "auto", light: "sun", dark: "moon" };

function ThemeSwitch() {
  const say = texts();
  const label = `${say.theme}: ${say.themes[theme.value]}`;
  return (
    <IconButton
      icon={THEME_ICON[theme.value]}
      label={label}
      onClick={() => (theme.value = NEXT[theme.value])}
    />
  );
}

function WhoAmI() {
  const say = texts();
  const label = token.value ? say.signedIn(claimsOf(token.value).sub ?? "?") : say.signIn;
  return (
    <IconButton
      icon="person"
      label={label}
      lit={token.value !== ""}
      onClick={() => (signIn.value = "wanted")}
    />
  );
}
