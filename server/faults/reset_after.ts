import { RESETTABLE } from "../../net/transports.ts";
import { byteCount, endAfter } from "./close_after.ts";
import { fault } from "./fault.ts";

export const resetAfter = fault({
  name: "reset-after",
  otherNames: ["reset"],
  value: byteCount,
  transports: RESETTABLE,
  help: "reset after this many bytes",
  resets: true,
  stage: (chunks, count, context) => endAfter(chunks, count, context, context.reset),
});
