/** Who asks: a bearer token, kept in this tab only, and whether the service has asked for one. */

import { effect, signal } from "@preact/signals";
import { handedToken } from "./handed";
import { keep, recall } from "./kept";

const PLACE = "kgplan.token";

export const token = signal(handedToken || recall("sessionStorage", PLACE));

/** Why the sign-in panel is open: asked for by the service, by the reader, or it is closed. */
export const signIn = signal<"closed" | "asked" | "wanted">("closed");

effect(() => keep("sessionStorage", PLACE, token.value));

export interface Claims {
  /** `…/lti` where a learning platform opened the page. */
  iss?: string;
  sub?: string;
  /** Seconds since 1970. */
  exp?: number;
  scope?: string | string[];
  learner_id?: string;
}

/** What a token says about itself; the service alone judges whether it is true.
 *
 * Empty for what is not a JSON Web Token.
 */
export function claimsOf(jwt: string): Claims {
  try {
    const body = (jwt.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    const found: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}
