import { ALL, fault } from "./fault.ts";
import { byteRate, paced } from "./paced.ts";

export const rate = fault({
  name: "rate",
  otherNames: ["bandwidth", "throttle"],
  value: byteRate,
  transports: ALL,
  help: "so many bytes a second come back, at most",
  stage: paced,
});
