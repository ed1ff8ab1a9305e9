import { SCHEMES } from "../../net/transports.ts";
import { fault } from "./fault.ts";
import { byteRate, paced } from "./paced.ts";

export const rate = fault({
  name: "rate",
  otherNames: ["bandwidth", "throttle"],
  value: byteRate,
  transports: SCHEMES,
  help: "send at most this many bytes a second",
  stage: paced,
});
