// `yodel load --merge`: what several loads found, as one.
import type { LoadPlan } from "../client/load/plan.ts";
import { addLoadResults, emptyLoadResult, type LoadResult } from "../client/load/result.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { readLoadJson, type WrittenLoad } from "../report/load_json_reader.ts";
import { flagName } from "./command.ts";
import { readText } from "./files.ts";
import { UsageError } from "./usage_error.ts";

/** The settings that add up; the others have to be the same. */
const AMOUNTS = ["connections", "messages", "rate", "workers"] as const;

/** A result, the line that it was, and where that is. */
interface FoundLoad extends WrittenLoad {
  readonly line: string;
  readonly where: string;
}

/**
 * Adds up the results that are in some files, one a line.
 *
 * @throws {UsageError} for a file that cannot be read, and for what is no result
 * or does not fit the others
 */
export async function mergeLoads(files: readonly string[], version: string): Promise<LoadResult> {
  const loads = (await Promise.all(files.map((file) => resultsIn(file, version)))).flat();
  for (const [i, load] of loads.entries()) {
    const objection = loads.slice(0, i).map((other) => objectionTo(load, other)).find(Boolean);
    if (objection !== undefined) throw new UsageError(`--merge: ${load.where}: ${objection}`);
  }
  const sum = await emptyLoadResult(loads.map(({ plan }) => plan).reduce(addPlan));
  return await addLoadResults(sum, loads.map(({ result }) => result));
}

async function resultsIn(file: string, version: string): Promise<FoundLoad[]> {
  const lines = (await readText("merge", file)).trim().split("\n");
  return await Promise.all(lines.map(async (line, i) => {
    const where = lines.length === 1 ? file : `${file}, line ${i + 1}`;
    const written = await readLoadJson(line, version);
    if (typeof written === "object") return { ...written, line, where };
    const why = written === undefined
      ? `it is not what load --json of yodel ${version} prints`
      : `this load could not run: ${written}`;
    throw new UsageError(`--merge: ${where}: ${why}`);
  }));
}

/** Why a result cannot be added to another, if so. */
function objectionTo(load: FoundLoad, other: FoundLoad): string | undefined {
  if (load.line === other.line) return `it is that of ${other.where} again`;
  const settings = settingsOf(load);
  for (const [name, value] of Object.entries(settingsOf(other))) {
    if (settings[name] === value) continue;
    const setting = name === "endpoint" ? name : flagName(name);
    return `its ${setting} is ${settings[name]}, and ${value} in ${other.where}`;
  }
  const [start, end] = spanOf(load);
  const [otherStart, otherEnd] = spanOf(other);
  if (start <= otherEnd && otherStart <= end) return undefined;
  return `it did not run at the same time as ${other.where}, so their rates do not add up`;
}

/** What has to be the same; of amounts, whether there is one. */
function settingsOf({ plan }: FoundLoad): Record<string, unknown> {
  const isThere = AMOUNTS.map((name) => [name, plan[name] > 0 ? "set" : "not set"]);
  return { ...plan, endpoint: formatEndpoint(plan.endpoint), ...Object.fromEntries(isThere) };
}

function addPlan(one: LoadPlan, other: LoadPlan): LoadPlan {
  const sums = AMOUNTS.map((name) => [name, one[name] + other[name]]);
  return { ...one, ...Object.fromEntries(sums) };
}

function spanOf({ result: { started, elapsed } }: FoundLoad): readonly [number, number] {
  return [started.getTime(), started.getTime() + elapsed];
}
