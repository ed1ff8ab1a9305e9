// load.schema.json describes this JSON.
import type { Latencies } from "../client/latencies.ts";
import type { LoadPlan } from "../client/load/plan.ts";
import { type LoadResult, totalErrors } from "../client/load/result.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import {
  latenciesJson,
  LOAD_PERCENTILES,
  milliseconds,
  perSecond,
  whatWentWrong,
} from "./figures.ts";

export type LoadJson = Awaited<ReturnType<typeof loadJson>>;

export async function loadJson(result: LoadResult, version: string) {
  const { plan, messages, bytes, errors, latencies, connects } = result;
  // Rounded first: programs that divide by it get the same rates.
  const elapsed = milliseconds(result.elapsed);
  return {
    ...planJson(plan, version),
    address: result.address ?? null,
    error: null as string | null,
    started: result.started.toISOString(),
    elapsed_ms: elapsed,
    messages,
    messages_per_s: perSecondJson(messages.right, elapsed),
    bytes_per_s: perSecondJson(messages.right * plan.size, elapsed),
    bytes,
    connections_opened: result.connections,
    errors: { total: totalErrors(result), ...errors },
    error_examples: whatWentWrong(result),
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

function planJson(plan: LoadPlan, version: string) {
  const { endpoint, connections, size, pipeline, warmUp, reconnect, workers } = plan;
  const orNull = (limit: number) => limit === 0 ? null : limit;
  return {
    endpoint: formatEndpoint(endpoint),
    version,
    settings: {
      connections,
      size_bytes: size,
      pipeline,
      duration_ms: orNull(plan.duration),
      messages: orNull(plan.messages),
      rate_per_s: orNull(plan.rate),
      warm_up_ms: warmUp,
      reconnect,
      workers,
      timeout_ms: orNull(plan.timeout),
    },
  };
}

function perSecondJson(count: number, time: number): number {
  return Number(perSecond(count, time).toFixed(3));
}
