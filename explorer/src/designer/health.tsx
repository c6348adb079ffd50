/** What is to mend in the prerequisites, with a way to each place in the graph. */

import type { ComponentChildren } from "preact";
import { useAnswer } from "../api/answer";
import { answered, client, type Schemas } from "../api/client";
import { naming, number } from "../i18n";
import { href } from "../router";
import { texts as shell } from "../shell/texts";
import { ConceptChip } from "../ui/chips";
import { Few } from "../ui/few";
import { Page } from "../ui/page";
import { Answered } from "../ui/states";
import { CypherButton } from "./cypher";
import "./designer.css";
import type { Edge, Mark, Report } from "./report";
import { texts } from "./texts";

type Named = Schemas["Named"];

const QUESTIONS = ["contradictory_pairs", "cycles", "redundant_edges", "bottlenecks", "orphans"];

export function Health() {
  const say = texts();
  const answer = useAnswer(
    (stop) => answered(client.GET("/v1/graph/health", { signal: stop })),
    [],
  );
  return (
    <Page title={say.health} actions={<CypherButton names={QUESTIONS} />}>
      <p class="lead">{say.healthLead}</p>
      <Answered answer={answer}>{(report) => <Parts report={report} />}</Answered>
    </Page>
  );
}

function Parts({ report }: { report: Report }) {
  return (
    <>
      <Tiles report={report} />
      <Cycles report={report} />
      <Pairs report={report} />
      <Bottlenecks report={report} />
      <Depths report={report} />
      <Redundant report={report} />
      <Coverage report={report} />
    </>
  );
}

function Tiles({ report }: { report: Report }) {
  const say = texts();
  const onCycles = report.cyclic_groups.reduce((sum, group) => sum + group.concepts.length, 0);
  const { coverage } = report;
  const tiles: [number, string, string, bool: boolean][] = [
    [onCycles, say.tileCycles, "cycles", true],
    [report.contradictory_pairs.length, say.tilePairs, "pairs", true],
    [report.bottlenecks.length, say.tileBottlenecks, "bottlenecks", false],
    [report.depth.steps, say.tileDepth, "depth", false],
    [report.redundant_edges.length, say.tileRedundant, "redundant", false],
    [coverage.orphans.length, say.tileOrphans, "coverage", true],
  ];
  return (
    <ul class="plain figures">
      {tiles.map(([n, label, part, bad]) => (
        <li key={label}>
          <a href={`#${part}`} onClick={(event) => jump(event, part)} class={bad && n ? "bad" : ""}>
            <strong>{number(n)}</strong>
            <span>{label}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

/** Goes to a part of the page; the address behind the # names the view. */
function jump(event: Event, part: string): void {
  event.preventDefault();
  const heading = document.getElementById(part);
  heading?.scrollIntoView({ behavior: "smooth", block: "start" });
  heading?.focus({ preventScroll: true });
}

function Part(props: {
  id: string;
  title: string;
  lead: string;
  mark?: Mark;
  children: ComponentChildren;
}) {
  const say = texts();
  return (
    <section class="card part">
      <div class="part-head">
        <h2 id={props.id} tabIndex={-1}>
          {props.title}
        </h2>
        {props.mark && (
          <a class="button quiet" href={href("graph", "", { mark: props.mark })}>
            {say.inGraph}
            <span class="hidden">: {props.title}</span>
          </a>
        )}
      </div>
      <p class="soft">{props.lead}</p>
      {props.children}
    </section>
  );
}

function Name({ of }: { of: Named }) {
  const { main, other, lang } = naming(of);
  return (
    <a
      href={href("concept", of.id)}
      title={lang ? shell().noEnglish : other || undefined}
      lang={lang}
    >
      {main}
    </a>
  );
}

function Chips({ of }: { of: readonly Named[] }) {
  return (
    <Few of={of} few={24}>
      {(some) => (
        <ul class="chips">
          {some.map((each) => (
            <ConceptChip key={each.id} of={each} />
          ))}
        </ul>
      )}
    </Few>
  );
}

function Sources({ of }: { of: Edge }) {
  const say = texts();
  return <>{of.sources.map((each) => say.source[each] ?? each).join(", ")}</>;
}

/** Edges as a table: the two concepts of each, and what there is to say of it. */
function EdgeTable<T>(props: {
  caption: string;
  heads: readonly [before: string, after: string];
  of: readonly T[];
  edgeOf: (row: T) => Edge;
  columns: readonly { head: string; figure?: boolean; cell: (row: T) => ComponentChildren }[];
}) {
  const { heads, columns } = props;
  const look = (column: (typeof columns)[number]) => (column.figure ? "figure" : undefined);
  if (props.of.length === 0) return null;
  return (
    <Few of={props.of}>
      {(some) => (
        <div class="scroll">
          <table>
            <caption class="hidden">{props.caption}</caption>
            <thead>
              <tr>
                {heads.map((each) => (
                  <th key={each} scope="col">
                    {each}
                  </th>
                ))}
                {columns.map((each) => (
                  <th key={each.head} scope="col" class={look(each)}>
                    {each.head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {some.map((row) => {
                const { before, after } = props.edgeOf(row);
                return (
                  <tr key={`${before.id} ${after.id}`}>
                    <td>
                      <Name of={before} />
                    </td>
                    <td>
                      <Name of={after} />
                    </td>
                    {columns.map((each) => (
                      <td key={each.head} class={look(each)}>
                        {each.cell(row)}
                      </td>
                    ))}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </Few>
  );
}

function Cycles({ report }: { report: Report }) {
  const say = texts();
  const groups = report.cyclic_groups;
  return (
    <Part
      id="cycles"
      title={say.cycles}
      lead={groups.length ? say.cyclesLead : say.noCycles}
      mark="cycles"
    >
      {groups.map((group, k) => (
        <details key={group.concepts[0]?.id} open={k === groups.length - 1}>
          <summary>{say.cycleOf(group.concepts.length, group.edges)}</summary>
          <div class="inside">
            <Chips of={group.concepts} />
            <p>{say.breaking(group.breaking.length, group.smallest)}</p>
            <EdgeTable
              caption={say.breaking(group.breaking.length, group.smallest)}
              heads={[say.before, say.after]}
              of={group.breaking}
              edgeOf={(edge) => edge}
              columns={[{ head: say.sources, cell: (edge) => <Sources of={edge} /> }]}
            />
          </div>
        </details>
      ))}
    </Part>
  );
}

function Pairs({ report }: { report: Report }) {
  const say = texts();
  const pairs = report.contradictory_pairs.flatMap(([there, back]) =>
    there && back ? [{ there, back }] : [],
  );
  return (
    <Part id="pairs" title={say.pairs} lead={pairs.length ? say.pairsLead : say.noPairs}>
      <EdgeTable
        caption={say.pairs}
        heads={[say.first, say.second]}
        of={pairs}
        edgeOf={({ there }) => there}
        columns={[
          {
            head: say.sources,
            cell: ({ there, back }) => (
              <>
                → <Sources of={there} /> · ← <Sources of={back} />
              </>
            ),
          },
        ]}
      />
    </Part>
  );
}

function Bottlenecks({ report }: { report: Report }) {
  const say = texts();
  const { bottlenecks } = report;
  const most = bottlenecks[0]?.unreachable ?? 1;
  return (
    <Part
      id="bottlenecks"
      title={say.bottlenecks}
      lead={bottlenecks.length ? say.bottlenecksLead : say.noBottlenecks}
      mark="bottlenecks"
    >
      {bottlenecks.length > 0 && (
        <Few of={bottlenecks}>
          {(some) => (
            <table class="bars">
              <caption class="hidden">{say.bottlenecks}</caption>
              <thead class="hidden">
                <tr>
                  <th scope="col">{say.concept}</th>
                  <th scope="col">{say.unreachable}</th>
                </tr>
              </thead>
              <tbody>
                {some.map(({ concept, unreachable }) => (
                  <tr key={concept.id}>
                    <td>
                      <Name of={concept} />
                    </td>
                    <td>
                      <meter min={0} max={most} value={unreachable} aria-hidden="true" />
                      <span class="figure">
                        {unreachable} <span class="soft">{say.unreachable}</span>
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Few>
      )}
    </Part>
  );
}

function Depths({ report }: { report: Report }) {
  const say = texts();
  const { steps, concepts_at: at, chain } = report.depth;
  const most = Math.max(1, ...at);
  return (
    <Part id="depth" title={say.depthTitle} lead={say.depthLead(steps)} mark="chain">
      <ol class="plain histogram">
        {at.map((n, depth) => (
          <li key={depth} title={say.atDepth(depth, n)}>
            <span class="hidden">{say.atDepth(depth, n)}</span>
            <svg viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden="true">
              <rect x="0" width="10" y={100 - (100 * n) / most} height={(100 * n) / most} />
            </svg>
            <span aria-hidden="true">{depth}</span>
          </li>
        ))}
      </ol>
      <h3>{say.chain}</h3>
      <ol class="chips chain">
        {chain.map((each) => (
          <ConceptChip key={each.id} of={each} />
        ))}
      </ol>
    </Part>
  );
}

function Redundant({ report }: { report: Report }) {
  const say = texts();
  const edges = report.redundant_edges;
  return (
    <Part
      id="redundant"
      title={say.redundant}
      lead={edges.length ? say.redundantLead : say.noRedundant}
    >
      <EdgeTable
        caption={say.redundant}
        heads={[say.before, say.after]}
        of={edges}
        edgeOf={({ edge }) => edge}
        columns={[
          { head: say.sources, cell: ({ edge }) => <Sources of={edge} /> },
          { head: say.byWay, figure: true, cell: ({ steps }) => steps },
          { head: say.together, cell: ({ together }) => (together ? say.yes : say.no) },
        ]}
      />
    </Part>
  );
}

function Coverage({ report }: { report: Report }) {
  const say = texts();
  const { orphans, foundations, without_course, without_item, gaps } = report.coverage;
  const lone = report.lone_alternatives;
  const lists: [string, readonly Named[]][] = [
    [say.orphans, orphans],
    [say.withoutCourse, without_course],
  ];
  if (without_item) lists.push([say.withoutItem, without_item]);
  return (
    <Part id="coverage" title={say.coverage} lead={say.foundations(foundations)} mark="orphans">
      {lists.map(([title, concepts]) => (
        <details key={title}>
          <summary>
            {title} ({concepts.length})
          </summary>
          <div class="inside">{concepts.length ? <Chips of={concepts} /> : say.none}</div>
        </details>
      ))}
      {gaps && (
        <details>
          <summary>
            {say.gaps} ({gaps.length})
          </summary>
          <div class="inside">{gaps.length ? <Gaps of={gaps} /> : say.none}</div>
        </details>
      )}
      {lone.length > 0 && (
        <details>
          <summary>
            {say.lone} ({lone.length})
          </summary>
          <div class="inside">
            <EdgeTable
              caption={say.lone}
              heads={[say.before, say.after]}
              of={lone}
              edgeOf={(edge) => edge}
              columns={[]}
            />
          </div>
        </details>
      )}
    </Part>
  );
}

/** What is needed and has nothing to open on it, with how much needs it. */
function Gaps({ of }: { of: readonly Schemas["Untaught"][] }) {
  const say = texts();
  return (
    <Few of={of}>
      {(some) => (
        <div class="scroll">
          <table>
            <caption class="hidden">{say.gaps}</caption>
            <thead>
              <tr>
                <th scope="col">{say.concept}</th>
                <th scope="col" class="figure">
                  {say.conceptsNeed}
                </th>
                <th scope="col" class="figure">
                  {say.coursesList}
                </th>
              </tr>
            </thead>
            <tbody>
              {some.map(({ concept, needed_by, courses }) => (
                <tr key={concept.id}>
                  <td>
                    <Name of={concept} />
                  </td>
                  <td class="figure">{number(needed_by.length)}</td>
                  <td class="figure">{number(courses.length)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Few>
  );
}
