import { ALL, fault } from "./fault.ts";
import { byteRate, paced } from "./paced.ts";

export const rate = fault({
  name: "rate",
  otherNames: ["bandwidth", "throttle"],
  value: byteRate,
  transports: ALL,
  help: "bytes a second that come back, at most",
  stage: paced,
});
