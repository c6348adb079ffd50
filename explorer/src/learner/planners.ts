/** Which planners the service has. */

import { answered, client, type Schemas } from "../api/client";
import { useAnswer } from "../api/answer";

export type Planner = Schemas["PlannerOut"];

/** The planners and the default's name; undefined until the service has told. */
export function usePlanners(): Schemas["PlannersOut"] | undefined {
  return useAnswer((stop) => answered(client.GET("/v1/planners", { signal: stop })), []).data;
}
