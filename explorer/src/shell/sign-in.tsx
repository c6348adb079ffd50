/** The panel that takes an access token. */

import { useEffect, useRef, useState } from "preact/hooks";
import { claimsOf, signIn, token } from "../api/session";
import { PanelHead } from "../ui/panel";
import { texts } from "./texts";

/** Whether a learning platform shows this page in its own. */
const embedded = window.parent !== window;

export function SignIn() {
  const say = texts();
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState("");
  const open = signIn.value !== "closed";
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open) dialog.current?.close();
  }, [open]);

  function submit(event: Event): void {
    event.preventDefault();
    token.value = typed.trim().replace(/^bearer\s+/i, "");
    setTyped("");
    signIn.value = "closed";
  }

  function signOut(): void {
    token.value = "";
    signIn.value = "closed";
  }

  const claims = claimsOf(token.value);
  const expired = claims.exp !== undefined && claims.exp * 1000 < Date.now();
  const ended = claims.iss?.endsWith("/lti") ? say.visitEnded : say.tokenExpired;
  return (
    <dialog
      ref={dialog}
      class="panel"
      aria-labelledby="sign-in-title"
      onClose={() => (signIn.value = "closed")}
    >
      <form onSubmit={submit}>
        <PanelHead
          id="sign-in-title"
          title={say.signInTitle}
          onClose={() => (signIn.value = "closed")}
        />
        {signIn.value === "asked" && <p>{embedded ? say.visitEnded : say.signInAsked}</p>}
        {token.value && <p>{expired ? ended : say.signedIn(claims.sub ?? "?")}</p>}
        <p class="soft">{say.signInHow}</p>
        <label class="field">
          {say.token}
          <input
            type="password"
            autocomplete="off"
            spellcheck={false}
            required
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <div class="panel-foot">
          {token.value && (
            <button type="button" class="quiet" onClick={signOut}>
              {say.signOut}
            </button>
          )}
          <button type="submit">{say.signIn}</button>
        </div>
      </form>
    </dialog>
  );
}
