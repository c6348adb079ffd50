/** A concept: what must be known before it, and what it unlocks. */

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { answered, client, type Schemas } from "../api/client";
import { type Drawn, GraphCanvas, edgeId } from "../graph/canvas";
import { naming } from "../i18n";
import { go, refine, route } from "../router";
import { language } from "../shell/preferences";
import { texts as shell } from "../shell/texts";
import { Unnamed } from "../ui/names";
import { Page } from "../ui/page";
import { Answered } from "../ui/states";
import { ConceptList, neighbourNote } from "./concept-list";
import { CypherButton } from "./cypher";
import { Definition } from "./definition";
import "./designer.css";
import { drawnEdge, drawnNode } from "./drawn";
import { TaughtIn } from "./items";
import { Legend } from "./legend";
import { Pair } from "./pair";
import { texts } from "./texts";

type Around = Schemas["Around"];
type About = Schemas["AboutConcept"];

const DEPTH = { before: 2, after: 1, most: 8 };
const QUESTIONS = [
  "around_concept",
  "leads_to",
  "unlocks",
  "only_through",
  "redundant_edges_from",
  "similar_to",
];

export function Concept(props: { argument: string }) {
  const id = props.argument;
  const { query } = route.value;
  const before = depthOf(query.get("before"), DEPTH.before);
  const after = depthOf(query.get("after"), DEPTH.after);
  const answer = useAnswer((stop) => around(id, before, after, stop), [id, before, after]);
  return (
    <Answered answer={answer} place="concept" page>
      {([up, down, about]) => (
        <Chain up={up} down={down} about={about} before={before} after={after} />
      )}
    </Answered>
  );
}

function depthOf(text: string | null, otherwise: number): number {
  const found = Math.round(Number(text ?? otherwise));
  return found >= 0 && found <= DEPTH.most ? found : otherwise;
}

function around(
  id: string,
  before: number,
  after: number,
  stop: AbortSignal,
): Promise<[Around, Around, About]> {
  const params = (depth: number) => ({
    params: { path: { concept_id: id }, query: { depth: Math.max(depth, 1) } },
    signal: stop,
  });
  const cut = (found: Around, depth: number): Around =>
    depth > 0 ? found : { ...found, concepts: [], edges: [], deeper: found.concepts.length > 0 };
  return Promise.all([
    answered(client.GET("/v1/concepts/{concept_id}/prerequisites", params(before))).then((found) =>
      cut(found, before),
    ),
    answered(client.GET("/v1/concepts/{concept_id}/unlocks", params(after))).then((found) =>
      cut(found, after),
    ),
    answered(
      client.GET("/v1/concepts/{concept_id}", {
        params: { path: { concept_id: id } },
        signal: stop,
      }),
    ),
  ]);
}

function Chain(props: { up: Around; down: Around; about: About; before: number; after: number }) {
  const say = texts();
  const { up, down } = props;
  const { concept } = up;
  const { main, other, lang } = naming(concept);
  const chosen = useSignal("");
  const drawn = useMemo(() => drawnOf(up, down), [up, down, language.value]);
  const everyone = [concept, ...up.concepts, ...down.concepts];
  const note = neighbourNote(everyone, [...up.edges, ...down.edges]);
  const counts = [say.concepts(drawn.nodes.length), say.edges(drawn.edges.length)] as const;
  return (
    <Page
      wide
      kind={[say.concept, concept.field].filter(Boolean).join(" · ")}
      title={main}
      lang={lang}
      other={lang ? shell().noEnglish : other}
      actions={<CypherButton names={QUESTIONS} values={{ concept_id: concept.id }} />}
    >
      <Definition text={props.about.definition} />
      <div class="controls">
        <Depth
          label={say.stepsBefore}
          value={props.before}
          onChange={(value) => refine({ before: value })}
        />
        <Depth
          label={say.stepsAfter}
          value={props.after}
          onChange={(value) => refine({ after: value })}
        />
        <Legend looks={["focus", "before", "after"]} edges={[...up.edges, ...down.edges]} />
      </div>
      <Pair
        phone="picture"
        picture={
          <GraphCanvas
            drawn={drawn}
            label={say.mapOf(main, ...counts)}
            chosen={chosen}
            onOpen={(id) => go("concept", id)}
          />
        }
        list={
          <>
            <Unnamed of={everyone} />
            <Steps
              title={say.chainBefore}
              found={up}
              empty={say.nothingBefore}
              chosen={chosen}
              note={note}
            />
            <Steps
              title={say.chainAfter}
              found={down}
              empty={say.nothingAfter}
              chosen={chosen}
              note={note}
            />
          </>
        }
      />
      <TaughtIn about={props.about} />
    </Page>
  );
}

function Steps(props: {
  title: string;
  found: Around;
  empty: string;
  chosen: Parameters<typeof ConceptList>[0]["chosen"];
  note: (concept: Schemas["Place"]) => string;
}) {
  const say = texts();
  const { concepts, deeper } = props.found;
  const depths = [...new Set(concepts.map((each) => each.depth))];
  return (
    <section>
      <h2>{props.title}</h2>
      {concepts.length === 0 && !deeper && <p class="soft">{props.empty}</p>}
      {depths.map((depth) => (
        <div key={depth}>
          <h3 class="step-head">{say.step(depth)}</h3>
          <ConceptList
            concepts={concepts.filter((each) => each.depth === depth)}
            chosen={props.chosen}
            note={props.note}
          />
        </div>
      ))}
      {deeper && <p class="soft">{say.deeper}</p>}
    </section>
  );
}

function Depth(props: { label: string; value: number; onChange: (value: number) => void }) {
  return (
    <label class="depth">
      <span>{props.label}</span>
      <input
        type="range"
        min={0}
        max={DEPTH.most}
        value={props.value}
        onChange={(event) => props.onChange(Number(event.currentTarget.value))}
      />
      <output>{props.value}</output>
    </label>
  );
}

/** What comes before stands left of the concept, what it unlocks right; on a cycle, left. */
function drawnOf(up: Around, down: Around): Drawn {
  const left = new Set(up.concepts.map((each) => each.id));
  const right = down.concepts.filter((each) => !left.has(each.id));
  const edges = new Map(
    [...up.edges, ...down.edges].map((edge) => [edgeId(edge.before, edge.after), edge]),
  );
  return {
    nodes: [
      drawnNode(up.concept, 0, "focus"),
      ...up.concepts.map((each) => drawnNode(each, -each.depth, "before")),
      ...right.map((each) => drawnNode(each, each.depth, "after")),
    ],
    edges: [...edges.values()].map(drawnEdge),
  };
}
