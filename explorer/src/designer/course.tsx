/** A course's map: its concepts by depth, and what it takes for granted. */

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { answered, client, type Schemas } from "../api/client";
import { type Drawn, GraphCanvas } from "../graph/canvas";
import { naming, shortId } from "../i18n";
import { kindOf } from "../kinds";
import { go, href } from "../router";
import { mayTeach } from "../running/class";
import { language } from "../shell/preferences";
import { texts as shell } from "../shell/texts";
import { Unnamed } from "../ui/names";
import { Page } from "../ui/page";
import { Answered, Empty } from "../ui/states";
import { ConceptList, Layers, neighbourNote } from "./concept-list";
import { CypherButton } from "./cypher";
import "./designer.css";
import { drawnEdge, drawnNode } from "./drawn";
import { Items } from "./items";
import { Legend } from "./legend";
import { Pair } from "./pair";
import { texts } from "./texts";

type Map = Schemas["CourseMap"];

const FEW_ITEMS = 10;
const QUESTIONS = ["course", "course_gaps", "overlapping_courses"];

export function Course(props: { argument: string }) {
  const id = props.argument;
  const answer = useAnswer(
    (stop) =>
      Promise.all([
        answered(
          client.GET("/v1/courses/{course_id}/map", {
            params: { path: { course_id: id } },
            signal: stop,
          }),
        ),
        answered(
          client.GET("/v1/courses/{course_id}", {
            params: { path: { course_id: id } },
            signal: stop,
          }),
        ),
      ]),
    [id],
  );
  return (
    <Answered answer={answer} place="course" page>
      {([map, about]) => <CourseMap map={map} about={about} />}
    </Answered>
  );
}

function CourseMap({ map, about }: { map: Map; about: Schemas["AboutCourse"] }) {
  const say = texts();
  const { main, lang } = naming({ id: map.course_id, name: map.name });
  const chosen = useSignal("");
  const drawn = useMemo(() => drawnOf(map), [map, language.value]);
  const near = neighbourNote(map.concepts, map.edges);
  const taught = new Set(about.concepts.filter((each) => each.taught).map((each) => each.id));
  const note = (each: Schemas["Place"]) =>
    [taught.has(each.id) ? "" : say.notTaught, near(each)].filter(Boolean).join(" · ");
  const facts = [...about.schools, ...about.fields, say.courseFacts(about.learners)];
  const kind = kindOf(about.items.map((each) => each.kind));
  const missing = map.missing.toSorted((a, b) => b.depth - a.depth);
  const counts = [say.concepts(map.concepts.length), say.edges(map.edges.length)] as const;
  return (
    <Page
      wide
      kind={[say.course, shortId(map.course_id), ...facts, ...counts].join(" · ")}
      title={main}
      lang={lang}
      other={lang ? shell().noEnglish : ""}
      actions={
        <>
          <a class="button quiet" href={href("learner", "", { course: map.course_id })}>
            {say.wayIn}
          </a>
          {mayTeach() && (
            <a class="button quiet" href={href("class", map.course_id)}>
              {say.class}
            </a>
          )}
          <CypherButton names={QUESTIONS} values={{ course_id: map.course_id }} />
        </>
      }
    >
      {map.concepts.length === 0 ? (
        <Empty>{say.noConcepts}</Empty>
      ) : (
        <>
          <div class="controls">
            <Legend looks={[]} edges={map.edges} />
          </div>
          <Pair
            phone="list"
            picture={
              <GraphCanvas
                drawn={drawn}
                label={say.mapOf(map.name, ...counts)}
                chosen={chosen}
                onOpen={(id) => go("concept", id)}
              />
            }
            list={
              <>
                <Unnamed of={map.concepts} />
                <Layers concepts={map.concepts} chosen={chosen} note={note} />
                <section>
                  <h2>{say.missing}</h2>
                  <p class="soft">{missing.length ? say.missingLead : say.noMissing}</p>
                  <ConceptList
                    concepts={missing}
                    chosen={chosen}
                    note={(each) => say.neededBy(each.depth)}
                  />
                </section>
              </>
            }
          />
          <section class="taught">
            <h2>{say.itemsTitle[kind]}</h2>
            <p class="soft">
              {about.items.length > 0
                ? say.coverageOf(taught.size, map.concepts.length, kind)
                : say.noItems}
            </p>
            <Items of={about.items} few={FEW_ITEMS} />
          </section>
        </>
      )}
    </Page>
  );
}

function drawnOf(map: Map): Drawn {
  return {
    nodes: map.concepts.map((each) => drawnNode(each, each.depth, "plain")),
    edges: map.edges.map(drawnEdge),
  };
}
