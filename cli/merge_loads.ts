// `yodel load --merge`: what several loads found, as one.
import type { LoadPlan } from "../client/load/plan.ts";
import { addLoadResults, emptyLoadResult, type LoadResult } from "../client/load/result.ts";
import { PackageError, YodelError } from "../errors/yodel_error.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { readLoadJson, type WrittenLoad } from "../report/load_json_reader.ts";
import { flagName } from "./command.ts";
import { linesOf } from "./files.ts";

/** The settings that add up; the others have to be the same. */
const AMOUNTS = ["connections", "messages", "rate", "workers"] as const;

/** In characters: an error can quote a file. */
const MAX_ERROR = 200;

interface FoundLoad extends WrittenLoad {
  readonly where: string;
}

/** @throws {YodelError} for the first that cannot be read, is no result, or does not fit */
export async function mergeLoads(files: readonly string[]): Promise<LoadResult> {
  const loads: FoundLoad[] = [];
  for (const file of files) {
    for await (const { json, line } of objectsIn(file)) {
      const where = `${file === "-" ? "stdin" : file}, line ${line}`;
      try {
        const load = { ...await readLoadJson(json), where };
        for (const other of loads) checkFit(load, other);
        loads.push(load);
      } catch (error) {
        if (error instanceof PackageError || !(error instanceof YodelError)) throw error;
        throw new YodelError(`--merge: ${where}: ${error.message.slice(0, MAX_ERROR)}`);
      }
    }
  }
  const sum = await emptyLoadResult(loads.map(({ plan }) => plan).reduce(addPlan));
  return await addLoadResults(sum, loads.map(({ result }) => result));
}

/**
 * The JSON objects of a file, each with its first line: one on each line, or indented over several.
 * What is no object is undefined; an empty file has one of these.
 */
async function* objectsIn(file: string): AsyncGenerator<{ json: unknown; line: number }> {
  let [text, first, line] = ["", 0, 0];
  for await (const next of linesOf("merge", file)) {
    line++;
    if (next.trim() === "") continue;
    if (text === "") first = line;
    // An indented object has only one line that begins like this.
    const isCutOff = text !== "" && next.startsWith("{");
    text += `${next}\n`;
    const json = next.trimEnd().endsWith("}") ? parse(text) : undefined;
    const canGoOn = text.trimStart().startsWith("{") && !isCutOff;
    if (json === undefined && canGoOn) continue;
    yield { json, line: first };
    text = "";
  }
  if (text !== "" || first === 0) yield { json: undefined, line: Math.max(first, 1) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checkFit(load: FoundLoad, other: FoundLoad): void {
  const [start, end] = spanOf(load);
  const [otherStart, otherEnd] = spanOf(other);
  const settings = settingsOf(load);
  for (const [name, value] of Object.entries(settingsOf(other))) {
    if (settings[name] === value) continue;
    const setting = name === "endpoint" ? name : flagName(name);
    throw new YodelError(`its ${setting} is ${settings[name]}, and ${value} in ${other.where}`);
  }
  if (start > otherEnd || otherStart > end) {
    throw new YodelError(
      `it did not run at the same time as ${other.where}, so their rates do not add up`,
    );
  }
  const isSame = load.result.latencies.histogram === other.result.latencies.histogram;
  if (isSame && start === otherStart && end === otherEnd) {
    throw new YodelError(`it is that of ${other.where} again`);
  }
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
