import { ALL, fault } from "./fault.ts";

export const corrupt = fault({
  name: "corrupt",
  chance: { of: "bytes", usual: 1e-6 },
  transports: ALL,
  help: "a bit of a byte is turned over",
  counted: "corrupted_bytes",
  async *stage(chunks, _, victim) {
    let next = victim.spared();
    for await (const chunk of chunks) {
      const { bytes } = chunk;
      for (; next < bytes.length; next += 1 + victim.spared()) {
        bytes[next] = (bytes[next] ?? 0) ^ (1 << victim.random.whole(0, 7));
        victim.struck(1);
      }
      next -= bytes.length;
      yield chunk;
    }
  },
});
