import { byteCount, endAfter } from "./end_after.ts";
import { fault, STREAMS } from "./fault.ts";

export const closeAfter = fault({
  name: "close-after",
  value: byteCount,
  transports: STREAMS,
  help: "a clean end after so many bytes",
  stage: (chunks, count, context) => endAfter(chunks, count, context, context.finish),
});
