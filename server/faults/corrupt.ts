import { fault } from "./fault.ts";

export const corrupt = fault({
  name: "corrupt",
  chance: { of: "bytes", usual: 1e-6 },
  help: "flip one random bit",
  counted: "corrupted_bytes",
  async *stage(chunks, _, context) {
    let next = context.nextOffset();
    for await (const chunk of chunks) {
      const { bytes } = chunk;
      for (; next < bytes.length; next += 1 + context.nextOffset()) {
        bytes[next] = (bytes[next] ?? 0) ^ (1 << context.random.whole(0, 7));
        context.recordInjection(1);
      }
      next -= bytes.length;
      yield chunk;
    }
  },
});
