import { Page } from "../ui/page";

export function Health() {
  return <Page title="Health"> </Page>;
}
