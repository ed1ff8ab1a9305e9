import { SCHEMES, STREAMS } from "../../net/transports.ts";
import { duration, range } from "../../values/value_types.ts";
import { fault } from "./fault.ts";

export const delay = fault({
  name: "delay",
  otherNames: ["latency"],
  value: range(duration),
  chance: { of: "reads", usual: 1 },
  transports: SCHEMES,
  help: "send each answer this much later",
  async *stage(chunks, { least, most }, context) {
    for await (const chunk of chunks) {
      const random = context.draw(chunk.offset);
      if (random !== undefined) context.recordInjection();
      yield { ...chunk, due: chunk.due + (random?.between(least, most) ?? 0) };
    }
  },
});

export const stall = fault({
  name: "stall",
  value: duration,
  chance: { of: "reads", usual: "once" },
  transports: SCHEMES,
  help: "send nothing for this long; udp: delay that datagram",
  async *stage(chunks, length, context) {
    for await (const chunk of chunks) {
      const isStalled = context.draw(chunk.offset) !== undefined;
      if (isStalled) context.recordInjection();
      yield isStalled ? { ...chunk, due: chunk.due + length } : chunk;
    }
  },
});

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
