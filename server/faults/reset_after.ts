// Fault: a reset.
import { byteCount, endAfter } from "./end_after.ts";
import { fault } from "./fault.ts";

export const resetAfter = fault({
  name: "reset-after",
  value: byteCount,
  chance: { of: "connections", usual: 1 },
  transports: ["tcp", "tls"],
  help: "RST after so many bytes",
  resets: true,
  stage: (count, victim) => endAfter(count, victim, () => victim.reset()),
});
