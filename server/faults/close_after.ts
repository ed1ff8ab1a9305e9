// Fault: a clean end, too early.
import { byteCount, endAfter } from "./end_after.ts";
import { fault, STREAMS } from "./fault.ts";

export const closeAfter = fault({
  name: "close-after",
  value: byteCount,
  chance: { of: "connections", usual: 1 },
  transports: STREAMS,
  help: "a clean end after so many bytes",
  stage: (count, victim) => endAfter(count, victim, () => victim.finish()),
});
