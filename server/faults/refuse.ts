import { STREAMS } from "../../net/transports.ts";
import { fault } from "./fault.ts";

export const refuse = fault({
  name: "refuse",
  transports: STREAMS,
  help: "close each connection as soon as it is accepted",
  holdsReading: true,
  // deno-lint-ignore require-yield -- it never replies.
  async *stage(_chunks, _, context) {
    context.recordInjection();
    context.close();
  },
});
