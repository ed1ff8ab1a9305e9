import { duration } from "../../values/value_types.ts";
import { STREAMS } from "../../net/transports.ts";
import { fault } from "./fault.ts";

export const linger = fault({
  name: "linger",
  value: duration,
  transports: STREAMS,
  help: "answer the client's end this much later",
  async *stage(chunks, length, context) {
    yield* chunks;
    context.recordInjection();
    await context.wait(length);
  },
});
