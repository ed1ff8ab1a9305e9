// The results of a load as JSON for programs; load.schema.json describes it.
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

/** The results as JSON, with the version of the program. */
export async function loadJson(result: LoadResult, version: string) {
  const { plan, messages, bytes, errors, latencies, connects } = result;
  // Who reads them can do the same sums.
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

/** What there is to say as JSON of a load that could not run. */
export function failedLoadJson(
  plan: LoadPlan,
  version: string,
  error: string,
): Record<string, unknown> {
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
