/** The head of a dialog: its title, which names it, and the button that closes it. */

import { texts } from "../shell/texts";
import { IconButton } from "./icons";

/** Stands in a `dialog` of the class `panel` that is labelled by `id`. */
export function PanelHead(props: { id: string; title: string; onClose: () => void }) {
  return (
    <div class="panel-head">
      <h2 id={props.id}>{props.title}</h2>
      <IconButton icon="close" label={texts().close} onClick={props.onClose} />
    </div>
  );
}
