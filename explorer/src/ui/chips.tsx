/** A short link among others, in a list of the class `chips`. */

import type { ComponentChildren } from "preact";
import { naming } from "../i18n";
import { href } from "../router";
import { texts } from "../shell/texts";

export function Chip(props: { to: string; children: ComponentChildren }) {
  return (
    <li>
      <a class="chip" href={props.to}>
        {props.children}
      </a>
    </li>
  );
}

/** A concept's name, which leads to it. */
export function ConceptChip({ of }: { of: Parameters<typeof naming>[0] }) {
  const { main, lang } = naming(of);
  return (
    <Chip to={href("concept", of.id)}>
      <span lang={lang} title={lang && texts().noEnglish}>
        {main}
      </span>
    </Chip>
  );
}
