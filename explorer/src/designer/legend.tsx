/** What the colours and lines of a picture mean. */

import { texts } from "./texts";

export function Legend(props: { looks: readonly ("focus" | "before" | "after" | "marked")[] }) {
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
        {say.legendSaid}
      </li>
      <li>
        <span class="line predicted" />
        {say.legendPredicted}
      </li>
    </ul>
  );
}
