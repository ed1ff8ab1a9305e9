// Fault: no answer.
import { ALL, fault } from "./fault.ts";

/** As long as a timer can be, in milliseconds. */
const FOREVER = 2 ** 31 - 1;

export const silent = fault({
  name: "silent",
  chance: { of: "connections", usual: 1 },
  transports: ALL,
  help: "accepted and read, never answered, nor is the end",
  stage: (_, victim) =>
    // deno-lint-ignore require-yield -- nothing is what comes back.
    async function* (chunks) {
      for await (const _ of chunks) victim.struck();
      // Nor is the end answered. Idle time and the end of the server go on as ever.
      await victim.wait(FOREVER);
    },
});
