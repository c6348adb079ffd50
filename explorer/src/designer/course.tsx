import { Page } from "../ui/page";

export function Course() {
  return <Page title="Course"> </Page>;
}
