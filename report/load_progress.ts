// How far a load is, for people.
import type { LoadPlan } from "../client/load/plan.ts";
import { type LoadProgress, totalErrors } from "../client/load/result.ts";
import { perSecond } from "./figures.ts";
import { formatAmount, formatBytes, formatCount, formatRate, listed } from "./units.ts";

/** How far a load is, in one line, with the messages a second since `before`. */
export function progressText(
  { duration, messages, size, connections }: LoadPlan,
  now: LoadProgress,
  before: LoadProgress,
): string {
  if (now.elapsed === 0) {
    if (now.connections >= connections) return "warming up";
    return `${formatCount(now.connections)} of ${formatCount(connections)} connections open`;
  }
  const throughput = perSecond(
    now.messages.right - before.messages.right,
    now.elapsed - before.elapsed,
  );
  const left = Math.max(0, duration - now.elapsed);
  return listed([
    duration > 0 && `${Math.ceil(left / 1000)} s left`,
    messages > 0 && `${formatCount(now.messages.right)} of ${formatCount(messages)} messages`,
    `${formatRate(throughput)} messages/s`,
    `${formatBytes(throughput * size)}/s`,
    formatAmount(totalErrors(now), "error"),
  ]);
}
