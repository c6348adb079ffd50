/** A box that finds what is typed and offers it as a list (WAI-ARIA combobox).
 *
 * Arrows, Home and End choose, Enter takes, Escape closes the list, then empties the box.
 */

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { texts } from "../shell/texts";
import { Icon } from "./icons";
import { titleOf } from "./states";

export interface Option {
  key: string;
  main: string;
  other?: string;
  /** The language of `main` where it is not the reader's. */
  lang?: string | undefined;
  kind?: string;
  /** What tells it from another of its name. */
  about?: string;
}

const PAUSE_MS = 120; // after the last letter, before the service is asked

export function Combobox<T extends Option>(props: {
  label: string;
  placeholder: string;
  /** How it is used, for a screen reader. */
  how: string;
  /** Where one is picked, options are offered before anything is typed, and what was typed is
   * forgotten when the reader leaves the box.
   */
  look: "" | "large" | "pick";
  /** What is chosen now, shown while nothing is typed. */
  chosen?: string;
  /** Said where nothing is found. */
  none: (text: string) => string;
  /** Changes what `find` gives for the same text. */
  on?: unknown;
  find: (text: string, stop: AbortSignal) => Promise<T[]>;
  onChoose: (option: T) => void;
  /** Where the box is kept, for who puts the focus on it. */
  input?: RefObject<HTMLInputElement | null>;
  /** In the box, beside what is typed. */
  children?: ComponentChildren;
}) {
  const say = texts();
  const picks = props.look === "pick";
  const list = useId();
  const [typed, setTyped] = useState("");
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);

  useEffect(() => {
    const later = setTimeout(() => setText(typed.trim()), PAUSE_MS);
    return () => clearTimeout(later);
  }, [typed]);

  const asks = open && (picks || text !== "");
  const answer = useAnswer(asks ? (stop) => props.find(text, stop) : null, [asks, text, props.on]);
  const { data, problem } = answer;
  const options = data ?? [];
  const shown = asks && (data ?? problem) !== undefined;
  // an answer that comes late leaves what was pointed at meanwhile
  const pointed = useRef("");
  useEffect(
    () =>
      setAt(
        Math.max(
          0,
          options.findIndex((each) => each.key === pointed.current),
        ),
      ),
    [data],
  );

  function point(place: number): void {
    pointed.current = options[place]?.key ?? "";
    setAt(place);
  }

  function take(option: T | undefined): void {
    if (!option) return;
    setOpen(false);
    setTyped("");
    props.onChoose(option);
  }

  function enter(): void {
    const wanted = typed.trim();
    if (wanted === text && shown) take(options[at]);
    else if (wanted !== "" || picks) {
      // what is typed faster than the service answers is looked up when Enter comes
      void props.find(wanted, new AbortController().signal).then(
        (found) => (found.length ? take(found[0]) : setOpen(true)),
        () => setOpen(true),
      );
    }
  }

  function key(event: KeyboardEvent): void {
    if (event.isComposing) return; // Enter ends a Chinese input method's word
    const last = options.length - 1;
    if (event.key === "Enter") enter();
    else if (event.key === "Escape") {
      if (open) setOpen(false);
      else setTyped("");
      return;
    } else {
      if (event.key === "ArrowDown") point(shown ? Math.min(at + 1, last) : at);
      else if (event.key === "ArrowUp") point(Math.max(at - 1, 0));
      else if (event.key === "Home" && shown) point(0);
      else if (event.key === "End" && shown) point(last);
      else return;
      setOpen(true);
    }
    event.preventDefault();
  }

  function leave(): void {
    setOpen(false);
    if (picks) setTyped("");
  }

  return (
    <div class={props.look ? `search ${props.look}` : "search"}>
      <Icon name="search" />
      <input
        ref={props.input ?? null}
        type="text"
        role="combobox"
        aria-label={props.chosen ? `${props.label}: ${props.chosen}` : props.label}
        aria-description={props.how}
        aria-expanded={shown}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={shown && options.length ? `${list}-${at}` : undefined}
        placeholder={props.chosen ?? props.placeholder}
        class={props.chosen ? "has-choice" : undefined}
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          pointed.current = "";
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onClick={() => setOpen(true)}
        onBlur={leave}
        onKeyDown={key}
      />
      {props.children}
      <ul id={list} role="listbox" aria-label={props.label} hidden={!shown}>
        {options.map((option, place) => (
          <Row
            key={option.key}
            id={`${list}-${place}`}
            option={option}
            chosen={place === at}
            onChoose={() => take(option)}
            onPoint={() => point(place)}
          />
        ))}
        {shown && options.length === 0 && (
          <li class="option none" role="option" aria-selected="false" aria-disabled="true">
            {problem ? titleOf(problem) : props.none(text)}
          </li>
        )}
      </ul>
      <span class="hidden" role="status">
        {shown ? (problem ? titleOf(problem) : say.found(options.length)) : ""}
      </span>
    </div>
  );
}

function Row(props: {
  id: string;
  option: Option;
  chosen: boolean;
  onChoose: () => void;
  onPoint: () => void;
}) {
  const { option } = props;
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
      <span class="option-name" lang={option.lang}>
        {option.main}
      </span>
      <span class="option-other">{option.other}</span>
      <span class="option-kind">{option.kind}</span>
      {option.about && <span class="option-about">{option.about}</span>}
    </li>
  );
}
