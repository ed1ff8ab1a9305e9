// Reads the JSON of load_json.ts, to add loads up.
import { createLatencies, type EncodedLatencies } from "../client/latencies.ts";
import { type LoadPlan, planLoad } from "../client/load/plan.ts";
import {
  type EncodedLoadResult,
  type LoadErrorExample,
  type LoadErrorKind,
  noCounts,
} from "../client/load/result.ts";
import { YodelError } from "../errors/yodel_error.ts";

export interface WrittenLoad {
  readonly plan: LoadPlan;
  /** Without its intervals: those of several loads do not begin at the same time. */
  readonly result: EncodedLoadResult;
}

/** @throws {YodelError} if something is missing, or the load could not run */
export async function readLoadJson(json: unknown): Promise<WrittenLoad> {
  if (typeof json !== "object" || json === null) throw new YodelError("it is no JSON object");
  const error = valueAt(json, "error");
  if (typeof error === "string") throw new YodelError(`this load could not run: ${error}`);
  return { plan: planOf(json), result: await resultOf(json) };
}

function planOf(json: object): LoadPlan {
  return planLoad(textAt(json, "endpoint"), {
    connections: numberAt(json, "settings.connections"),
    size: numberAt(json, "settings.size_bytes"),
    pipeline: numberAt(json, "settings.pipeline"),
    duration: limitAt(json, "settings.duration_ms"),
    messages: limitAt(json, "settings.messages"),
    rate: limitAt(json, "settings.rate_per_s"),
    warmUp: numberAt(json, "settings.warm_up_ms"),
    reconnect: valueAt(json, "settings.reconnect") === true,
    workers: numberAt(json, "settings.workers"),
    timeout: limitAt(json, "settings.timeout_ms"),
  });
}

async function resultOf(json: object): Promise<EncodedLoadResult> {
  const counts = noCounts();
  for (const part of ["messages", "bytes", "errors"] as const) {
    const into: Record<string, number> = counts[part];
    for (const name in into) into[name] = numberAt(json, `${part}.${name}`);
  }
  const address = valueAt(json, "address");
  const examples = valueAt(json, "error_examples");
  return {
    ...counts,
    connections: numberAt(json, "connections_opened"),
    address: typeof address === "string" ? address : undefined,
    started: dateAt(json, "started"),
    elapsed: numberAt(json, "elapsed_ms"),
    examples: Array.isArray(examples) ? examples.map(exampleOf) : [],
    intervals: [],
    latencies: await latenciesAt(json, "latency"),
    connects: await latenciesAt(json, "connect"),
  };
}

/** Reads what `whatWentWrong` wrote. */
function exampleOf(text: unknown): LoadErrorExample {
  const [, kind, number, what = ""] = /^(\w+): \w+ (\d+): (.*)$/s.exec(String(text)) ?? [];
  return { kind: kind as LoadErrorKind, connection: Number(number), what };
}

async function latenciesAt(json: object, path: string): Promise<EncodedLatencies> {
  const latencies = await createLatencies();
  if (valueAt(json, path) === null) return await latencies.encode();
  const encoded = {
    min: numberAt(json, `${path}.min_ms`),
    max: numberAt(json, `${path}.max_ms`),
    mean: numberAt(json, `${path}.mean_ms`),
    stddev: numberAt(json, `${path}.stddev_ms`),
    histogram: textAt(json, `${path}.histogram`),
  };
  await latencies.add(encoded).catch(() => {
    throw wrong(`${path}.histogram`, "an HdrHistogram");
  });
  return encoded;
}

/** The value at a path such as `messages.sent`. */
function valueAt(json: object, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => {
    return new Map(Object.entries(value ?? {})).get(name);
  }, json);
}

function numberAt(json: object, path: string): number {
  const value = valueAt(json, path);
  if (typeof value === "number" && value >= 0) return value;
  throw wrong(path, "a number from 0 on");
}

/** A number, or null for 0, which means that there is no limit. */
function limitAt(json: object, path: string): number {
  return valueAt(json, path) === null ? 0 : numberAt(json, path);
}

function textAt(json: object, path: string): string {
  const value = valueAt(json, path);
  if (typeof value === "string") return value;
  throw wrong(path, "a string");
}

function dateAt(json: object, path: string): Date {
  const date = new Date(textAt(json, path));
  if (!isNaN(date.getTime())) return date;
  throw wrong(path, "a date");
}

function wrong(path: string, expected: string): YodelError {
  return new YodelError(`it is not from load --json: expected ${expected} as ${path}`);
}
