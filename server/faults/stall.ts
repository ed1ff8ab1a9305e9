// Fault: answers stop for a while.
import { duration } from "../../values/kinds.ts";
import { ALL, fault } from "./fault.ts";

export const stall = fault({
  name: "stall",
  value: duration,
  chance: { of: "reads", usual: "once" },
  transports: ALL,
  help: "answers stop for so long",
  stage: (length, victim) =>
    async function* (chunks) {
      for await (const chunk of chunks) {
        if (victim.strikes()) {
          victim.struck();
          await victim.wait(length);
        }
        yield chunk;
      }
    },
});
