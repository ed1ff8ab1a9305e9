// Faults that hold up what passes.
import { duration, range, size } from "../../values/kinds.ts";
import { type Chunks, MAX_CHUNK } from "../staged_echo.ts";
import { ALL, fault, STREAMS, type Victim } from "./fault.ts";

/** The time between two pieces, in milliseconds: together, the system would join them. */
const APART = 5;

/** How much leaves at once: what the rate allows in so many milliseconds. */
const SLICE = 20;

/** What came late by no more than this, in milliseconds, is made up for. */
const CATCH_UP = 100;

/** Bytes a second. */
const byteRate = size(1, 2 ** 30);

export const readRate = fault({
  name: "read-rate",
  value: byteRate,
  transports: STREAMS,
  help: "so many bytes a second are taken from the client",
  holdsReading: true,
  stage: paced,
});

export const delay = fault({
  name: "delay",
  value: range(duration),
  chance: { of: "reads", usual: 1 },
  transports: ALL,
  help: "each answer leaves so much later, also back to back",
  async *stage(chunks, { least, most }, victim) {
    for await (const chunk of chunks) {
      if (victim.strikes()) {
        await victim.wait(chunk.at + victim.random.between(least, most) - performance.now());
        victim.struck();
      }
      yield chunk;
    }
  },
});

export const stall = fault({
  name: "stall",
  value: duration,
  chance: { of: "reads", usual: "once" },
  transports: ALL,
  help: "answers stop for so long",
  async *stage(chunks, length, victim) {
    for await (const chunk of chunks) {
      if (victim.strikes()) {
        victim.struck();
        await victim.wait(length);
      }
      yield chunk;
    }
  },
});

export const rate = fault({
  name: "rate",
  value: byteRate,
  transports: ALL,
  help: "so many bytes a second come back, at most",
  stage: paced,
});

export const chunk = fault({
  name: "chunk",
  value: range(size(1, MAX_CHUNK)),
  transports: STREAMS,
  help: "answers leave in pieces of that size, 5ms apart",
  async *stage(chunks, { least, most }, victim) {
    let last = -Infinity;
    for await (const whole of chunks) {
      for (let rest = whole.bytes; rest.length > 0;) {
        const length = victim.random.whole(least, most);
        await victim.wait(last + APART - performance.now());
        yield { ...whole, bytes: rest.subarray(0, length) };
        last = performance.now();
        rest = rest.subarray(length);
        if (rest.length > 0) victim.struck();
      }
    }
  },
});

/** Lets so many bytes a second pass, smoothly; a datagram passes whole. */
async function* paced(chunks: Chunks, rate: number, victim: Victim): Chunks {
  const slice = Math.ceil(rate * SLICE / 1000);
  let due = 0;
  for await (const chunk of chunks) {
    const { length } = chunk.bytes;
    const step = chunk.send === undefined ? slice : Math.max(length, 1);
    for (let start = 0; start === 0 || start < length; start += step) {
      const now = performance.now();
      if (due < now - CATCH_UP) due = now;
      if (due > now) {
        victim.struck();
        await victim.wait(due - now);
      }
      const bytes = chunk.bytes.subarray(start, start + step);
      yield { ...chunk, bytes, at: performance.now() };
      due += bytes.length * 1000 / rate;
    }
  }
}
