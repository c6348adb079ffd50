/** The search box: concepts and courses by Chinese or English name, a typo forgiven.
 *
 * A combobox with a list of options (WAI-ARIA): `/` focuses it from anywhere, arrows choose, Enter
 * opens, Escape closes.
 */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { answered, client, type Schemas } from "../api/client";
import { naming } from "../i18n";
import { go } from "../router";
import { Icon } from "../ui/icons";
import { texts } from "./texts";

interface Result {
  place: "concept" | "course";
  found: Schemas["FoundOut"];
}

const PAUSE_MS = 120; // after the last letter, before the service is asked
const SHOWN = { concepts: 8, courses: 5 };

export function Search(props: { large?: boolean }) {
  const say = texts();
  const list = useId();
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState("");
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);

  useEffect(() => {
    const later = setTimeout(() => setText(typed.trim()), PAUSE_MS);
    return () => clearTimeout(later);
  }, [typed]);

  useEffect(() => {
    function slash(event: KeyboardEvent): void {
      const target = event.target as HTMLElement;
      const writing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (event.key !== "/" || writing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    }
    addEventListener("keydown", slash);
    return () => removeEventListener("keydown", slash);
  }, []);

  const answer = useAnswer(text === "" ? null : (stop) => search(text, stop), [text]);
  const results = text === "" ? [] : (answer.data ?? []);
  const shown = open && text !== "" && answer.data !== undefined;
  useEffect(() => setAt(0), [answer.data]);

  function choose(result: Result | undefined): void {
    if (!result) return;
    setOpen(false);
    setTyped("");
    go(result.place, result.found.id);
  }

  function key(event: KeyboardEvent): void {
    if (event.isComposing) return; // Enter ends a Chinese input method's word
    const last = results.length - 1;
    if (event.key === "ArrowDown") setAt(shown ? Math.min(at + 1, last) : at);
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Home" && shown) setAt(0);
    else if (event.key === "End" && shown) setAt(last);
    else if (event.key === "Enter") choose(results[at]);
    else if (event.key === "Escape") {
      if (open) setOpen(false);
      else setTyped("");
      return;
    } else return;
    setOpen(true);
    event.preventDefault();
  }

  return (
    <div class={props.large ? "search large" : "search"}>
      <Icon name="search" />
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label={say.searchLabel}
        aria-description={say.searchHow}
        aria-expanded={shown}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={shown && results.length ? `${list}-${at}` : undefined}
        placeholder={say.searchHint}
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={key}
      />
      <kbd aria-hidden="true" title={say.searchKey}>
        /
      </kbd>
      <ul id={list} role="listbox" aria-label={say.searchLabel} hidden={!shown}>
        {results.map((result, place) => (
          <Option
            key={result.place + result.found.id}
            id={`${list}-${place}`}
            result={result}
            chosen={place === at}
            onChoose={() => choose(result)}
            onPoint={() => setAt(place)}
          />
        ))}
        {shown && results.length === 0 && (
          <li class="option none" role="option" aria-selected="false" aria-disabled="true">
            {say.foundNothing(text)}
          </li>
        )}
      </ul>
      <span class="hidden" role="status">
        {shown ? say.found(results.length) : ""}
      </span>
    </div>
  );
}

function Option(props: {
  id: string;
  result: Result;
  chosen: boolean;
  onChoose: () => void;
  onPoint: () => void;
}) {
  const say = texts();
  const { place, found } = props.result;
  const { main, other } = naming(found);
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (props.chosen) row.current?.scrollIntoView({ block: "nearest" });
  }, [props.chosen]);
  return (
    <li
      ref={row}
      id={props.id}
      class="option"
      role="option"
      aria-selected={props.chosen}
      onMouseDown={(event) => event.preventDefault()}
      onMouseMove={props.onPoint}
      onClick={props.onChoose}
    >
      <span class="option-name">{main}</span>
      <span class="option-other">{other}</span>
      <span class="option-kind">
        {found.match === "near" ? say.near : place === "course" ? say.courses : ""}
      </span>
    </li>
  );
}

async function search(text: string, stop: AbortSignal): Promise<Result[]> {
  const ask = (limit: number) => ({ params: { query: { text, limit } }, signal: stop });
  const [concepts, courses] = await Promise.all([
    answered(client.GET("/v1/concepts", ask(SHOWN.concepts))),
    answered(client.GET("/v1/courses", ask(SHOWN.courses))),
  ]);
  return [
    ...concepts.found.map((found) => ({ place: "concept" as const, found })),
    ...courses.found.map((found) => ({ place: "course" as const, found })),
  ];
}
