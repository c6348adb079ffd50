/** Concepts as a list: the form of a picture that can be read aloud and walked by keyboard. */

import type { Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Schemas } from "../api/client";
import { naming } from "../i18n";
import { href } from "../router";
import { Names } from "../ui/names";
import { texts } from "./texts";

type Place = Schemas["Place"];

const NAMED = 3; // neighbours that a row names

/** A row for each concept: a link, and the note on it, such as `neighbourNote`. */
export function ConceptList(props: {
  concepts: readonly Place[];
  chosen: Signal<string>;
  note?: (concept: Place) => string;
}) {
  return (
    <ul class="plain concept-list">
      {props.concepts.map((concept) => (
        <Row key={concept.id} concept={concept} chosen={props.chosen} note={props.note} />
      ))}
    </ul>
  );
}

/** Concepts by depth, each depth under its heading. */
export function Layers(props: {
  concepts: readonly Place[];
  chosen: Signal<string>;
  note: (concept: Place) => string;
}) {
  const say = texts();
  const depths = [...new Set(props.concepts.map((each) => each.depth))];
  return (
    <>
      {depths.map((depth) => (
        <section key={depth}>
          <h2>{say.depth(depth)}</h2>
          <ConceptList
            concepts={props.concepts.filter((each) => each.depth === depth)}
            chosen={props.chosen}
            note={props.note}
          />
        </section>
      ))}
    </>
  );
}

function Row(props: {
  concept: Place;
  chosen: Signal<string>;
  note: ((concept: Place) => string) | undefined;
}) {
  const { concept, chosen } = props;
  const row = useRef<HTMLLIElement>(null);
  const here = chosen.value === concept.id;
  useEffect(() => {
    const list = row.current?.closest(".pair-list");
    if (!here || !row.current || !list || row.current.contains(document.activeElement)) return;
    const [top, box] = [row.current.getBoundingClientRect(), list.getBoundingClientRect()];
    if (top.top < box.top || top.bottom > box.bottom)
      list.scrollTop += top.top - box.top - list.clientHeight / 3;
  }, [here]);
  const note = props.note?.(concept) ?? "";
  return (
    <li ref={row} class={here ? "chosen" : undefined}>
      <a href={href("concept", concept.id)} onFocus={() => (chosen.value = concept.id)}>
        <Names of={concept} />
      </a>
      {note && <span class="nearby">{note}</span>}
    </li>
  );
}

/** Tells a row's neighbours in words, the first few by name. */
export function neighbourNote(
  concepts: readonly Place[],
  edges: readonly Schemas["PlacedEdge"][],
): (concept: Place) => string {
  const named = new Map(concepts.map((each) => [each.id, each]));
  const after = new Map<string, (() => string)[]>();
  for (const edge of edges) {
    const builds = named.get(edge.after);
    if (!builds) continue;
    const name = () => naming(builds).main;
    const told = edge.group > 0 ? () => texts().anyOf(name()) : name;
    after.set(edge.before, [...(after.get(edge.before) ?? []), told]);
  }
  return (concept) => {
    const say = texts();
    const all = after.get(concept.id) ?? [];
    if (all.length === 0) return "";
    const names = all.slice(0, NAMED).map((told) => told());
    return say.leadsTo(say.some(names, all.length - names.length));
  };
}
