// The faults of a server.
import { OptionError } from "../../errors/yodel_error.ts";
import { type Endpoint, formatEndpoint } from "../../net/endpoint.ts";
import type { Flaw } from "../../net/certificate.ts";
import type { ServerTls } from "../../net/stream.ts";
import { hasConnections } from "../../net/transports.ts";
import {
  count,
  probability,
  type Range,
  range,
  readValue,
  type ValueType,
} from "../../values/value_types.ts";
import { nearest } from "../../values/nearest.ts";
import type { Fault } from "../faults/fault.ts";
import { faults } from "../faults/list.ts";
import type { LogFields } from "../log.ts";
import { Held } from "./read_ahead.ts";

export const MAX_SEED = 2 ** 32 - 1;

const numbersType = range(count(1));

const ALL: Range = { least: -Infinity, most: Infinity };

/** What a set of faults is made of. */
export interface FaultOptions {
  readonly faults?: readonly string[];
  readonly seed?: number;
  readonly tls?: Partial<ServerTls>;
  readonly resettable?: boolean;
  /** That of the same set in another thread. */
  readonly numbers?: Int32Array;
}

/** A fault that was requested, with its value. */
export interface ChosenFault {
  readonly fault: Fault;
  readonly value: unknown;
  readonly probability: number | "once";
  /** The numbers of the connections that have it. */
  readonly connections: Range;
  /** As it was given. */
  readonly text: string;
  /** How often it was injected, in all connections. */
  injections: number;
}

/** A set of faults, and the seed of their random numbers. */
export interface FaultPlan {
  /** In the order of their stages. */
  readonly chosen: readonly ChosenFault[];
  readonly seed: number | undefined;
  /** Those of the throw-away certificate. */
  readonly flaws: readonly Flaw[];
  /** Whether connections can be reset. */
  readonly resettable: boolean;
  /** The read-ahead of all connections. */
  readonly held: Held;
  /** How often each fault was injected since the start of the server, by name. */
  readonly injected: Record<string, number>;
  /** The number of the next connection, in memory that threads share. */
  readonly numbers: Int32Array;
  /** For the log. */
  readonly fields: LogFields;
}

/**
 * Parses a set of faults.
 *
 * @param former the set that it replaces while the server runs
 * @throws {OptionError} for a wrong fault or seed, and for a fault that an endpoint cannot have
 */
export function planFaults(
  { faults: wanted = [], seed: givenSeed, tls, resettable = false, numbers }: FaultOptions,
  endpoints: readonly Endpoint[],
  former?: FaultPlan,
): FaultPlan {
  if (wanted.length === 0 && givenSeed !== undefined) {
    throw new OptionError("seed", "requires a fault");
  }
  const seed = givenSeed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  if (seed >>> 0 !== seed) {
    throw new OptionError("seed", `expected a whole number from 0 to ${MAX_SEED}, not ${seed}`);
  }
  const chosen = wanted.map(choose)
    .toSorted((a, b) => faults.indexOf(a.fault) - faults.indexOf(b.fault));
  for (const endpoint of endpoints) chosen.forEach((each) => checkEndpoint(each, endpoint));
  if (former !== undefined) chosen.forEach((each) => checkChange(each, former));
  const flaws = chosen.flatMap(({ fault, value }) => fault.flaw?.(value) ?? []);
  if (flaws.length > 0 && tls?.cert !== undefined) {
    throw wrong("certificate requires a certificate that the server generates; omit the other one");
  }
  const injected = former?.injected ?? {};
  for (const { fault: { name, stage } } of chosen) if (stage !== undefined) injected[name] ??= 0;
  return {
    chosen,
    seed: chosen.length > 0 ? seed : undefined,
    flaws,
    resettable: former?.resettable ?? (resettable || chosen.some(({ fault }) => fault.resets)),
    held: former?.held ?? new Held(),
    injected,
    numbers: numbers ?? new Int32Array(new SharedArrayBuffer(4)).fill(1),
    fields: chosen.length > 0 ? { faults: chosen.map(({ text }) => text).join(), seed } : {},
  };
}

function checkEndpoint({ fault, text, connections }: ChosenFault, endpoint: Endpoint): void {
  const { name, transports, chance } = fault;
  if (!transports.includes(endpoint.scheme)) {
    throw wrong(`${name} is for ${transports.join(", ")}, not for ${formatEndpoint(endpoint)}`);
  }
  if (hasConnections(endpoint) || !text.includes("@")) return;
  if (connections === ALL && chance?.of !== "connections") return;
  const what = connections === ALL ? "probability" : "A..B";
  throw wrong(`${text}: udp has no connections, so ${name} takes no ${what} there`);
}

/** Listeners stay as they are while a server runs. */
function checkChange({ fault: { name, flaw, resets } }: ChosenFault, former: FaultPlan): void {
  if (flaw !== undefined) throw wrong(`${name} can only be set when the server starts`);
  if (!resets || former.resettable) return;
  throw wrong(`${name}: this server cannot reset connections; start it with one thread for that`);
}

function choose(text: string): ChosenFault {
  const each = text.split(",");
  if (each.every((part) => /^[a-z]/i.test(part)) && each.length > 1) {
    throw wrong(`use one flag for each fault: ${each.map((part) => `--fault ${part}`).join(" ")}`);
  }
  const [, name = "", value, at] = /^([^=@]*)(?:=([^@]*))?(?:@(.*))?$/s.exec(text) ?? [];
  const fault = faults.find((fault) => fault.name === name.toLowerCase());
  if (fault === undefined) {
    const same = faults.find(({ otherNames }) => otherNames?.includes(name.toLowerCase()));
    const near = same?.name ?? nearest(name, faults.map(({ name }) => name));
    const advice = near === undefined ? "see yodel help faults" : `did you mean ${near}?`;
    throw wrong(`unknown fault ${JSON.stringify(name)}; ${advice}`);
  }
  if (fault.value === undefined && value !== undefined) {
    const isChance = fault.chance !== undefined && probability.parse(value) !== undefined;
    throw wrong(`${name} takes no value${isChance ? `; did you mean ${name}@${value}?` : ""}`);
  }
  if (fault.chance === undefined && at !== undefined) throw wrong(`${name} takes no probability`);
  const read = <T>(type: ValueType<T>, text = "") =>
    readValue(type, text, (what) => wrong(`${name}: ${what}`));
  const usual = value === undefined ? fault.usual : undefined;
  const isRange = at?.includes("..");
  return {
    fault,
    value: fault.value && (usual ?? read(fault.value, value)),
    probability: at === undefined || isRange ? fault.chance?.usual ?? 1 : read(probability, at),
    connections: isRange ? read(numbersType, at) : ALL,
    text,
    injections: 0,
  };
}

function wrong(what: string): OptionError {
  return new OptionError("fault", what);
}
