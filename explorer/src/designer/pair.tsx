/** A picture and a list of the same concepts, side by side; on a phone one of them at a time. */

import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { narrow, useMedia } from "../ui/media";
import { texts } from "./texts";

type Side = "picture" | "list";

export function Pair(props: {
  picture: ComponentChildren;
  list: ComponentChildren;
  /** What a phone shows first; a picture that nobody asked for is not drawn. */
  phone: Side;
}) {
  const say = texts();
  const [shown, setShown] = useState<Side>(props.phone);
  const isNarrow = useMedia(narrow);
  const drawn = useRef(false);
  drawn.current ||= !isNarrow || shown === "picture";
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
      <div class="pair-picture">{drawn.current && props.picture}</div>
      <div class="pair-list">{props.list}</div>
    </div>
  );
}
