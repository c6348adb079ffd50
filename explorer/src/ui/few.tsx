/** A long list, of which the first items are shown until the reader asks for all. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { texts } from "../shell/texts";

const FEW = 8;

export function Few<T>(props: {
  of: readonly T[];
  few?: number;
  children: (some: readonly T[]) => ComponentChildren;
}) {
  const say = texts();
  const [all, setAll] = useState(false);
  const few = props.few ?? FEW;
  return (
    <>
      {props.children(all ? props.of : props.of.slice(0, few))}
      {props.of.length > few && (
        <button type="button" class="quiet more" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? say.showFewer : say.showAll(props.of.length)}
        </button>
      )}
    </>
  );
}
