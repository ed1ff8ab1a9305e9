import { LONGEST_PAUSE } from "../../async/pause.ts";
import { SCHEMES } from "../../net/transports.ts";
import { fault } from "./fault.ts";

export const silent = fault({
  name: "silent",
  otherNames: ["timeout", "blackhole"],
  transports: SCHEMES,
  help: "read everything, never reply, never close",
  // deno-lint-ignore require-yield -- it never replies.
  async *stage(chunks, _, context) {
    for await (const _ of chunks) context.recordInjection();
    // The client's end gets no reply either; the idle timeout and the drain still end it.
    await context.wait(LONGEST_PAUSE);
  },
});
