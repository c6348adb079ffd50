/** The view in which a launch says why it opens nothing. */

import { refusal } from "../api/handed";
import { Page } from "../ui/page";
import { texts } from "./texts";

export function Refused() {
  const say = texts();
  return (
    <Page title={say.refused}>
      <p>{say.openAgain}</p>
      {refusal && (
        <p class="soft small" lang="en">
          {refusal.detail}
        </p>
      )}
    </Page>
  );
}
