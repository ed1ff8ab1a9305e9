// What a command is.
import type { Endpoint } from "../net/endpoint.ts";
import type { Scheme } from "../net/transports.ts";
import type { ValueType } from "../values/value_types.ts";

/** A flag of a command: a row of its table, made by {@linkcode flag} and {@linkcode group}. */
export interface Flag<T = unknown> {
  /** Under which heading the help has it. */
  readonly group: string;
  readonly type: ValueType<T>;
  readonly help: string;
  /** What the library takes where it is not given; for those who read the help. */
  readonly default?: T;
  /** Whether it may be given several times; its value is a list then. */
  readonly many?: boolean;
  /** The letter of its short form, where it has one: `c` for `-c`. */
  readonly short?: string;
  /**
   * Where all words besides flags are values of it as well, and there is no
   * endpoint: the headings of the flags that go with it.
   */
  readonly takesAll?: readonly string[];
  /** The transports that it is for; all where none is named. */
  readonly only?: readonly Scheme[];
}

/** A table of flags, by their names. */
export type Flags = Readonly<Record<string, Flag>>;

/** What only some flags have. */
type Traits = Omit<Flag, "group" | "type" | "help">;

/** A flag, but for its heading. */
export function flag<T, const More extends Traits = Record<never, never>>(
  type: ValueType<T>,
  help: string,
  more?: More,
): { readonly type: ValueType<T>; readonly help: string } & NoInfer<More> {
  return { type, help, ...more as More };
}

/** Flags under a heading of the help, for the transports that `only` names, or for all. */
export function group<const F extends Readonly<Record<string, Omit<Flag, "group">>>>(
  group: string,
  flags: F,
  only?: Flag["only"],
) {
  const grouped = Object.entries(flags).map(([name, flag]) => [name, { group, only, ...flag }]);
  return Object.fromEntries(grouped) as {
    readonly [Name in keyof F]: F[Name] & Pick<Flag, "group">;
  };
}

type OptionName<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<OptionName<Rest>>}`
  : Name;

/** What a flag is called among the options of the library: `idleTimeout` of `idle-timeout`. */
export function optionName<Name extends string>(flag: Name): OptionName<Name> {
  return flag.replace(/-(.)/g, (_, letter) => letter.toUpperCase()) as OptionName<Name>;
}

/** What an option of the library is called as a flag: `--idle-timeout` of `idleTimeout`. */
export function flagName(option: string): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * The values of flags, by {@linkcode optionName}: undefined where one was not given, false for one
 * that takes none, and a list for one that may be given several times.
 */
export type FlagValues<F extends Flags> = {
  readonly [Name in keyof F & string as OptionName<Name>]: F[Name]["type"] extends
    ValueType<infer T> ? F[Name] extends { readonly many: true } ? readonly T[]
    : T extends boolean ? boolean
    : T | undefined
    : never;
};

/** What a command was given. */
export interface Invocation<F extends Flags = Flags> {
  readonly flags: FlagValues<F>;
  /** Those that were named, or the default one. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  /** What it takes in place of endpoints, as it was written; otherwise empty. */
  readonly word: string;
}

/** Commands by their names. */
export type Commands = Readonly<Record<string, Command>>;

/** The program that a command belongs to. */
export interface Program {
  readonly commands: Commands;
  readonly version: string;
  /** Ends the program at once. */
  exit(status: number): never;
}

/** A command: `yodel NAME [FLAGS] [OPERANDS]`. */
export interface Command<F extends Flags = Flags> {
  readonly summary: string;
  readonly example: string;
  /** Where it listens, where it connects to, a command, or the words of which it takes one, if any. */
  readonly operands: "endpoints" | "endpoint" | "command" | readonly string[];
  readonly flags: F;
  /** Flags that other programs of its kind have, and how yodel says the same. */
  readonly foreign?: Readonly<Record<string, string>>;
  /** What to do instead of giving it a word too many. */
  readonly surplus?: string;
  /** Does it; returns the exit status. */
  run(invocation: Invocation<F>, program: Program): Promise<number>;
}

/**
 * Makes a command; the types of its flags' values follow from their table.
 *
 * @param parts where `defaults` has what the library takes for flags that are not given
 */
export function command<const F extends Flags>(
  { defaults = {}, ...parts }: Command<F> & { readonly defaults?: object },
): Command<F> {
  const known = new Map(Object.entries(defaults));
  const flags = Object.entries(parts.flags).map(([name, flag]) => {
    return [name, isToggle(flag) ? flag : { default: known.get(optionName(name)), ...flag }];
  });
  return { ...parts, flags: Object.fromEntries(flags) };
}

/** Whether a flag is on where it is given, and takes no value. */
export function isToggle({ type }: Flag): boolean {
  return type.placeholder === "";
}

const OPERANDS = { endpoints: "[ENDPOINT ...]", endpoint: "[ENDPOINT]", command: "[COMMAND]" };

/** What a command takes besides flags, as people write it. */
export function operandsText({ operands }: Command): string {
  return typeof operands === "string" ? OPERANDS[operands] : operands.join("|");
}

/** Whether a command takes endpoints, one or several. */
export function takesEndpoints({ operands }: Command): boolean {
  return operands === "endpoints" || operands === "endpoint";
}
