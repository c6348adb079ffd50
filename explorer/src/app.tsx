/** The page: the header, the view that the address names, and the sign-in panel. */

import type { ComponentType } from "preact";
import { Concept } from "./designer/concept";
import { Course } from "./designer/course";
import { Courses } from "./designer/courses";
import { Graph } from "./designer/graph";
import { Health } from "./designer/health";
import { Home } from "./designer/home";
import { Learner } from "./learner/learner";
import { Choose } from "./lti/choose";
import { Refused } from "./lti/refused";
import { Place } from "./place/place";
import { route } from "./router";
import { Class } from "./running/class";
import { Footer } from "./shell/footer";
import { Header } from "./shell/header";
import { SignIn } from "./shell/sign-in";
import { texts } from "./shell/texts";
import { Page } from "./ui/page";

/** A view takes what follows its name in the address. */
type View = ComponentType<{ argument: string }>;

const VIEWS: Record<string, View> = {
  "": Home,
  choose: Choose,
  class: Class,
  concept: Concept,
  courses: Courses,
  course: Course,
  graph: Graph,
  health: Health,
  learner: Learner,
  place: Place,
  refused: Refused,
};

export function App() {
  const { place, argument } = route.value;
  const View = VIEWS[place] ?? NotFound;
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        {texts().skip}
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        <View argument={argument} key={`${place}/${argument}`} />
      </main>
      <Footer />
      <SignIn />
    </>
  );
}

function skipToMain(event: Event): void {
  event.preventDefault(); // the address behind the # names the view
  document.getElementById("main")?.focus();
}

function NotFound() {
  const say = texts();
  return (
    <Page title={say.notFoundTitle}>
      <p>{say.notFound}</p>
      <p>
        <a href="#/">{say.home}</a>
      </p>
    </Page>
  );
}
