import { fault, STREAMS } from "./fault.ts";
import { byteRate, paced } from "./paced.ts";

export const readRate = fault({
  name: "read-rate",
  value: byteRate,
  transports: STREAMS,
  help: "so many bytes a second are taken from the client",
  holdsReading: true,
  stage: paced,
});
