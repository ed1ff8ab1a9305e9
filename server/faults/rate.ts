// Fault: answers are slow.
import { ALL, fault } from "./fault.ts";
import { byteRate, paced } from "./paced.ts";

export const rate = fault({
  name: "rate",
  value: byteRate,
  chance: { of: "connections", usual: 1 },
  transports: ALL,
  help: "so many bytes a second come back, at most",
  stage: paced,
});
