/** What a learning platform's launch hands over to the page that it opens.
 *
 * It stands in the page and is read once; the page then goes on at the explorer's own address, so
 * that a reload does not ask for a launch that was used.
 */

import { keep, recall } from "./kept";

const TICKET = "kgplan.ticket";

interface Handed {
  token?: string;
  /** What a choice is answered with. */
  ticket?: string;
  /** Why the launch opens nothing (RFC 9457). */
  problem?: { type: string; title: string; detail: string };
  /** The view to open, behind the `#`. */
  address?: string;
}

function taken(): Handed {
  const given = document.getElementById("handed");
  if (!given) return {};
  const handed = JSON.parse(given.textContent) as Handed;
  given.remove();
  history.replaceState(null, "", new URL(handed.address ?? "", document.baseURI));
  return handed;
}

const handed = taken();

/** The token of this visit; "" where the page was opened otherwise. */
export const handedToken = handed.token ?? "";

/** Why a launch opened nothing; null where none did so. */
export const refusal = handed.problem ?? null;

/** The ticket of the choice that was asked for; "" where none was. */
export const ticket = handed.ticket ?? recall("sessionStorage", TICKET);

keep("sessionStorage", TICKET, ticket);
