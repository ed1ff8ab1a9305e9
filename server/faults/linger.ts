// Fault: the end is answered late.
import { duration } from "../../values/kinds.ts";
import { fault, STREAMS } from "./fault.ts";

export const linger = fault({
  name: "linger",
  value: duration,
  chance: { of: "connections", usual: 1 },
  transports: STREAMS,
  help: "the end is answered so much later",
  stage: (length, victim) =>
    async function* (chunks) {
      yield* chunks;
      victim.struck();
      await victim.wait(length);
    },
});
