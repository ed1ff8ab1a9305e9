/**
 * The other echo loop: for connections on which somebody watches or changes
 * what passes.
 *
 * @module
 */
import type { ReadTurns } from "../net/read_turns.ts";
import type { Stream } from "../net/stream.ts";
import type { Traffic } from "../net/traffic.ts";

/** Watches or changes what passes; what it yields goes on to the next stage, or back. */
export type Stage = (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** How much is read at once, in bytes. */
const CHUNK = 16 * 1024;

/**
 * Sends what `stream` brings back on it, through some stages; otherwise as the
 * hot path does (echo.ts).
 *
 * @param traffic counts what has passed, while it passes
 * @param turns keeps many streams from starving each other
 * @param stages in the order in which bytes pass them
 * @throws what `stream` throws when its peer resets it or it is closed meanwhile
 */
export async function stagedEcho(
  stream: Stream,
  traffic: Traffic,
  turns: ReadTurns,
  stages: readonly Stage[],
): Promise<void> {
  turns.readers++;
  try {
    let chunks = chunksOf(stream, traffic, turns);
    for (const stage of stages) chunks = stage(chunks);
    for await (const bytes of chunks) {
      for (let written = 0; written < bytes.length;) {
        const more = await stream.write(bytes.subarray(written));
        written += more;
        traffic.sent += more;
      }
    }
  } finally {
    turns.readers--;
  }
}

/** What a stream brings. Each chunk is good until the next one is asked for. */
async function* chunksOf(
  stream: Stream,
  traffic: Traffic,
  turns: ReadTurns,
): AsyncIterable<Uint8Array> {
  const buffer = new Uint8Array(CHUNK);
  for (;;) {
    if (turns.crowded) await turns.next();
    const length = await stream.read(buffer);
    if (length === null) return;
    traffic.received += length;
    yield buffer.subarray(0, length);
  }
}
