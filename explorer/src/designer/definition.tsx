/** What a concept is, in its platform's words; a long text begins folded. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { language } from "../shell/preferences";
import { texts } from "./texts";

/** @param text a paragraph a line; empty where nothing is said, null while it cannot be read. */
export function Definition({ text }: { text: string | null }) {
  const say = texts();
  const shown = useRef<HTMLParagraphElement>(null);
  const [open, setOpen] = useState(false);
  const [long, setLong] = useState(false); // for the width of the window
  useLayoutEffect(() => {
    const element = shown.current;
    if (!element || open) return;
    const watch = new ResizeObserver(() =>
      setLong(element.scrollHeight > element.clientHeight + 1),
    );
    watch.observe(element);
    return () => watch.disconnect();
  }, [text, open]);
  if (text === null) return <p class="soft">{say.definitionAway}</p>;
  if (!text) return null;
  const chinese = language.value !== "zh" && /\p{Script=Han}/u.test(text);
  return (
    <div class="definition">
      <p ref={shown} class={open ? "" : "folded"} lang={chinese ? "zh-CN" : undefined}>
        {text}
      </p>
      {(long || open) && (
        <button
          type="button"
          class="quiet more"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          {open ? say.foldDefinition : say.wholeDefinition}
        </button>
      )}
    </div>
  );
}
