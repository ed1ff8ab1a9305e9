import { STREAMS } from "../../net/transports.ts";
import { fault } from "./fault.ts";

export const refuse = fault({
  name: "refuse",
  transports: STREAMS,
  help: "close each connection at accept",
  holdsReading: true,
  async *stage(chunks, _, context) {
    if (!context.isNew) return yield* chunks;
    context.recordInjection();
    context.close();
  },
});
