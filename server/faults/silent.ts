import { LONGEST_PAUSE } from "../../async/pause.ts";
import { SCHEMES } from "../../net/transports.ts";
import { fault } from "./fault.ts";

export const silent = fault({
  name: "silent",
  otherNames: ["timeout", "blackhole"],
  transports: SCHEMES,
  help: "read everything, never reply, never close",
  // deno-lint-ignore require-yield -- nothing is what comes back.
  async *stage(chunks, _, context) {
    for await (const _ of chunks) context.recordInjection();
    // Nor is the end answered. Idle time and the end of the server go on as ever.
    await context.wait(LONGEST_PAUSE);
  },
});
