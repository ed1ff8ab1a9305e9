/**
 * Reads the command line by the tables of commands and flags.
 *
 * @module
 */
import { parseArgs } from "jsr:@std/cli@^1.0.32/parse-args";
import { DEFAULT_ENDPOINT, type Endpoint, ENDPOINT_FORM, parseEndpoint } from "../net/endpoint.ts";
import {
  type Command,
  type CommandName,
  commandNames,
  commands,
  type Flag,
  type FlagValues,
  SHELLS,
} from "./commands.ts";
import { choice, toggle } from "./kinds.ts";
import { nearest } from "./nearest.ts";
import { YodelError } from "../errors/yodel_error.ts";

/** A command line that cannot be followed. Its message is one line for people. */
export class UsageError extends YodelError {
  override readonly name = "UsageError";
}

/** What a command was given. */
export interface Invocation<C extends Command> {
  readonly flags: FlagValues<C["flags"]>;
  /** The names of the flags that were given. */
  readonly given: ReadonlySet<string>;
  /** What is neither a flag nor its value, as it was written. */
  readonly operands: readonly string[];
}

/** Checks the name of a command. */
export function parseCommandName(text: string | undefined): CommandName {
  const name = commandNames.find((name) => name === text);
  if (name !== undefined) return name;
  if (text === undefined) {
    throw new UsageError(`no command; expected one of ${commandNames.join(", ")}, or --help`);
  }
  const what = text.startsWith("-") ? "flag" : "command";
  throw new UsageError(
    `unknown ${what} ${quote(text)}${suggestion(text, [...commandNames, "--help", "--version"])}`,
  );
}

/**
 * Reads what follows the name of a command.
 *
 * @throws {UsageError} for an unknown flag, a wrong value or a misplaced argument
 */
export function parseInvocation<C extends Command>(
  command: C,
  words: readonly string[],
): Invocation<C> {
  const args = longForms(words, command.flags);
  const names = Object.keys(command.flags);
  const toggles = names.filter((name) => command.flags[name]?.kind.placeholder === "");
  const unknown: string[] = [];
  const given = parseArgs([...args], {
    // "_": endpoints stay as they were written, even where they look like numbers.
    string: ["_", ...names.filter((name) => !toggles.includes(name))],
    boolean: toggles,
    unknown: (arg) => {
      if (/^-./.test(arg)) unknown.push(arg);
    },
  });
  // The library takes --name=anything as true where --name takes no value.
  for (const arg of beforeDoubleDash(args)) {
    const [, name = "", value = ""] = /^--([^=]+)=(.*)$/s.exec(arg) ?? [];
    if (!toggles.includes(name)) continue;
    throw new UsageError(`--${name}: expected ${toggle.expected}, not ${quote(value)}`);
  }
  const flags: Record<string, unknown> = {};
  for (const [name, { kind, default: otherwise }] of Object.entries(command.flags)) {
    const text = String(given[name] ?? otherwise);
    const value = given[name] === "" ? undefined : kind.parse(text);
    if (value === undefined) {
      const what = text === "" ? "nothing" : quote(text);
      throw new UsageError(`--${name}: expected ${kind.expected}, not ${what}`);
    }
    flags[name] = value;
  }
  // Only now: an unknown "-1" is most often the value that a flag misses.
  if (unknown[0] !== undefined) throw unknownFlag(unknown[0], names);
  const operands = given._.map(String);
  const extra = operands[command.maxOperands];
  if (extra !== undefined) {
    throw new UsageError(`unexpected argument ${quote(extra)}; expected ${command.operands}`);
  }
  return {
    flags: flags as FlagValues<C["flags"]>,
    given: new Set(names.filter((name) => toggles.includes(name) ? flags[name] : name in given)),
    operands,
  };
}

/**
 * Writes short flags as long ones: `-c5`, `-c 5` and `-qc5` as `--count`. The
 * library would take the letters of `-i200ms` for flags.
 */
function longForms(
  args: readonly string[],
  flags: Readonly<Record<string, Flag>>,
): readonly string[] {
  const head = beforeDoubleDash(args);
  const long = head.flatMap((arg) => {
    const words: string[] = [];
    let letters = /^-([a-z].*)$/is.exec(arg)?.[1] ?? "";
    while (letters !== "") {
      const found = Object.entries(flags).find(([, { short }]) => short === letters[0]);
      if (found === undefined) return [arg];
      const [name, { kind }] = found;
      letters = letters.slice(1);
      if (kind.placeholder === "") {
        words.push(`--${name}`);
        continue;
      }
      words.push(letters === "" ? `--${name}` : `--${name}=${letters.replace(/^=/, "")}`);
      letters = "";
    }
    return words.length > 0 ? words : [arg];
  });
  return [...long, ...args.slice(head.length)];
}

/** Whether a command's arguments ask for its help. */
export function asksForHelp(args: readonly string[]): boolean {
  return beforeDoubleDash(args).some((arg) => arg === "--help" || arg === "-h");
}

/** The arguments that may be flags: those after `--` are not. */
function beforeDoubleDash(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end === -1 ? args : args.slice(0, end);
}

function unknownFlag(arg: string, names: readonly string[]): UsageError {
  const flag = arg.replace(/=.*/s, "");
  const owner = commandNames.find((name) => Object.hasOwn(commands[name].flags, flag.slice(2)));
  const advice = owner === undefined
    ? suggestion(flag, [...names, "help"].map((name) => `--${name}`))
    : `; it belongs to yodel ${owner}`;
  return new UsageError(`unknown flag ${quote(flag)}${advice}`);
}

/**
 * Reads the operands of a command as endpoints.
 *
 * @param leastPort 0 where any free port will do, otherwise 1
 * @returns at least one: the default endpoint stands in where none was given
 * @throws {UsageError} for what is no endpoint
 */
export function parseEndpoints(
  operands: readonly string[],
  leastPort: 0 | 1,
): [Endpoint, ...Endpoint[]] {
  const [first = DEFAULT_ENDPOINT, ...more] = operands.map((text) => {
    const endpoint = parseEndpoint(text);
    if (endpoint?.scheme === "unix") return endpoint;
    if (endpoint !== undefined && endpoint.port >= leastPort) return endpoint;
    throw new UsageError(
      `endpoint ${quote(text)}: expected ${ENDPOINT_FORM}, PORT from ${leastPort} to 65535`,
    );
  });
  return [first, ...more];
}

/** Reads the operand of `yodel completions`. */
export function parseShell([text = ""]: readonly string[]): typeof SHELLS[number] {
  const shell = choice(SHELLS).parse(text);
  if (shell !== undefined) return shell;
  const what = text === "" ? "nothing" : quote(text);
  throw new UsageError(`completions: expected ${choice(SHELLS).expected}, not ${what}`);
}

function suggestion(word: string, known: readonly string[]): string {
  const name = nearest(word, known);
  return name === undefined ? "; see --help" : `; did you mean ${name}?`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
