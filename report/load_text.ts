import type { Latencies } from "../client/latencies.ts";
import type { LoadPlan } from "../client/load/plan.ts";
import {
  addInterval,
  type LoadInterval,
  type LoadProgress,
  type LoadResult,
  totalErrors,
} from "../client/load/result.ts";
import {
  formatAmount,
  formatBytes,
  formatCount,
  formatPlace,
  formatRate,
  formatTime,
  listed,
  LOAD_PERCENTILES,
  perSecond,
} from "./figures.ts";
import { hasConnections } from "../net/transports.ts";

/** The height of a character over time; the highest is the most messages a second. */
const LEVELS = "▁▂▃▄▅▆▇█";

/** The most characters over time. */
const MAX_GROUPS = 30;

/** One line, with the throughput since `before`. */
export function progressText(
  { duration, messages, connections }: LoadPlan,
  now: LoadProgress,
  before: LoadProgress,
): string {
  const left = Math.max(0, duration - now.elapsed);
  const right = now.messages.right - before.messages.right;
  return listed([
    now.elapsed === 0 && `${now.connections} of ${connections} connections open`,
    duration > 0 && `${Math.ceil(left / 1000)} s left`,
    messages > 0 && `${formatCount(now.messages.right)} of ${formatCount(messages)} messages`,
    `${formatRate(perSecond(right, now.elapsed - before.elapsed))} messages/s`,
    formatAmount(totalErrors(now), "error"),
  ]);
}

export function loadText(result: LoadResult): string {
  const { size, rate } = result.plan;
  const { messages, elapsed, latencies, connects } = result;
  const throughput = perSecond(messages.right, elapsed);
  const counts = [
    `${formatCount(messages.right)} came back right`,
    messages.failed > 0 && `${formatCount(messages.failed)} did not`,
    messages.waiting > 0 && `${formatCount(messages.waiting)} under way at the end`,
  ];
  const late = messages.missed > 0 &&
    `${formatCount(messages.missed)} messages were due and not sent in time`;
  const kinds = Object.entries(result.errors)
    .map(([kind, count]) => count > 0 && `${formatCount(count)} ${kind}`);
  const lines = [
    firstLine(result),
    "",
    `messages    ${listed(counts)}`,
    `throughput  ${formatRate(throughput)} messages/s, ${
      formatBytes(throughput * size)
    }/s each way, for ${formatTime(elapsed)}`,
    rate > 0 && `rate        ${listed([`${formatRate(rate)} messages/s asked for`, late])}`,
    connects.count > 0 && `connecting  ${formatCount(connects.count)} opened, ${spread(connects)}`,
    `errors      ${listed(kinds) || "none"}`,
    ...result.examples.map((example) => `            ${example}`),
    result.intervals.length > 1 && `over time   ${overTime(result.intervals)}`,
    latencies.count > 0 && `\n${figures(latencies)}`,
  ];
  return lines.filter((line) => line !== false).join("\n") + "\n";
}

function firstLine({ plan, address }: LoadResult): string {
  const { endpoint, connections, size, pipeline, reconnect } = plan;
  const shape = listed([
    formatAmount(connections, hasConnections(endpoint) ? "connection" : "socket"),
    reconnect && "each message over a new one",
    pipeline > 1 && `${pipeline} messages under way on each`,
    `${formatCount(size)}-byte messages`,
  ]);
  return `${formatPlace(endpoint, address)}: ${shape}`;
}

/** The throughput of each second, or of each few if there are many; × where there were errors. */
function overTime(intervals: readonly LoadInterval[]): string {
  const each = Math.ceil(intervals.length / MAX_GROUPS);
  const groups = intervals.filter((_, i) => i % each === 0)
    .map((_, i) => intervals.slice(i * each, (i + 1) * each).reduce(addInterval));
  const rates = groups.map(({ messages, elapsed }) => perSecond(messages, elapsed));
  const most = Math.max(...rates);
  const picture = rates.map((rate, i) => {
    if (groups[i]?.errors !== 0) return "×";
    return rate === 0 ? "·" : LEVELS[Math.ceil(rate / most * LEVELS.length) - 1];
  });
  const range = `${formatRate(Math.min(...rates))} to ${formatRate(most)}/s`;
  return `${picture.join("")}  ${each === 1 ? "a second" : `${each} s`} each, ${range}`;
}

function spread(times: Latencies): string {
  const [p50, p99] = [times.percentile(50), times.percentile(99)].map(formatTime);
  return `p50 ${p50}, p99 ${p99}, max ${formatTime(times.max)}`;
}

function figures(latencies: Latencies): string {
  const { min, mean, max } = latencies;
  const percentiles = LOAD_PERCENTILES.map((p) => [`p${p}`, latencies.percentile(p)] as const);
  const named = [["min", min], ["mean", mean], ...percentiles, ["max", max]] as const;
  return named.map(([name, time]) => name.padEnd(7) + formatTime(time).padStart(8)).join("\n");
}
