import { Page } from "../ui/page";

export function Graph() {
  return <Page title="Graph"> </Page>;
}
