// The faults of a server.
import { OptionError } from "../../errors/yodel_error.ts";
import { type Endpoint, formatEndpoint } from "../../net/endpoint.ts";
import type { Flaw } from "../../net/certificate.ts";
import type { ServerTls } from "../../net/stream.ts";
import { hasConnections } from "../../net/transports.ts";
import { probability, readValue, type ValueType } from "../../values/value_types.ts";
import { nearest } from "../../values/nearest.ts";
import type { Fault } from "./fault.ts";
import { faults } from "./faults.ts";
import type { LogFields } from "../log.ts";
import { Held } from "./read_ahead.ts";

/**
 * A fault: `NAME[=VALUE][@PROBABILITY]`, such as `delay=20ms..40ms` or `corrupt@1e-6`,
 * or the same in parts. `yodel help faults` has their names.
 */
export type FaultOption = string | {
  readonly name: string;
  /** As on the command line: `20ms..40ms`. */
  readonly value?: string;
  /** From 0 to 1. */
  readonly probability?: number;
};

export const MAX_SEED = 2 ** 32 - 1;

interface FaultOptions {
  readonly faults?: readonly FaultOption[];
  readonly seed?: number;
  readonly tls?: Partial<ServerTls>;
}

/** A fault that was requested, with its value. */
export interface ChosenFault {
  readonly fault: Fault;
  readonly value: unknown;
  readonly probability: number | "once";
  /** As it was given. */
  readonly text: string;
  /** How often it was injected, in all connections. */
  injections: number;
}

/** The faults of a server, and the seed of their random numbers. */
export interface FaultPlan {
  /** In the order of their stages. */
  readonly chosen: readonly ChosenFault[];
  readonly seed: number;
  /** Those of the throw-away certificate. */
  readonly flaws: readonly Flaw[];
  /** Whether connections have to be resettable. */
  readonly resets: boolean;
  /** The read-ahead of all connections. */
  readonly held: Held;
  /** For the log. */
  readonly fields: LogFields;
}

/**
 * Parses the faults, if there are any.
 *
 * @throws {OptionError} for a wrong fault or seed, and for a fault that an endpoint cannot have
 */
export function planFaults(
  { faults: wanted = [], seed: givenSeed, tls }: FaultOptions,
  endpoints: readonly Endpoint[],
): FaultPlan | undefined {
  if (wanted.length === 0) {
    if (givenSeed === undefined) return undefined;
    throw new OptionError("seed", "expected a fault with it");
  }
  const seed = givenSeed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  if (seed >>> 0 !== seed) {
    throw new OptionError("seed", `expected a whole number from 0 to ${MAX_SEED}, not ${seed}`);
  }
  const chosen = wanted.map(choose)
    .toSorted((a, b) => faults.indexOf(a.fault) - faults.indexOf(b.fault));
  for (const endpoint of endpoints) chosen.forEach((each) => checkEndpoint(each, endpoint));
  const flaws = chosen.flatMap(({ fault, value }) => fault.flaw?.(value) ?? []);
  if (flaws.length > 0 && tls?.cert !== undefined) {
    throw wrong("the server makes such a certificate itself, so none can be given");
  }
  const resets = chosen.some(({ fault }) => fault.resets);
  const fields = { faults: chosen.map(({ text }) => text).join(), seed };
  return { chosen, seed, flaws, resets, held: new Held(), fields };
}

function checkEndpoint({ fault, text }: ChosenFault, endpoint: Endpoint): void {
  const { name, transports, chance } = fault;
  if (!transports.includes(endpoint.scheme)) {
    throw wrong(`${name} is for ${transports.join(", ")}, not for ${formatEndpoint(endpoint)}`);
  }
  if (hasConnections(endpoint) || chance?.of !== "connections" || !text.includes("@")) return;
  throw wrong(`${text}: udp has no connections, so ${name} takes no probability there`);
}

function choose(option: FaultOption): ChosenFault {
  const text = typeof option === "string" ? option : textOf(option);
  const each = text.split(",");
  if (each.every((part) => /^[a-z]/i.test(part)) && each.length > 1) {
    throw wrong(`each has its own flag: ${each.map((part) => `--fault ${part}`).join(" ")}`);
  }
  const [, name = "", value, chance] = /^([^=@]*)(?:=([^@]*))?(?:@(.*))?$/s.exec(text) ?? [];
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
  if (fault.chance === undefined && chance !== undefined) {
    throw wrong(`${name} takes no probability`);
  }
  const read = <T>(type: ValueType<T>, text = "") =>
    readValue(type, text, (what) => wrong(`${name}: ${what}`));
  return {
    fault,
    value: fault.value && read(fault.value, value),
    probability: chance === undefined ? fault.chance?.usual ?? 1 : read(probability, chance),
    text,
    injections: 0,
  };
}

function textOf({ name, value, probability: p }: Exclude<FaultOption, string>): string {
  return name + (value === undefined ? "" : `=${value}`) + (p === undefined ? "" : `@${p}`);
}

function wrong(what: string): OptionError {
  return new OptionError("fault", what);
}
