/** The view of a learner or tutor: `#/learner/U_1000?course=C_1`. */

import { Page } from "../ui/page";
import { texts } from "./texts";

export function Learner(props: { argument: string }) {
  return <Page title={texts().title}>{props.argument}</Page>;
}
