// The JSON of a load, which load.schema.json describes.
import type { EncodedLatencies, Latencies } from "../client/latencies.ts";
import { type LoadPlan, planLoad } from "../client/load/plan.ts";
import {
  emptyLoadResult,
  type EncodedLoadResult,
  type LoadResult,
  totalErrors,
} from "../client/load/result.ts";
import { YodelError } from "../errors/yodel_error.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { latenciesJson, LOAD_PERCENTILES, milliseconds, perSecond } from "./figures.ts";

export type LoadJson = Awaited<ReturnType<typeof loadJson>>;

export async function loadJson(result: LoadResult, version: string) {
  const { plan, messages, bytes, errors, latencies, connects } = result;
  // Rounded first: programs that divide by it get the same rates.
  const elapsed = milliseconds(result.elapsed);
  const throughput = perSecond(messages.right, elapsed);
  return {
    ...planJson(plan, version),
    address: result.address ?? null,
    error: null as string | null,
    started: result.started.toISOString(),
    elapsed_ms: elapsed,
    messages,
    messages_per_s: Number(throughput.toFixed(3)),
    bytes_per_s: Number((throughput * plan.size).toFixed(3)),
    bytes,
    connections_opened: result.connections,
    errors: { total: totalErrors(result), ...errors },
    error_examples: result.examples,
    intervals: result.intervals.map((interval) => ({
      elapsed_ms: milliseconds(interval.elapsed),
      messages: interval.messages,
      errors: interval.errors,
      max_ms: interval.messages === 0 ? null : milliseconds(interval.max),
    })),
    latency: await withHistogram(latencies),
    connect: await withHistogram(connects),
  };
}

/** The JSON of a load that could not run. */
export function failedLoadJson(plan: LoadPlan, version: string, error: string): object {
  return { ...planJson(plan, version), error };
}

async function withHistogram(latencies: Latencies) {
  const figures = latenciesJson(latencies, LOAD_PERCENTILES);
  return figures && { ...figures, histogram: (await latencies.encode()).histogram };
}

function planJson({ endpoint, ...settings }: LoadPlan, version: string) {
  const { size, duration, rate, warmUp, timeout, ...others } = settings;
  return {
    endpoint: formatEndpoint(endpoint),
    version,
    settings: {
      ...others,
      size_bytes: size,
      duration_ms: duration,
      rate_per_s: rate,
      warm_up_ms: warmUp,
      timeout_ms: timeout,
    },
  };
}

/** The JSON of an empty load: what every one has. */
export async function emptyLoadJson(): Promise<LoadJson> {
  return await loadJson(await emptyLoadResult(planLoad(":1")), "");
}

/**
 * Reads a load without its intervals: those of several loads do not begin at the same time.
 *
 * @param example what it has to have
 * @throws {YodelError} if the load could not run
 * @throws {TypeError} if something is missing
 */
export function readLoadJson(text: string, example: LoadJson): EncodedLoadResult {
  const json: Partial<LoadJson> | null = JSON.parse(text);
  if (json?.error) throw new YodelError(`this load failed: ${json.error}`);
  if (!isLike(json, example)) throw new TypeError("it is another object");
  const { endpoint, settings, address, latency, connect, ...found } = json as LoadJson;
  return {
    ...found,
    plan: planLoad(endpoint, {
      ...settings,
      size: settings.size_bytes,
      duration: settings.duration_ms,
      rate: settings.rate_per_s,
      warmUp: settings.warm_up_ms,
      timeout: settings.timeout_ms,
    }),
    address: address ?? undefined,
    started: new Date(found.started),
    elapsed: found.elapsed_ms,
    connections: found.connections_opened,
    examples: found.error_examples,
    intervals: [],
    latencies: latency && encoded(latency),
    connects: connect && encoded(connect),
  };
}

/** Whether a value has all that an example has, of the same types, but for null. */
function isLike(value: unknown, example: unknown): boolean {
  if (example === null) return true;
  if (typeof value !== typeof example || Array.isArray(value) !== Array.isArray(example)) {
    return false;
  }
  if (typeof example !== "object") return true;
  return Object.entries(example).every(([name, part]) => isLike(Object(value)[name], part));
}

function encoded(latencies: NonNullable<LoadJson["latency"]>): EncodedLatencies {
  const { min_ms: min, max_ms: max, mean_ms: mean, stddev_ms: stddev, histogram } = latencies;
  return { min, max, mean, stddev, histogram };
}
