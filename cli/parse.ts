// Parses command lines by the tables of commands and flags.
import { parseArgs } from "jsr:@std/cli@1.0.32/parse-args";
import type { Endpoint } from "../net/endpoint.ts";
import { DEFAULT_ENDPOINT, parseEndpoint, readEndpoint } from "../net/parse_endpoint.ts";
import { TRANSPORTS } from "../net/transports.ts";
import { quoted } from "../net/escape.ts";
import {
  type Command,
  type Flag,
  type Flags,
  type FlagValues,
  type Invocation,
  isToggle,
  operandsText,
  optionName,
  takesEndpoints,
} from "./command.ts";
import { commands } from "./commands.ts";
import { FOREIGN_FLAGS } from "./foreign_flags.ts";
import { readValue, toggle } from "../values/value_types.ts";
import { nearest } from "../values/nearest.ts";
import { topics } from "./topics.ts";
import { YodelError } from "../errors/yodel_error.ts";

/** A flag, with or without its value. */
const FLAG = /^-(?:-[a-z\d][a-z\d-]*|[a-z\d][a-z\d.-]*)(?:=|$)/i;

/** @param args follow the name, and are used for the advice if there is no such command */
export function parseCommand(name: string, args: readonly string[]): Command {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command;
  const what = name.startsWith("-") ? "flag" : "command";
  const endpoint = endpointOf([name, ...args]);
  const advice = endpoint !== undefined
    ? `; did you mean yodel connect ${endpoint}?`
    : Object.hasOwn(topics, name)
    ? `; did you mean yodel help ${name}?`
    : suggestion(name, [...Object.keys(commands), "--help", "--version"]);
  throw new YodelError(`unknown ${what} ${quoted(name)}${advice}`);
}

/** The endpoint that words such as `localhost 2222` may mean. */
function endpointOf([first = "", second = ""]: readonly string[]): string | undefined {
  const isHost = /^(?!\d+$)[a-z\d][\w.-]*$/i.test(first) && /^\d{1,5}$/.test(second);
  if (isHost) return `${first}:${second}`;
  return parseEndpoint(first) === undefined ? undefined : first;
}

/** @throws {YodelError} for an unknown flag, a wrong value or a misplaced argument */
export function parseInvocation<F extends Flags>(
  command: Command<F>,
  given: readonly string[],
): Invocation<F> {
  const args = longForms(given, command.flags);
  const rows = Object.entries<Flag>(command.flags);
  const names = (is: (flag: Flag) => unknown) =>
    rows.filter(([, flag]) => is(flag)).map(([name]) => name);
  const toggles = names(isToggle);
  const unknown: string[] = [];
  // parseArgs would take a dot for a path into an object, and "_" for its list of operands.
  const odd = beforeDoubleDash(args).find((arg) => /^-./s.test(arg) && !FLAG.test(arg));
  if (odd !== undefined) throw unknownFlag(odd, command);
  const parsed = parseArgs([...args], {
    // "_": operands stay text, even if they look like numbers.
    string: ["_", ...names((flag) => !isToggle(flag))],
    boolean: toggles,
    collect: names(({ many }) => many),
    unknown: (arg) => void (/^-./.test(arg) && unknown.push(arg)),
  });
  // parseArgs takes --name=anything as true if --name takes no value.
  for (const arg of beforeDoubleDash(args)) {
    const [, name = "", value = ""] = /^--([^=]+)=(.*)$/s.exec(arg) ?? [];
    if (![...toggles, "help"].includes(name)) continue;
    throw new YodelError(`--${name}: expected ${toggle.expected}, not ${quoted(value)}`);
  }
  const words = parsed._.map(String);
  const taker = names(({ takesAll }) => takesAll).find((name) => wasGiven(parsed[name]));
  if (taker !== undefined) parsed[taker] = [parsed[taker], words.splice(0)].flat();
  const flags = Object.fromEntries(
    rows.map(([name, flag]) => [optionName(name), valueOf(name, flag, parsed[name])]),
  );
  // Only now: an unknown "-1" is most often the value of the flag before it.
  if (unknown[0] !== undefined) throw unknownFlag(unknown[0], command);
  const operands = parseOperands(command, words);
  const { takesAll } = command.flags[taker ?? ""] ?? {};
  for (const [name, flag] of rows) {
    if (!wasGiven(flags[optionName(name)])) continue;
    if (takesAll && !takesAll.includes(flag.group)) {
      throw new YodelError(`--${name}: not with --${taker}`);
    }
    checkTransport(name, flag, operands.endpoints);
  }
  return { flags: flags as FlagValues<F>, ...operands };
}

function wasGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

function valueOf(name: string, flag: Flag, given: unknown): unknown {
  if (isToggle(flag)) return given === true;
  if (flag.many) {
    const texts = Array.isArray(given) ? given : [];
    return texts.map((text) => valueOf(name, { ...flag, many: false }, text));
  }
  if (given === undefined) return undefined;
  return readValue(flag.type, String(given), (what) => new YodelError(`--${name}: ${what}`));
}

function parseOperands(
  command: Command,
  operands: readonly string[],
): Pick<Invocation, "endpoints" | "word"> {
  const most = command.operands === "endpoints" ? Infinity : command.operands.length === 0 ? 0 : 1;
  const extra = operands[most];
  const file = takesEndpoints(command) && operands.length > 1
    ? operands.find(isFileHere)
    : undefined;
  if (file !== undefined) {
    const advice = "put * in quotes, or the shell replaces it by file names";
    throw new YodelError(`unexpected argument ${quoted(file)}; it is a file: ${advice}`);
  }
  if (extra !== undefined) {
    const meant = command.operands === "endpoint" ? endpointOf(operands) : undefined;
    if (meant !== undefined && operands[0] !== meant) {
      throw new YodelError(`unexpected argument ${quoted(extra)}; did you mean ${meant}?`);
    }
    const advice = command.extraAdvice ?? `expected ${operandsText(command) || "none"}`;
    throw new YodelError(`unexpected argument ${quoted(extra)}; ${advice}`);
  }
  if (!takesEndpoints(command)) {
    return { endpoints: [DEFAULT_ENDPOINT], word: operands[0] ?? "" };
  }
  const leastPort = command.operands === "endpoints" ? 0 : 1;
  const [first = DEFAULT_ENDPOINT, ...more] = operands.map((text) => readEndpoint(text, leastPort));
  return { endpoints: [first, ...more], word: "" };
}

/** Whether a word is the name of a file in this folder, and no endpoint. */
function isFileHere(word: string): boolean {
  if (word.includes("/") || parseEndpoint(word) !== undefined) return false;
  try {
    return Deno.lstatSync(word) !== undefined;
  } catch {
    return false;
  }
}

/** Refuses a flag that would have no effect on any of the endpoints. */
function checkTransport(name: string, { only }: Flag, endpoints: readonly Endpoint[]): void {
  if (only === undefined || endpoints.some(({ scheme }) => only.includes(scheme))) return;
  const forms = only.map((scheme) => TRANSPORTS[scheme].prefix);
  const last = forms.pop();
  const expected = forms.length === 0 ? last : `${forms.join(", ")} or ${last}`;
  throw new YodelError(`--${name}: expected a ${expected} endpoint with it`);
}

/**
 * Writes short flags as long ones: `-c5`, `-c 5` and `-qc5` as `--count`. parseArgs
 * would take the letters of `-i200ms` for flags.
 */
function longForms(args: readonly string[], flags: Flags): readonly string[] {
  const head = beforeDoubleDash(args);
  const long = head.flatMap((arg) => {
    const words: string[] = [];
    let letters = /^-(\d?[a-z].*|\d)$/is.exec(arg)?.[1] ?? "";
    while (letters !== "") {
      const found = Object.entries(flags).find(([, { short }]) => short === letters[0]);
      if (found === undefined) return [arg];
      const [name, flag] = found;
      const rest = letters.slice(1);
      letters = isToggle(flag) ? rest : "";
      words.push(rest === letters ? `--${name}` : `--${name}=${rest.replace(/^=/, "")}`);
    }
    return words.length > 0 ? words : [arg];
  });
  return [...withNegatives(long, flags), ...args.slice(head.length)];
}

/** Joins a flag and a negative value, which parseArgs would take for a flag. */
function withNegatives(words: readonly string[], flags: Flags): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const [, name = ""] = /^--([^=]+)$/.exec(joined.at(-1) ?? "") ?? [];
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (/^-\d/.test(word) && flag !== undefined && !isToggle(flag)) {
      joined.push(`${joined.pop()}=${word}`);
    } else joined.push(word);
  }
  return joined;
}

export function asksForHelp(args: readonly string[]): boolean {
  return beforeDoubleDash(args).some((arg) => arg === "--help" || arg === "-h");
}

function beforeDoubleDash(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end === -1 ? args : args.slice(0, end);
}

function unknownFlag(arg: string, command: Command): YodelError {
  const flag = arg.replace(/=.*/s, "");
  const foreign = new Map(Object.entries({ ...FOREIGN_FLAGS, ...command.foreign })).get(flag);
  if (foreign !== undefined) return new YodelError(`unknown flag ${quoted(flag)}; ${foreign}`);
  const owners = Object.entries(commands)
    .flatMap(([name, { flags }]) => Object.hasOwn(flags, flag.slice(2)) ? [`yodel ${name}`] : []);
  const advice = owners.length === 0
    ? suggestion(flag, [...Object.keys(command.flags), "help"].map((name) => `--${name}`))
    : `; it belongs to ${owners.join(" and ")}`;
  return new YodelError(`unknown flag ${quoted(flag)}${advice}`);
}

function suggestion(word: string, known: readonly string[]): string {
  // A single letter means the only flag that begins with it.
  const begun = known.filter((name) => name.startsWith(`-${word}`));
  const name = /^-.$/.test(word) ? begun.length === 1 ? begun[0] : undefined : nearest(word, known);
  return name === undefined ? "; see --help" : `; did you mean ${name}?`;
}
