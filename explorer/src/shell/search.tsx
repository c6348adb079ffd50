/** The search box: concepts and courses by Chinese or English name, a typo forgiven.
 *
 * `/` puts the focus on it from anywhere.
 */

import { useEffect, useRef } from "preact/hooks";
import { answered, client } from "../api/client";
import { go } from "../router";
import { Combobox, type Option } from "../ui/combobox";
import { conceptOption, courseOption } from "./found";
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
  const ask = (limit: number) => ({ params: { query: { text, limit } }, signal: stop });
  const [concepts, courses] = await Promise.all([
    answered(client.GET("/v1/concepts", ask(SHOWN.concepts))),
    answered(client.GET("/v1/courses", ask(SHOWN.courses))),
  ]);
  return [
    ...concepts.found.map((each) => ({
      ...conceptOption(each),
      place: "concept" as const,
      id: each.id,
    })),
    ...courses.found.map((each) => ({
      ...courseOption(each),
      place: "course" as const,
      id: each.id,
    })),
  ];
}
