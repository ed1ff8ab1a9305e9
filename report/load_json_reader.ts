// Reads the results of loads as load_json.ts writes them.
import { createLatencies, type EncodedLatencies } from "../client/latencies.ts";
import { type LoadPlan, planLoad } from "../client/load/plan.ts";
import {
  addLoadResults,
  emptyLoadResult,
  type EncodedLoadResult,
  type LoadErrorExample,
  type LoadErrorKind,
} from "../client/load/result.ts";
import { PackageError } from "../errors/yodel_error.ts";
import { type LoadJson, loadJson } from "./load_json.ts";

export interface WrittenLoad {
  readonly plan: LoadPlan;
  /** Without its intervals: the histograms of seconds are not written. */
  readonly result: EncodedLoadResult;
}

/**
 * Reads a result. It is one where it can be read and would be written again just
 * as it was: that is as strict as its schema, and holds each figure against the others.
 *
 * @returns why there is none where a load could not run; undefined for anything else
 * @throws {PackageError} where the library for latencies cannot be loaded
 */
export async function readLoadJson(
  text: string,
  version: string,
): Promise<WrittenLoad | string | undefined> {
  try {
    const json: LoadJson = { ...JSON.parse(text), intervals: [] };
    if (typeof json.error === "string") return json.error;
    const written = { plan: planOf(json), result: await resultOf(json) };
    const sum = await addLoadResults(await emptyLoadResult(written.plan), [written.result]);
    // As they were found, not by their kinds.
    sum.examples = written.result.examples;
    const again = await loadJson(sum, version);
    return JSON.stringify(again) === JSON.stringify(json) ? written : undefined;
  } catch (error) {
    if (error instanceof PackageError) throw error;
    return undefined;
  }
}

function planOf({ endpoint, settings }: LoadJson): LoadPlan {
  return planLoad(endpoint, {
    connections: settings.connections,
    size: settings.size_bytes,
    pipeline: settings.pipeline,
    duration: settings.duration_ms ?? 0,
    messages: settings.messages ?? 0,
    rate: settings.rate_per_s ?? 0,
    warmUp: settings.warm_up_ms,
    reconnect: settings.reconnect,
    workers: settings.workers,
    timeout: settings.timeout_ms ?? 0,
  });
}

async function resultOf(json: LoadJson): Promise<EncodedLoadResult> {
  const { total: _, ...errors } = json.errors;
  return {
    address: json.address ?? undefined,
    started: new Date(json.started),
    elapsed: json.elapsed_ms,
    messages: json.messages,
    bytes: json.bytes,
    connections: json.connections_opened,
    errors,
    examples: json.error_examples.map(exampleOf),
    intervals: [],
    latencies: await encodedOf(json.latency),
    connects: await encodedOf(json.connect),
  };
}

async function encodedOf(json: LoadJson["latency"]): Promise<EncodedLatencies> {
  if (json === null) return await (await createLatencies()).encode();
  const { min_ms: min, max_ms: max, mean_ms: mean, stddev_ms: stddev, histogram } = json;
  return { min, max, mean, stddev, histogram };
}

/** Reads what {@linkcode whatWentWrong} wrote. */
function exampleOf(text: string): LoadErrorExample {
  const [, kind, connection, what = ""] = /^(\w+): \w+ (\d+): (.*)$/s.exec(text) ?? [];
  return { kind: kind as LoadErrorKind, connection: Number(connection), what };
}
