// Faults that end a connection too early or too late, or answer nothing at all.
import { LONGEST_PAUSE } from "../../async/pause.ts";
import { duration, type Range, range, size } from "../../values/kinds.ts";
import type { Chunks } from "../staged_echo.ts";
import { ALL, fault, STREAMS, type Victim } from "./fault.ts";

/** After how many bytes. */
const byteCount = range(size(0, 2 ** 40));

export const refuse = fault({
  name: "refuse",
  transports: STREAMS,
  help: "closed as soon as it is accepted",
  holdsReading: true,
  // deno-lint-ignore require-yield -- nothing is what comes back.
  async *stage(_chunks, _, victim) {
    victim.struck();
    victim.close();
  },
});

export const silent = fault({
  name: "silent",
  transports: ALL,
  help: "accepted and read, never answered, nor is the end",
  // deno-lint-ignore require-yield -- nothing is what comes back.
  async *stage(chunks, _, victim) {
    for await (const _ of chunks) victim.struck();
    // Nor is the end answered. Idle time and the end of the server go on as ever.
    await victim.wait(LONGEST_PAUSE);
  },
});

export const linger = fault({
  name: "linger",
  value: duration,
  transports: STREAMS,
  help: "the end is answered so much later",
  async *stage(chunks, length, victim) {
    yield* chunks;
    victim.struck();
    await victim.wait(length);
  },
});

export const closeAfter = fault({
  name: "close-after",
  value: byteCount,
  transports: STREAMS,
  help: "a clean end after so many bytes",
  stage: (chunks, count, victim) => endAfter(chunks, count, victim, victim.finish),
});

export const resetAfter = fault({
  name: "reset-after",
  value: byteCount,
  transports: ["tcp", "tls"],
  help: "RST after so many bytes",
  resets: true,
  stage: (chunks, count, victim) => endAfter(chunks, count, victim, victim.reset),
});

/**
 * Lets so many bytes pass and then ends the connection; what still comes is read
 * and thrown away. It has to be the last stage, so that those bytes are sent by then.
 */
async function* endAfter(
  chunks: Chunks,
  { least, most }: Range,
  victim: Victim,
  end: () => Promise<void>,
): Chunks {
  let left = victim.random.whole(least, most);
  let ended = false;
  for await (const chunk of chunks) {
    if (left > 0) yield { ...chunk, bytes: chunk.bytes.subarray(0, left) };
    left -= chunk.bytes.length;
    if (left > 0 || ended) continue;
    ended = true;
    victim.struck();
    await end();
  }
}
