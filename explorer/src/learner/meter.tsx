/** A mastery as a bar: where it lies between 0 and 1, and one standard deviation around it. */

import { texts } from "./texts";
import type { Step } from "./road";

interface Known {
  mastery: number;
  sd: number;
  doubt?: Step["doubt"] | undefined;
}

/** The bar and its numbers; a hatched band and a hollow mark where the mastery is in doubt. */
export function Meter({ mastery, sd, doubt }: Known) {
  const say = texts();
  const from = Math.max(0, mastery - sd);
  const to = Math.min(1, mastery + sd);
  return (
    <span class="meter-line">
      <span
        class={doubt ? "meter open" : "meter"}
        role="img"
        aria-label={say.meterLong(mastery, sd)}
      >
        <span class="meter-track">
          <span
            class="meter-band"
            style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }}
          />
          <span class="meter-fill" style={{ width: `${mastery * 100}%` }} />
          <span class="meter-mark" style={{ left: `${mastery * 100}%` }} />
        </span>
      </span>
      <span class="meter-figures" aria-hidden="true">
        {say.meter(mastery, sd)}
      </span>
    </span>
  );
}
