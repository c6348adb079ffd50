/** All concepts at once, or those of a field, with what the health report found marked. */

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { answered, client, type Schemas } from "../api/client";
import { type Drawn, GraphCanvas, edgeId } from "../graph/canvas";
import { go, refine, route } from "../router";
import { language } from "../shell/preferences";
import { Unnamed } from "../ui/names";
import { Page } from "../ui/page";
import { Answered } from "../ui/states";
import { ConceptList, Layers, neighbourNote } from "./concept-list";
import { CypherButton } from "./cypher";
import "./designer.css";
import { drawnEdge, drawnNode } from "./drawn";
import { Legend } from "./legend";
import { Pair } from "./pair";
import { MARKS, type Mark, type Report } from "./report";
import { texts } from "./texts";

type Whole = Schemas["WholeGraph"];

const FIELD_COLOURS = 5; // the last one is shared by all smaller fields
const MOST = 2000; // concepts that a browser draws smoothly
const QUESTIONS = [
  "contradictions",
  "cycles",
  "soft_edges",
  "alternatives",
  "bottlenecks",
  "orphans",
  "fields",
];

export function Graph() {
  const { query } = route.value;
  const field = query.get("field");
  const mark = MARKS.find((each) => each === query.get("mark"));
  const whole = useAnswer(
    (stop) =>
      answered(
        client.GET("/v1/graph", {
          params: { query: { limit: MOST, ...(field === null ? {} : { field }) } },
          signal: stop,
        }),
      ),
    [field],
  );
  const health = useAnswer(
    mark ? (stop) => answered(client.GET("/v1/graph/health", { signal: stop })) : null,
    [mark !== undefined],
  );
  const say = texts();
  return (
    <Page wide title={say.graph} actions={<CypherButton names={QUESTIONS} />}>
      <Answered answer={whole}>
        {(data) =>
          mark ? (
            <Answered answer={health}>
              {(report) => <Everything whole={data} field={field} mark={mark} health={report} />}
            </Answered>
          ) : (
            <Everything whole={data} field={field} />
          )
        }
      </Answered>
    </Page>
  );
}

function Everything(props: { whole: Whole; field: string | null; mark?: Mark; health?: Report }) {
  const say = texts();
  const { whole, field, mark, health } = props;
  const chosen = useSignal("");
  const marks = useMemo(() => (mark && health ? marked(health, mark) : NOTHING), [mark, health]);
  const drawn = useMemo(() => drawnOf(whole, marks), [whole, marks, language.value]);
  const note = useMemo(() => neighbourNote(whole.concepts, whole.edges), [whole]);
  const picked = whole.concepts.filter((each) => marks.concepts.has(each.id));
  const rest = whole.concepts.filter((each) => !marks.concepts.has(each.id));
  const counts = [say.concepts(whole.concepts.length), say.edges(whole.edges.length)] as const;
  const words: Record<Mark, string> = {
    cycles: say.markCycles,
    bottlenecks: say.markBottlenecks,
    orphans: say.markOrphans,
    chain: say.markChain,
  };
  return (
    <>
      <div class="controls">
        <label class="inline-field">
          {say.field}
          <select
            value={field === null ? "*" : `=${field}`}
            onChange={(event) => {
              const { value } = event.currentTarget;
              go("graph", "", { field: value === "*" ? null : value.slice(1), mark: mark ?? null });
            }}
          >
            <option value="*">{say.allFields}</option>
            {Object.entries(whole.fields).map(([name, n]) => (
              <option key={name} value={`=${name}`}>
                {name || say.noField} ({n})
              </option>
            ))}
          </select>
        </label>
        <label class="inline-field">
          {say.marks}
          <select
            value={mark ?? ""}
            onChange={(event) => refine({ mark: event.currentTarget.value })}
          >
            <option value="">{say.markNothing}</option>
            {MARKS.map((each) => (
              <option key={each} value={each}>
                {words[each]}
              </option>
            ))}
          </select>
        </label>
        <span class="soft" role="status">
          {say.graphNow(whole.concepts.length, whole.total)} · {counts[1]}
        </span>
        {mark ? (
          <Legend looks={["marked"]} edges={whole.edges} />
        ) : (
          <Fields of={Object.keys(whole.fields)} />
        )}
      </div>
      <Pair
        phone="list"
        picture={
          <GraphCanvas
            drawn={drawn}
            label={say.mapOf(field ?? say.graph, ...counts)}
            chosen={chosen}
            onOpen={(id) => go("concept", id)}
          />
        }
        list={
          <div class="layers">
            <Unnamed of={whole.concepts} />
            {mark && (
              <section>
                <h2>{say.markedHere(words[mark], picked.length)}</h2>
                <ConceptList concepts={picked} chosen={chosen} note={note} />
              </section>
            )}
            <Layers concepts={rest} chosen={chosen} note={note} />
          </div>
        }
      />
    </>
  );
}

/** What the colours mean. */
function Fields(props: { of: readonly string[] }) {
  const say = texts();
  const named = props.of.slice(0, FIELD_COLOURS - 1);
  return (
    <ul class="legend plain">
      {named.map((name, k) => (
        <li key={name}>
          <span class={`swatch field-${k + 1}`} />
          {name || say.noField}
        </li>
      ))}
      {props.of.length > named.length && (
        <li>
          <span class={`swatch field-${FIELD_COLOURS}`} />
          {say.otherFields}
        </li>
      )}
    </ul>
  );
}

interface Marked {
  concepts: Set<string>;
  /** By `edgeId`. */
  edges: Set<string>;
}

const NOTHING: Marked = { concepts: new Set(), edges: new Set() };

function marked(health: Report, mark: Mark): Marked {
  const named = {
    cycles: health.cyclic_groups.flatMap((group) => group.concepts),
    bottlenecks: health.bottlenecks.map((each) => each.concept),
    orphans: health.coverage.orphans,
    chain: health.depth.chain,
  };
  const concepts = named[mark].map((each) => each.id);
  const steps = concepts.slice(1).map((after, k) => edgeId(concepts[k] ?? "", after));
  const breaking = health.cyclic_groups.flatMap((group) =>
    group.breaking.map((edge) => edgeId(edge.before.id, edge.after.id)),
  );
  const edges = { cycles: breaking, bottlenecks: [], orphans: [], chain: steps };
  return { concepts: new Set(concepts), edges: new Set(edges[mark]) };
}

function drawnOf(whole: Whole, marks: Marked): Drawn {
  const any = marks.concepts.size > 0;
  const fields = Object.keys(whole.fields);
  return {
    nodes: whole.concepts.map((each) => {
      const field = Math.min(fields.indexOf(each.field) + 1, FIELD_COLOURS);
      if (!any) return { ...drawnNode(each, each.depth, "plain"), field };
      return drawnNode(each, each.depth, marks.concepts.has(each.id) ? "marked" : "faint");
    }),
    edges: whole.edges.map((edge) => ({
      ...drawnEdge(edge),
      marked: marks.edges.has(edgeId(edge.before, edge.after)),
    })),
  };
}
