import { byteCount, endAfter } from "./end_after.ts";
import { SCHEMES, TRANSPORTS } from "../../net/transports.ts";
import { fault } from "./fault.ts";

export const resetAfter = fault({
  name: "reset-after",
  otherNames: ["reset"],
  value: byteCount,
  transports: SCHEMES.filter((scheme) => TRANSPORTS[scheme].canBeReset),
  help: "reset the connection after this many bytes; 0: at once",
  resets: true,
  stage: (chunks, count, context) => endAfter(chunks, count, context, context.reset),
});
