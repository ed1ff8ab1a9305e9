// A benchmark from its plan to its result.
import config from "../deno.json" with { type: "json" };
import type { Result, Section } from "./figures.ts";
import { Lab, type Ready } from "./lab.ts";
import { CLIENT_FIGURES, CLIENTS, clientTurn } from "./measure_clients.ts";
import { SERVER_FIGURES, serverTurn, TWO_CORES_FIGURES, twoCoresTurn } from "./measure_servers.ts";
import { Progress } from "./progress.ts";
import { SERVERS } from "./servers.ts";
import type { Plan, Turn } from "./turn.ts";

/** Rounds, how many of them measure memory, and the times of each figure in seconds. */
const FULL = { rounds: 5, withMemory: 2, warmUp: 0.6, seconds: 0.9 };
const QUICK = { rounds: 3, withMemory: 1, warmUp: 0.05, seconds: 0.15 };

/** What a step takes besides, for its processes, in seconds. */
const OVERHEAD = 0.15;

/** The figures that can be wished for: others come with them. */
const STEPS = [...SERVER_FIGURES, ...TWO_CORES_FIGURES, ...CLIENT_FIGURES]
  .map(({ name }) => name).filter((name) => !["p99", "cpu"].includes(name));

/** What was measured, by the names of figure and program; those of figures differ in all sections. */
type Values = Record<string, Record<string, number[]>>;

/** What to measure. */
export interface Wishes {
  readonly isQuick: boolean;
  /** Names; undefined for all. */
  readonly servers?: readonly string[];
  readonly figures?: readonly string[];
}

/**
 * Measures all that is wished for and that the machine has.
 *
 * @param folder for what is built, empty
 * @throws {Error} where nothing can be measured here
 */
export async function runAll(folder: string, wishes: Wishes): Promise<Result> {
  if (Deno.build.os !== "linux" || navigator.hardwareConcurrency < 2) {
    throw new Error("it needs Linux and two cores");
  }
  const began = new Date();
  const { rounds, withMemory, ...times } = wishes.isQuick ? QUICK : FULL;
  checkNames("server", SERVERS.map(({ name }) => name), wishes.servers);
  checkNames("figure", STEPS, wishes.figures);
  const plan: Plan = { ...times, wants: (step) => wishes.figures?.includes(step) ?? true };
  const lab = new Lab(folder);
  await lab.prepare();
  const ready = await build(lab, wishes.servers);
  const turnsOf = (round: number) => turns(lab, ready, plan, round <= withMemory);
  const all = Array.from({ length: rounds }, (_, i) => turnsOf(i + 1));
  const steps = all.flat().flatMap((turn) => turn.steps);
  const seconds = steps.length * (plan.warmUp + plan.seconds + OVERHEAD);
  console.error(`bench: ${rounds} rounds, about ${Math.ceil(seconds / 60)} min; Ctrl-C ends it`);

  const progress = new Progress(steps.length);
  const values: Values = {};
  for (const [i, turns] of all.entries()) {
    for (const turn of shuffled(turns)) {
      await take(
        turn,
        `round ${i + 1} of ${rounds}, ${turn.section}, ${turn.program}`,
        progress,
        values,
      );
    }
  }
  progress.clear();
  return {
    date: began.toISOString(),
    machine: await machine(),
    versions: Object.fromEntries([
      ["yodel", config.version],
      ...ready.map(({ server, version }) => [server.runtime, version]),
    ]),
    rounds,
    seconds: plan.seconds,
    minutes: Math.round((Date.now() - began.getTime()) / 60_000),
    sections: sections(ready, values),
  };
}

function checkNames(kind: string, known: readonly string[], given: readonly string[] = []): void {
  const odd = given.find((name) => !known.includes(name));
  if (odd !== undefined) throw new Error(`no ${kind} ${odd}: there are ${known.join(", ")}`);
}

/** Builds the servers that are wished for, and the first, with which they are compared. */
async function build(lab: Lab, names?: readonly string[]): Promise<Ready[]> {
  const ready: Ready[] = [];
  for (const server of SERVERS) {
    const isWanted = names?.includes(server.name) ?? true;
    if (server !== SERVERS[0] && !isWanted) continue;
    try {
      ready.push(await lab.build(server));
    } catch (error) {
      if (server === SERVERS[0]) throw error;
      console.error(
        `bench: left out ${server.title}: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
  return ready;
}

/** The turns of a round. */
function turns(lab: Lab, ready: readonly Ready[], plan: Plan, withMemory: boolean): Turn[] {
  const [reference] = ready;
  const on = (cores: 1 | 2) => ready.filter(({ server }) => server.cores.includes(cores));
  return [
    ...on(1).map((one) => serverTurn(lab, one, plan, withMemory)),
    ...on(2).map((one) => twoCoresTurn(lab, one, plan)),
    ...reference === undefined ? [] : CLIENTS.map((one) => clientTurn(lab, reference, one, plan)),
  ].filter(({ steps }) => steps.length > 0);
}

/** Takes a turn; what fails in it is told, and left out. */
async function take(
  turn: Turn,
  title: string,
  progress: Progress,
  values: Values,
): Promise<void> {
  let done = 0;
  try {
    await turn.take(async (name, measure) => {
      progress.tell(title, name);
      try {
        for (const [figure, value] of Object.entries(await measure())) {
          ((values[figure] ??= {})[turn.program] ??= []).push(value);
        }
      } catch (error) {
        progress.complain(`${turn.program}, ${name}`, error);
      }
      progress.count(1);
      done++;
    });
  } catch (error) {
    progress.complain(turn.program, error);
  }
  progress.count(turn.steps.length - done);
}

function sections(ready: readonly Ready[], values: Values): Section[] {
  const servers = Object.fromEntries(ready.map(({ server }) => [server.name, server.title]));
  const clients = Object.fromEntries(CLIENTS.map(({ name, title }) => [name, title]));
  return [
    { name: "servers", title: "Servers on one core", programs: servers, figures: SERVER_FIGURES },
    {
      name: "two-cores",
      title: "Servers on two cores, with the client on both",
      programs: servers,
      figures: TWO_CORES_FIGURES,
    },
    { name: "clients", title: "Clients of one server", programs: clients, figures: CLIENT_FIGURES },
  ].map(({ figures, ...section }) => ({
    ...section,
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
