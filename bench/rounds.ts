// A benchmark from its plan to its result.
import config from "../deno.json" with { type: "json" };
import type { Result, Section, Values } from "./figures.ts";
import { Lab, type Plan, type Ready, type Turn } from "./lab.ts";
import { CLIENT_FIGURES, CLIENTS, clientTurns } from "./measure_clients.ts";
import {
  SERVER_FIGURES,
  serverTurns,
  THREAD_FIGURES,
  THREADS,
  threadTurns,
} from "./measure_servers.ts";
import { SERVERS } from "./servers.ts";

/** Rounds, and the times of each figure in seconds. */
const FULL = { rounds: 5, warmUp: 0.6, seconds: 0.9 };
const QUICK = { rounds: 3, warmUp: 0.05, seconds: 0.15 };

/**
 * Measures what the machine has.
 *
 * @param folder for what is built, empty
 * @param names of servers; undefined for all
 * @throws {Error} where nothing can be measured here
 */
export async function runAll(
  folder: string,
  isQuick: boolean,
  names?: readonly string[],
): Promise<Result> {
  if (Deno.build.os !== "linux" || navigator.hardwareConcurrency < 2) {
    throw new Error("it needs Linux and two cores");
  }
  const began = new Date();
  const { rounds, ...plan } = isQuick ? QUICK : FULL;
  const known = SERVERS.map(({ name }) => name);
  const odd = names?.find((name) => !known.includes(name));
  if (odd !== undefined) throw new Error(`no server ${odd}: there are ${known.join(", ")}`);
  const lab = new Lab(folder);
  await lab.prepare();
  const ready = await build(lab, names);
  const values: Values = {};
  for (let round = 1; round <= rounds; round++) {
    for (const turn of turns(lab, ready, plan, round === 1).flatMap(shuffled)) {
      console.error(`bench: round ${round} of ${rounds}, ${turn.work} of ${turn.program}`);
      await take(turn, values, round);
    }
  }
  return {
    date: began.toISOString(),
    machine: await machine(),
    versions: Object.assign({ yodel: config.version }, ...ready.map(({ versions }) => versions)),
    rounds,
    seconds: plan.seconds,
    minutes: Math.round((Date.now() - began.getTime()) / 60_000),
    sections: sections(ready, values),
  };
}

/** Builds the servers that are asked for, and the first, with which they are compared. */
async function build(lab: Lab, names?: readonly string[]): Promise<Ready[]> {
  const ready: Ready[] = [];
  for (const server of SERVERS) {
    const isFirst = server === SERVERS[0];
    if (!isFirst && names?.includes(server.name) === false) continue;
    try {
      ready.push(await lab.build(server));
    } catch (error) {
      if (isFirst) throw error;
      leftOut(server.title, error);
    }
  }
  return ready;
}

/** The turns of a round, those that are compared with each other together. */
function turns(lab: Lab, ready: readonly Ready[], plan: Plan, withMemory: boolean): Turn[][] {
  const named = (name: string) => ready.filter(({ server }) => server.name === name);
  return [
    ...serverTurns(lab, ready, plan, withMemory),
    ...named("c").flatMap((reference) => clientTurns(lab, reference, plan)),
    ...named("yodel").flatMap((yodel) => threadTurns(lab, yodel, plan)),
  ];
}

/** Takes a turn; one that fails is left out. */
async function take({ program, work, take }: Turn, values: Values, round: number): Promise<void> {
  try {
    for (const [figure, value] of Object.entries(await take())) {
      ((values[figure] ??= {})[program] ??= [])[round - 1] = value;
    }
  } catch (error) {
    leftOut(`${work} of ${program}`, error);
  }
}

function leftOut(what: string, error: unknown): void {
  console.error(`bench: left out ${what}: ${error instanceof Error ? error.message : error}`);
}

function sections(ready: readonly Ready[], values: Values): Section[] {
  const servers = Object.fromEntries(ready.map(({ server }) => [server.name, server.title]));
  return [
    { title: "Servers on one core", programs: servers, figures: SERVER_FIGURES },
    { title: "Clients of one server", programs: CLIENTS, figures: CLIENT_FIGURES },
    { title: "Threads of yodel", programs: THREADS, figures: THREAD_FIGURES },
  ].map(({ title, programs, figures }) => ({
    title,
    programs,
    figures: figures.filter(({ name }) => name in values),
    values: Object.fromEntries(figures.map(({ name }) => [name, values[name] ?? {}])),
  })).filter(({ figures }) => figures.length > 0);
}

function shuffled<T>(things: readonly T[]): T[] {
  return things.map((thing) => ({ thing, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ thing }) => thing);
}

async function machine(): Promise<string> {
  const model = /^model name\s*: (.+)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1];
  const cores = navigator.hardwareConcurrency;
  return `${model ?? Deno.build.arch}, ${cores} cores, Linux ${Deno.osRelease().split("-")[0]}`;
}
