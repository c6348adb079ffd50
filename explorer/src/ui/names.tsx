/** Names as they stand on the page; in English, it is said which things have no English name. */

import { naming } from "../i18n";
import { texts } from "../shell/texts";

type Named = Parameters<typeof naming>[0];

/** A name, and beside it the one in the other language. */
export function Names({ of }: { of: Named }) {
  const { main, other, lang } = naming(of);
  return (
    <>
      <span class="name" lang={lang}>
        {main}
      </span>
      {other && <span class="other"> {other}</span>}
    </>
  );
}

/** How many of a list have no English name; nothing where all have one. */
export function Unnamed({ of }: { of: readonly Named[] }) {
  const without = of.filter((each) => naming(each).lang !== undefined).length;
  if (without === 0) return null;
  return <p class="soft small">{texts().unnamed(without, of.length)}</p>;
}
