/** The search box: concepts and courses by Chinese or English name, a typo forgiven.
 *
 * `/` puts the focus on it from anywhere.
 */

import { useEffect, useRef } from "preact/hooks";
import { answered, client, type Schemas } from "../api/client";
import { naming } from "../i18n";
import { go } from "../router";
import { Combobox, type Option } from "../ui/combobox";
import { texts } from "./texts";

interface Result extends Option {
  place: "concept" | "course";
  id: string;
}

const SHOWN = { concepts: 8, courses: 5 };

export function Search(props: { large?: boolean }) {
  const say = texts();
  const input = useRef<HTMLInputElement>(null);

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

  return (
    <Combobox
      label={say.searchLabel}
      placeholder={say.searchHint}
      how={say.searchHow}
      look={props.large ? "large" : ""}
      none={say.foundNothing}
      find={search}
      onChoose={({ place, id }) => go(place, id)}
      input={input}
    >
      <kbd aria-hidden="true" title={say.searchKey}>
        /
      </kbd>
    </Combobox>
  );
}

async function search(text: string, stop: AbortSignal): Promise<Result[]> {
  const say = texts();
  const ask = (limit: number) => ({ params: { query: { text, limit } }, signal: stop });
  const [concepts, courses] = await Promise.all([
    answered(client.GET("/v1/concepts", ask(SHOWN.concepts))),
    answered(client.GET("/v1/courses", ask(SHOWN.courses))),
  ]);
  const result = (place: Result["place"], found: Schemas["FoundOut"], kind: string): Result => ({
    key: `${place} ${found.id}`,
    ...naming(found),
    kind: found.match === "near" ? say.near : kind,
    place,
    id: found.id,
  });
  return [
    ...concepts.found.map((each) => result("concept", each, "")),
    ...courses.found.map((each) => result("course", each, say.courses)),
  ];
}
