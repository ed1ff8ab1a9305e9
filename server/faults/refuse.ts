// Fault: connections are not wanted.
import { fault, STREAMS } from "./fault.ts";

export const refuse = fault({
  name: "refuse",
  chance: { of: "connections", usual: 1 },
  transports: STREAMS,
  help: "closed as soon as it is accepted",
  holdsReading: true,
  stage: (_, victim) =>
    // deno-lint-ignore require-yield -- nothing is what comes back.
    async function* () {
      victim.struck();
      victim.close();
    },
});
