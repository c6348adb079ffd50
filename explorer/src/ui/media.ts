/** Whether a media query holds, as it changes. */

import { useEffect, useState } from "preact/hooks";

/** A phone: the views at the thumb, one thing at a time; as in the style sheets. */
export const narrow = matchMedia("(width < 56rem)");

export function useMedia(query: MediaQueryList): boolean {
  const [holds, setHolds] = useState(query.matches);
  useEffect(() => {
    const follow = () => setHolds(query.matches);
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, [query]);
  return holds;
}
