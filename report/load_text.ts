import type { Latencies } from "../client/latencies.ts";
import type { LoadInterval } from "../client/load/intervals.ts";
import type { LoadPlan } from "../client/load/plan.ts";
import { type LoadProgress, type LoadResult, totalErrors } from "../client/load/result.ts";
import { LOAD_PERCENTILES, perSecond, whatWentWrong } from "./figures.ts";
import {
  formatAmount,
  formatBytes,
  formatCount,
  formatPlace,
  formatRate,
  formatTime,
  listed,
} from "./units.ts";
import { hasConnections } from "../net/transports.ts";

/** A second with the most messages has the highest. */
const LEVELS = "▁▂▃▄▅▆▇█";

/** One line, with the throughput since `before`. */
export function progressText(
  { duration, messages, size, connections }: LoadPlan,
  now: LoadProgress,
  before: LoadProgress,
): string {
  if (now.elapsed === 0) {
    if (now.connections >= connections) return "warming up";
    return `${formatCount(now.connections)} of ${formatCount(connections)} connections open`;
  }
  const right = now.messages.right - before.messages.right;
  const throughput = perSecond(right, now.elapsed - before.elapsed);
  const left = Math.max(0, duration - now.elapsed);
  return listed([
    duration > 0 &&
    (left > 0 ? `${Math.ceil(left / 1000)} s left` : "waiting for the last answers"),
    messages > 0 && `${formatCount(now.messages.right)} of ${formatCount(messages)} messages`,
    `${formatRate(throughput)} messages/s`,
    `${formatBytes(throughput * size)}/s`,
    formatAmount(totalErrors(now), "error"),
  ]);
}

export function loadText(result: LoadResult, width: number): string {
  const { size, rate } = result.plan;
  const { messages, elapsed, latencies, connects } = result;
  const throughput = perSecond(messages.right, elapsed);
  const counts = [
    `${formatCount(messages.right)} came back right`,
    messages.failed > 0 && `${formatCount(messages.failed)} did not`,
    messages.waiting > 0 && `${formatCount(messages.waiting)} under way at the end`,
  ];
  const late = messages.missed === 0
    ? ""
    : `; ${formatCount(messages.missed)} messages were due and not sent in time`;
  const kinds = Object.entries(result.errors)
    .map(([kind, count]) => count > 0 && `${formatCount(count)} ${kind}`);
  const lines = [
    firstLine(result, width),
    "",
    `messages    ${listed(counts)}`,
    `throughput  ${formatRate(throughput)} messages/s, ${
      formatBytes(throughput * size)
    }/s each way, for ${formatTime(elapsed)}`,
    rate > 0 && `rate        ${formatRate(rate)} messages/s asked for${late}`,
    connects.count > 0 && `connecting  ${formatCount(connects.count)} opened, ${spread(connects)}`,
    `errors      ${listed(kinds) || "none"}`,
    ...whatWentWrong(result).map((example) => `            ${example}`),
    ...secondLines(result.intervals, width),
    ...latencies.count === 0 ? [] : ["", ...figures(latencies, width)],
    "",
    verdict(result),
  ];
  return lines.filter((line) => line !== false).join("\n") + "\n";
}

/** Two lines if one is too long. */
function firstLine(result: LoadResult, width: number): string {
  const { plan, address, connections: opened } = result;
  const { endpoint, connections, size, pipeline, reconnect } = plan;
  const name = hasConnections(endpoint) ? "connection" : "socket";
  // Whether sockets for datagrams are open is not known.
  const of = name === "connection" && opened < connections ? `${formatCount(opened)} of ` : "";
  const start = `${formatPlace(endpoint, address)}: ${of}${formatAmount(connections, name)}`;
  const shape = listed([
    reconnect && "each message over a new one",
    pipeline > 1 && `${pipeline} messages under way on each`,
    `${formatCount(size)}-byte messages`,
  ]);
  const line = `${start}, ${shape}`;
  return line.length <= width ? line : `${start},\n  ${shape}`;
}

function verdict(result: LoadResult): string {
  const { messages, elapsed, latencies, plan } = result;
  const errors = totalErrors(result);
  const isWarmUp = plan.warmUp > 0 && result.bytes.sent > 0;
  const end = isWarmUp ? "in the warm-up" : "before the first message";
  if (messages.sent === 0) return `nothing counted: it ended ${end}`;
  const whole = messages.sent < plan.messages ? `${formatCount(messages.right)} of ` : "";
  return listed([
    whole + formatAmount(whole ? plan.messages : messages.right, "message"),
    `${formatRate(perSecond(messages.right, elapsed))}/s`,
    errors === 0 ? "no errors" : formatAmount(errors, "error"),
    messages.waiting > 0 && `${formatCount(messages.waiting)} still waiting`,
    latencies.count > 0 && `p50 ${formatTime(latencies.percentile(50))}`,
    latencies.count > 0 && `p99 ${formatTime(latencies.percentile(99))}`,
  ]);
}

/** The throughput of each second, or of each few if there are many; × where there were errors. */
function secondLines(intervals: readonly LoadInterval[], width: number): string[] {
  if (intervals.length < 2) return [];
  const each = Math.ceil(intervals.length / Math.max(1, width - 12));
  const groups = Array.from({ length: Math.ceil(intervals.length / each) }, (_, i) => {
    const group = intervals.slice(i * each, (i + 1) * each);
    const total = (name: "messages" | "errors" | "elapsed") =>
      group.reduce((sum, interval) => sum + interval[name], 0);
    return { errors: total("errors"), rate: perSecond(total("messages"), total("elapsed")) };
  });
  const rates = groups.map(({ rate }) => rate);
  const most = Math.max(...rates);
  const line = groups.map(({ errors, rate }) => {
    if (errors > 0) return "×";
    return rate === 0 ? "·" : LEVELS[Math.ceil(rate / most * LEVELS.length) - 1];
  });
  const spread = `${each === 1 ? "a second" : `${each} s`} each, ` +
    `${formatRate(Math.min(...rates))} to ${formatRate(most)}/s`;
  const picture = `over time   ${line.join("")}`;
  const isShort = picture.length + 2 + spread.length <= width;
  return isShort ? [`${picture}  ${spread}`] : [picture, `            ${spread}`];
}

function spread(times: Latencies): string {
  const [p50, p99] = [times.percentile(50), times.percentile(99)].map(formatTime);
  return `p50 ${p50}, p99 ${p99}, max ${formatTime(times.max)}`;
}

function figures(latencies: Latencies, width: number): string[] {
  const { min, mean, max } = latencies;
  const percentiles = LOAD_PERCENTILES.map((p) => [`p${p}`, latencies.percentile(p)] as const);
  const named = [["min", min], ["mean", mean], ...percentiles, ["max", max]] as const;
  return named.map(([name, time]) => {
    const figure = `${name.padEnd(7)}${formatTime(time).padStart(8)}   `;
    return figure + "#".repeat(Math.max(1, Math.round(time / max * (width - figure.length))));
  });
}
