/** A picture and a list of the same concepts, side by side; on a phone one of them at a time. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { texts } from "./texts";

export function Pair(props: { picture: ComponentChildren; list: ComponentChildren }) {
  const say = texts();
  const [shown, setShown] = useState<"picture" | "list">("picture");
  return (
    <div class="pair" data-shown={shown}>
      <div class="pair-switch" role="group">
        {(["picture", "list"] as const).map((each) => (
          <button
            key={each}
            type="button"
            class="tool"
            aria-pressed={shown === each}
            onClick={() => setShown(each)}
          >
            {say[each]}
          </button>
        ))}
      </div>
      <div class="pair-picture">{props.picture}</div>
      <div class="pair-list">{props.list}</div>
    </div>
  );
}
