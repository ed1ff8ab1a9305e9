// Faults that lose, change, repeat and reorder what passes.
import type { Chunks } from "../staged_echo.ts";
import { ALL, fault, type Victim } from "./fault.ts";

/** How long a datagram waits for the one that overtakes it, in milliseconds. */
const PATIENCE = 200;

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

export const lose = fault({
  name: "lose",
  chance: { of: "reads", usual: 1 },
  transports: ALL,
  help: "what one read brought, or a datagram, does not come back",
  counted: "lost_bytes",
  stage: (chunks, _, victim) => times(0, chunks, victim),
});

export const repeat = fault({
  name: "repeat",
  chance: { of: "reads", usual: 1 },
  transports: ALL,
  help: "what one read brought, or a datagram, comes back twice",
  counted: "repeated_bytes",
  stage: (chunks, _, victim) => times(2, chunks, victim),
});

export const reorder = fault({
  name: "reorder",
  chance: { of: "reads", usual: 1 },
  transports: ["udp"],
  help: "a datagram leaves after the next, or 200ms later",
  async *stage(chunks, _, victim) {
    const datagrams = chunks[Symbol.asyncIterator]();
    let coming = datagrams.next();
    for (;;) {
      const datagram = await coming;
      if (datagram.done) return;
      coming = datagrams.next();
      if (victim.strikes()) {
        // The last one has no next.
        const next = await Promise.race([coming, victim.wait(PATIENCE)]);
        victim.struck();
        if (next?.done === false) {
          yield next.value;
          coming = datagrams.next();
        }
      }
      yield datagram.value;
    }
  },
});

/** Sends what is struck back so many times. */
async function* times(
  count: number,
  chunks: Chunks,
  { strikes, struck, traffic }: Victim,
): Chunks {
  for await (const chunk of chunks) {
    const isStruck = strikes();
    if (isStruck) {
      struck(chunk.bytes.length);
      traffic.kept += (1 - count) * chunk.bytes.length;
    }
    for (let i = 0; i < (isStruck ? count : 1); i++) yield chunk;
  }
}
