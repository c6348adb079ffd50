/** What the colours and lines of a picture mean. */

import type { Schemas } from "../api/client";
import { texts } from "./texts";

export function Legend(props: {
  looks: readonly ("focus" | "before" | "after" | "marked")[];
  edges: readonly Schemas["PlacedEdge"][];
}) {
  const say = texts();
  const words = {
    focus: say.legendFocus,
    before: say.legendBefore,
    after: say.legendAfter,
    marked: say.legendMarked,
  };
  return (
    <ul class="legend plain">
      {props.looks.map((look) => (
        <li key={look}>
          <span class={`swatch ${look}`} />
          {words[look]}
        </li>
      ))}
      <li>
        <span class="line" />
        {say.legendNeeded}
      </li>
      <li>
        <span class="line soft-line" />
        {say.legendSoft}
      </li>
      {props.edges.some(({ group }) => group > 0) && (
        <li>
          <span class="line any-line" />
          {say.legendAny}
        </li>
      )}
    </ul>
  );
}
