/** Where one begins: the search, and a way in for designers and for tutors. */

import { useAnswer } from "../api/answer";
import { answered, client } from "../api/client";
import { href } from "../router";
import { Search } from "../shell/search";
import { texts as shell } from "../shell/texts";
import { Chip, ConceptChip } from "../ui/chips";
import { Page } from "../ui/page";
import { Answered } from "../ui/states";
import "./designer.css";
import { texts } from "./texts";

const SUGGESTED = 14;

export function Home() {
  const say = texts();
  const answer = useAnswer(
    (stop) =>
      Promise.all([
        answered(client.GET("/v1/graph", { params: { query: { limit: 1 } }, signal: stop })),
        answered(
          client.GET("/v1/concepts", { params: { query: { limit: SUGGESTED } }, signal: stop }),
        ),
      ]),
    [],
  );
  return (
    <div class="home">
      <Page title={shell().tagline}>
        <p class="lead">{say.homeLead}</p>
        <Search large />
        <Answered answer={answer}>
          {([graph, { found }]) => (
            <>
              <section>
                <h2 class="kind">{say.startWith}</h2>
                <ul class="chips">
                  {found
                    .filter((each) => each.unlocks > 0)
                    .map((each) => (
                      <ConceptChip key={each.id} of={each} />
                    ))}
                </ul>
              </section>
              {Object.keys(graph.fields).some(Boolean) && (
                <section>
                  <h2 class="kind">{say.fields}</h2>
                  <ul class="chips">
                    {Object.entries(graph.fields).map(([name, n]) => (
                      <Chip key={name} to={href("graph", "", { field: name })}>
                        {name || say.noField} <span class="soft">{n}</span>
                      </Chip>
                    ))}
                  </ul>
                </section>
              )}
            </>
          )}
        </Answered>
        <div class="ways">
          <section class="card">
            <h2>{say.forDesigners}</h2>
            <p class="soft">{say.forDesignersLead}</p>
            <p class="actions">
              <a class="button" href="#/graph">
                {say.toGraph}
              </a>
              <a class="button quiet" href="#/health">
                {say.toHealth}
              </a>
              <a class="button quiet" href="#/courses">
                {say.toCourses}
              </a>
            </p>
          </section>
          <section class="card">
            <h2>{say.forTutors}</h2>
            <p class="soft">{say.forTutorsLead}</p>
            <p class="actions">
              <a class="button" href="#/learner">
                {say.toLearner}
              </a>
            </p>
          </section>
        </div>
      </Page>
    </div>
  );
}
