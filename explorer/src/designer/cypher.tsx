/** The same question in Cypher: to copy, or to open in Neo4j Browser. */

import { useRef, useState } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { answered, client, type Schemas } from "../api/client";
import { Icon } from "../ui/icons";
import { PanelHead } from "../ui/panel";
import { Answered } from "../ui/states";
import { texts } from "./texts";

type Values = Record<string, string | number>;

/** A button that opens the panel.
 *
 * @param names of the designers' questions (cypher/designer) that belong to this view, best first.
 * @param values of their parameters; the examples' own values count for the others.
 */
export function CypherButton(props: { names: readonly string[]; values?: Values }) {
  const say = texts();
  const dialog = useRef<HTMLDialogElement>(null);
  const [wanted, setWanted] = useState(false);
  const answer = useAnswer(
    wanted ? (stop) => answered(client.GET("/v1/graph/questions", { signal: stop })) : null,
    [wanted],
  );
  return (
    <>
      <button
        type="button"
        class="quiet"
        onClick={() => {
          setWanted(true);
          dialog.current?.showModal();
        }}
      >
        {say.cypher}
      </button>
      <dialog ref={dialog} class="panel cypher" aria-labelledby="cypher-title">
        <PanelHead
          id="cypher-title"
          title={say.cypherTitle}
          onClose={() => dialog.current?.close()}
        />
        <p class="soft">{say.cypherHow}</p>
        <Answered answer={answer}>
          {(data) => <Questions data={data} names={props.names} values={props.values ?? {}} />}
        </Answered>
      </dialog>
    </>
  );
}

function Questions(props: {
  data: Schemas["QuestionsOut"];
  names: readonly string[];
  values: Values;
}) {
  const say = texts();
  const [at, setAt] = useState(0);
  const [copied, setCopied] = useState(false);
  const { browser, questions } = props.data;
  const listed = props.names.flatMap((name) => questions.filter((each) => each.name === name));
  const question = listed[at];
  if (!question) return null;
  const cypher = filled(question.cypher, { ...question.parameters, ...props.values });

  async function copy(): Promise<void> {
    await navigator.clipboard.writeText(cypher);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  }

  return (
    <>
      <label class="field">
        {say.question}
        <select value={at} onChange={(event) => setAt(Number(event.currentTarget.value))}>
          {listed.map((each, place) => (
            <option key={each.name} value={place}>
              {each.asks}
            </option>
          ))}
        </select>
      </label>
      {/* a long line scrolls: the box takes the focus so that the keyboard can scroll it */}
      <pre tabIndex={0} role="region" aria-label="Cypher">
        {cypher}
      </pre>
      {browser === null && <p class="soft small">{say.noBrowser}</p>}
      <div class="panel-foot">
        <span role="status">{copied ? say.copied : ""}</span>
        <button type="button" class="quiet" onClick={() => void copy()}>
          <Icon name="copy" />
          {say.copy}
        </button>
        {browser !== null && (
          <a class="button" href={inBrowser(browser, cypher)} target="_blank" rel="noreferrer">
            <Icon name="out" />
            {say.inBrowser}
          </a>
        )}
      </div>
    </>
  );
}

/** A statement that runs as it stands: its parameters as literals, without the lines that set them. */
export function filled(cypher: string, values: Values): string {
  return cypher
    .split("\n")
    .filter((line) => !line.startsWith("// :param"))
    .join("\n")
    .replace(/\$(\w+)/g, (whole, name: string) => {
      const value = values[name];
      return value === undefined ? whole : literal(value);
    });
}

function literal(value: string | number): string {
  if (typeof value === "number") return String(value);
  return `'${value.replace(/\\/g, "\\\\").replace(/'/g, "\\'")}'`;
}

/** The address that opens Neo4j Browser with a statement in its editor. */
export function inBrowser(browser: string, cypher: string): string {
  return `${browser}?cmd=edit&arg=${encodeURIComponent(cypher)}`;
}
