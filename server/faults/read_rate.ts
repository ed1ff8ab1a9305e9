// Fault: the server takes bytes slowly.
import { fault, STREAMS } from "./fault.ts";
import { byteRate, paced } from "./paced.ts";

export const readRate = fault({
  name: "read-rate",
  value: byteRate,
  chance: { of: "connections", usual: 1 },
  transports: STREAMS,
  help: "so many bytes a second are taken from the client",
  holdsReading: true,
  stage: paced,
});
