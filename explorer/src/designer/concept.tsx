import { Page } from "../ui/page";

export function Concept() {
  return <Page title="Concept"> </Page>;
}
