import { STREAMS } from "../../net/transports.ts";
import { fault } from "./fault.ts";
import { byteRate, paced } from "./rate.ts";

export const readRate = fault({
  name: "read-rate",
  value: byteRate,
  transports: STREAMS,
  help: "read at most this many bytes a second",
  holdsReading: true,
  stage: (chunks, rate, context) => context.leaveWhenDue(paced(chunks, rate, context)),
});
