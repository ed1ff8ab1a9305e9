// Fault: bytes do not come back.
import { ALL, fault } from "./fault.ts";

export const lose = fault({
  name: "lose",
  chance: { of: "reads", usual: 1 },
  transports: ALL,
  help: "what one read brought, or a datagram, does not come back",
  counted: "lost_bytes",
  stage: (_, victim) =>
    async function* (chunks) {
      for await (const chunk of chunks) {
        if (victim.strikes()) {
          victim.struck(chunk.bytes.length);
          victim.traffic.kept += chunk.bytes.length;
        } else yield chunk;
      }
    },
});
