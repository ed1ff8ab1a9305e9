// Parses command lines by the tables of commands and flags.
import { parseArgs } from "jsr:@std/cli@1.0.32/parse-args";
import { DEFAULT_ENDPOINT, parseEndpoint, readEndpoint } from "../net/parse_endpoint.ts";
import { TRANSPORTS } from "../net/transports.ts";
import { quoted } from "../net/escape.ts";
import {
  type Command,
  findFlag,
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
import { readValue, toggle } from "../values/value_types.ts";
import { nearest } from "../values/nearest.ts";
import { topics } from "./commands/help.ts";
import { YodelError } from "../errors/yodel_error.ts";

/** Flags of other programs, and what yodel has instead. */
const FOREIGN_FLAGS: Command["foreign"] = {
  "--port -p --listen -l": "put the port in the endpoint, as in yodel serve 2222",
  "--host --hostname --bind": "put the host in the endpoint, as in yodel serve '*:2222'",
  "--tls --ssl": "use tls://HOST:PORT",
  "--udp -u": "use udp://HOST:PORT",
  "--unix -U": "use unix:PATH",
  "--cacert": "clients use --ca FILE",
  "-k": "clients use --insecure",
};

/** @param args follow the name, and are used for the advice if there is no such command */
export function parseCommand(name: string, args: readonly string[]): Command {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command;
  const endpoint = hostAndPort([name, ...args]) ?? (parseEndpoint(name) && name);
  const topic = Object.hasOwn(topics, name) ? `help ${name}` : undefined;
  const meant = endpoint === undefined ? topic : `connect ${endpoint}`;
  const advice = meant === undefined
    ? suggestion(name, [...Object.keys(commands), "--help", "--version"])
    : `did you mean yodel ${meant}?`;
  const what = name.startsWith("-") ? "flag" : "command";
  throw new YodelError(`unknown ${what} ${quoted(name)}; ${advice}`);
}

/** The endpoint that words such as `localhost 2222` may mean. */
function hostAndPort([host = "", port = ""]: readonly string[]): string | undefined {
  const isHost = /^(?!\d+$)[a-z\d][\w.-]*$/i.test(host);
  return isHost && /^\d{1,5}$/.test(port) ? `${host}:${port}` : undefined;
}

/** Which kind of help is wanted, if any: `-h` or `--help`. */
export function helpFlag(args: readonly string[]): string | undefined {
  const end = args.indexOf("--");
  const flags = end === -1 ? args : args.slice(0, end);
  return flags.find((arg) => arg === "-h" || /^--help(=|$)/.test(arg));
}

/** @throws {YodelError} for an unknown flag, a wrong value or a misplaced argument */
export function parseInvocation<F extends Flags>(
  command: Command<F>,
  args: readonly string[],
): Invocation<F> {
  const rows = Object.entries<Flag>(command.flags);
  const toggles = rows.filter(([, flag]) => isToggle(flag)).map(([name]) => name);
  const others = rows.map(([name]) => name).filter((name) => !toggles.includes(name));
  const found = parseArgs(longForms(command, args), {
    // "_": operands stay text, even if they look like numbers.
    string: ["_", ...others],
    boolean: toggles,
    collect: others,
  });
  const operands = found._.map(String);
  const given = new Map<string, string[]>();
  for (const [name] of rows) {
    const texts = [found[name] || []].flat().map(String);
    if (texts.length > 0) given.set(name, texts);
  }
  const [taker = ""] = [...given.keys()].filter((name) => command.flags[name]?.takesAll);
  given.get(taker)?.push(...operands.splice(0));
  const values = rows.map((row) => [optionName(row[0]), valueOf(...row, given.get(row[0]))]);
  const parsed = parseOperands(command, operands);
  const groups = command.flags[taker]?.takesAll;
  for (const [name, { group, only }] of rows) {
    if (!given.has(name)) continue;
    if (groups && !groups.includes(group)) {
      throw new YodelError(`--${name} cannot be used with --${taker}`);
    }
    if (!only || parsed.endpoints.some(({ scheme }) => only.includes(scheme))) continue;
    const prefixes = only.map((scheme) => TRANSPORTS[scheme].prefix);
    const forms = new Intl.ListFormat("en-GB", { type: "disjunction" }).format(prefixes);
    throw new YodelError(`--${name} requires a ${forms} endpoint`);
  }
  return { flags: Object.fromEntries(values) as FlagValues<F>, ...parsed };
}

/**
 * Writes each flag as `--name` or `--name=text`, as parseArgs needs it: it takes the letters of
 * `-i200ms` for flags, a negative number for a flag, and `--toggle=anything` for true.
 */
function longForms(command: Command, args: readonly string[]): string[] {
  const words = [...args];
  const long: string[] = [];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--") return [...long, word, ...words];
    if (/^-./s.test(word)) takeFlag(word);
    else long.push(word);
  }
  return long;

  function takeFlag(word: string): void {
    const [, written = "", sign = "", text = ""] = /^(--[^=]+|-[^-])(=?)(.*)$/s.exec(word) ?? [];
    const [name, flag] = findFlag(command, written) ?? [];
    if (name === undefined || flag === undefined) throw unknownFlag(word, command);
    const hasText = sign + text !== "";
    if (!isToggle(flag)) {
      // A negative number is a wrong value, not a flag.
      const isNext = !hasText && !/^-\D/.test(words[0] ?? "--");
      const value = isNext ? words.shift() : text;
      long.push(...value ? [`--${name}=${value}`] : [`--${name}`, ""]);
      return;
    }
    if (/^\w/.test(sign + text)) words.unshift(`-${text}`);
    else if (hasText) {
      throw new YodelError(`--${name}: expected ${toggle.expected}, not ${quoted(text)}`);
    }
    long.push(`--${name}`);
  }
}

function valueOf(name: string, flag: Flag, texts: readonly string[] | undefined): unknown {
  if (isToggle(flag)) return texts !== undefined;
  const fail = (what: string) => new YodelError(`--${name}: ${what}`);
  const values = (texts ?? []).map((text) => readValue(flag.type, text, fail));
  return flag.many ? values : values.at(-1);
}

function parseOperands(
  command: Command,
  operands: readonly string[],
): Pick<Invocation, "endpoints" | "word"> {
  const extra = operands[command.operands === "[ENDPOINT ...]" ? operands.length : 1];
  if (extra !== undefined) {
    const meant = hostAndPort(operands);
    const advice = meant === undefined
      ? command.extraAdvice ?? `expected ${operandsText(command)}`
      : `did you mean ${meant}?`;
    throw new YodelError(`unexpected argument ${quoted(extra)}; ${advice}`);
  }
  const leastPort = command.operands === "[ENDPOINT ...]" ? 0 : 1;
  const texts = takesEndpoints(command) ? operands : [];
  const [first = DEFAULT_ENDPOINT, ...more] = texts.map((text) => readEndpoint(text, leastPort));
  return { endpoints: [first, ...more], word: operands[0] ?? "" };
}

function unknownFlag(word: string, command: Command): YodelError {
  const flag = word.replace(/=.*/s, "");
  const foreign = Object.entries({ ...FOREIGN_FLAGS, ...command.foreign })
    .findLast(([names]) => names.split(" ").includes(flag))?.[1];
  const owners = Object.entries(commands)
    .flatMap(([name, owner]) => findFlag(owner, flag) ? [`yodel ${name}`] : []);
  const advice = foreign ??
    (owners.length > 0
      ? `it is a flag of ${owners.join(", ")}`
      : suggestion(flag, [...Object.keys(command.flags), "help"].map((name) => `--${name}`)));
  return new YodelError(`unknown flag ${quoted(flag)}; ${advice}`);
}

function suggestion(word: string, known: readonly string[]): string {
  const name = nearest(word, known);
  return name === undefined ? "see --help" : `did you mean ${name}?`;
}
