import { Page } from "../ui/page";

export function Courses() {
  return <Page title="Courses"> </Page>;
}
