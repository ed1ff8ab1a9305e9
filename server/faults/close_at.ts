import { STREAMS } from "../../net/transports.ts";
import { duration, type Range, range } from "../../values/value_types.ts";
import type { Chunks } from "../stages/echo_with_stages.ts";
import { fault, type FaultContext } from "./fault.ts";

/** Ends the connection at that time, also while nothing passes. */
export async function* endAt(
  chunks: Chunks,
  { least, most }: Range,
  context: FaultContext,
  end: () => Promise<void>,
): Chunks {
  const waiting = context.wait(context.random.between(least, most));
  waiting.then((isOver) => isOver ? end() : undefined).catch(() => {});
  yield* chunks;
}

export const closeAt = fault({
  name: "close-at",
  value: range(duration),
  transports: STREAMS,
  help: "close cleanly this long after accept",
  stage: (chunks, time, context) => endAt(chunks, time, context, context.finish),
});
