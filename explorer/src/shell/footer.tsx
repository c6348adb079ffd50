/** Below every view: whose data it shows, and the way to the service's description. */

import { useAnswer } from "../api/answer";
import { answered, client } from "../api/client";
import { texts } from "./texts";

export function Footer() {
  const say = texts();
  const { data } = useAnswer((stop) => answered(client.GET("/health", { signal: stop })), []);
  return (
    <footer class="foot">
      {data && (
        <span>
          {data.source.title ? say.source(data.source.title, data.source.licence) : say.noSource}
        </span>
      )}
      <a href="docs">{say.api}</a>
    </footer>
  );
}
