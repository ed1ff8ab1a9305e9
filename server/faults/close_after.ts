import { byteCount, endAfter } from "./end_after.ts";
import { STREAMS } from "../../net/transports.ts";
import { fault } from "./fault.ts";

export const closeAfter = fault({
  name: "close-after",
  value: byteCount,
  transports: STREAMS,
  help: "close the connection cleanly after this many bytes; 0: at once",
  stage: (chunks, count, context) => endAfter(chunks, count, context, context.finish),
});
