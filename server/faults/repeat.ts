import { SCHEMES } from "../../net/transports.ts";
import { fault } from "./fault.ts";

export const repeat = fault({
  name: "repeat",
  chance: { of: "reads", usual: 1 },
  transports: SCHEMES,
  help: "send what one read returned, or a datagram, twice",
  counted: "repeated_bytes",
  async *stage(chunks, _, context) {
    for await (const chunk of chunks) {
      if (context.shouldInject()) {
        context.recordInjection(chunk.bytes.length);
        context.traffic.expectedDelta += chunk.bytes.length;
        yield chunk;
      }
      yield chunk;
    }
  },
});
