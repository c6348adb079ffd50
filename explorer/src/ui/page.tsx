/** A view's frame: its heading, which takes the focus when the reader arrives, and the title. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** Whether a view was shown before: the first one leaves the focus where the browser puts it. */
let arrived = false;

export function Page(props: {
  title: string;
  /** Its language where it is not the reader's. */
  lang?: string | undefined;
  /** A second name, in the other language. */
  other?: string;
  /** A word above the heading: what sort of thing this is. */
  kind?: string;
  /** Beside the heading: what can be done here. */
  actions?: ComponentChildren;
  /** Takes the whole width. */
  wide?: boolean;
  children: ComponentChildren;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (arrived) {
      heading.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    arrived = true;
  }, []);
  useEffect(() => {
    document.title = props.title ? `${props.title} · kgplan` : "kgplan";
  }, [props.title]);
  return (
    <article class={props.wide ? "page wide" : "page"}>
      <header class="page-head">
        <div>
          {props.kind && <p class="kind">{props.kind}</p>}
          <h1 ref={heading} tabIndex={-1}>
            <span lang={props.lang}>{props.title}</span>
            {props.other && <small> {props.other}</small>}
          </h1>
        </div>
        {props.actions && <div class="actions">{props.actions}</div>}
      </header>
      {props.children}
    </article>
  );
}
