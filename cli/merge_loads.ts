// `yodel load --merge`: the results of several loads as one.
import type { LoadPlan } from "../client/load/plan.ts";
import {
  addLoadResult,
  emptyLoadResult,
  type EncodedLoadResult,
  type LoadResult,
} from "../client/load/result.ts";
import { YodelError } from "../errors/yodel_error.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { emptyLoadJson, readLoadJson } from "../report/load_json.ts";
import { flagName } from "./command.ts";
import { linesOf } from "./files.ts";

/** The settings that add up; the others have to be the same. */
const AMOUNTS = ["connections", "messages", "rate", "workers"] as const;

interface FoundLoad extends EncodedLoadResult {
  readonly where: string;
}

/** @throws {YodelError} for the first that cannot be read, is no result, or does not fit */
export async function mergeLoads(files: readonly string[]): Promise<LoadResult> {
  const loads: FoundLoad[] = [];
  const example = await emptyLoadJson();
  for (const file of files) {
    for await (const { text, line } of objectsIn(file)) {
      const where = `${file === "-" ? "stdin" : file}, line ${line}`;
      try {
        const load = { ...readLoadJson(text, example), where };
        checkFit(load, loads[0] ?? load);
        loads.push(load);
      } catch (error) {
        const why = error instanceof YodelError
          ? error.message
          : "it is not from yodel load --json";
        // It can quote the file.
        throw new YodelError(`--merge: ${where}: ${why.slice(0, 200)}`);
      }
    }
  }
  const sum = await emptyLoadResult(loads.map(({ plan }) => plan).reduce(addPlan));
  for (const load of loads) {
    await addLoadResult(sum, load).catch(() => {
      throw new YodelError(`--merge: ${load.where}: it has a broken histogram`);
    });
  }
  return sum;
}

/** The texts of the objects of a file, each with its first line; an empty file has an empty one. */
async function* objectsIn(file: string): AsyncGenerator<{ text: string; line: number }> {
  let [text, first, line] = ["", 0, 0];
  for await (const next of linesOf("merge", file)) {
    line++;
    if (next.trim() === "") continue;
    if (text === "") first = line;
    text += next;
    // Of an indented object, the first line is a brace, and all but the last begin with a space.
    if (/^(\{\s*$|\s)/.test(next)) continue;
    yield { text, line: first };
    text = "";
  }
  if (text !== "" || first === 0) yield { text, line: Math.max(first, 1) };
}

/** @throws {YodelError} if the loads had other settings, or did not run at the same time */
function checkFit(load: FoundLoad, first: FoundLoad): void {
  const settings = settingsOf(load);
  for (const [name, value] of Object.entries(settingsOf(first))) {
    if (settings[name] === value) continue;
    const setting = name === "endpoint" ? name : flagName(name);
    throw new YodelError(`its ${setting} is ${settings[name]}, but ${value} in ${first.where}`);
  }
  const after = load.started.getTime() - first.started.getTime();
  if (!(after <= first.elapsed && -after <= load.elapsed)) {
    throw new YodelError(
      `it did not run at the same time as ${first.where}, so their rates cannot be added`,
    );
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
