import { RESETTABLE } from "../../net/transports.ts";
import { duration, range } from "../../values/value_types.ts";
import { endAt } from "./close_at.ts";
import { fault } from "./fault.ts";

export const resetAt = fault({
  name: "reset-at",
  value: range(duration),
  transports: RESETTABLE,
  help: "reset this long after accept",
  resets: true,
  stage: (chunks, time, context) => endAt(chunks, time, context, context.reset),
});
