// The tables from which commands are parsed, completed and documented.
import type { Endpoint } from "../net/endpoint.ts";
import type { Scheme } from "../net/transports.ts";
import type { ValueType } from "../values/value_types.ts";

/** Made by {@linkcode flag} and {@linkcode group}. */
export interface Flag<T = unknown> {
  /** The heading in the help. */
  readonly group: string;
  readonly type: ValueType<T>;
  readonly help: string;
  /** The default of the library, shown in the help. */
  readonly default?: T;
  /** Whether it may be repeated; its value is a list then. */
  readonly many?: boolean;
  /** The letter of its short form: `c` for `-c`. */
  readonly short?: string;
  /** All operands are values of it as well. The groups of the flags that may be given with it. */
  readonly takesAll?: readonly string[];
  /** The transports that it is for; undefined for all. */
  readonly only?: readonly Scheme[];
}

export type Flags = Readonly<Record<string, Flag>>;

/** A flag without its group. */
export function flag<T, const More extends Partial<Flag> = Record<never, never>>(
  type: ValueType<T>,
  help: string,
  more?: More,
): { readonly type: ValueType<T>; readonly help: string } & NoInfer<More> {
  return { type, help, ...more as More };
}

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

/** The library's option for a flag: `idleTimeout` for `idle-timeout`. */
export function optionName<Name extends string>(flag: Name): OptionName<Name> {
  return flag.replace(/-(.)/g, (_, letter) => letter.toUpperCase()) as OptionName<Name>;
}

/** The flag for an option of the library: `--idle-timeout` for `idleTimeout`. */
export function flagName(option: string): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** If a flag is not given: false for a toggle, an empty list if it is `many`, else undefined. */
export type FlagValues<F extends Flags> = {
  readonly [Name in keyof F & string as OptionName<Name>]: F[Name]["type"] extends
    ValueType<infer T> ? F[Name] extends { readonly many: true } ? readonly T[]
    : T extends boolean ? boolean
    : T | undefined
    : never;
};

export interface Invocation<F extends Flags = Flags> {
  readonly flags: FlagValues<F>;
  /** Those that are given, or the default one. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  /** The operand of a command that takes no endpoints. */
  readonly word: string;
}

export type Commands = Readonly<Record<string, Command>>;

export interface Program {
  readonly commands: Commands;
  readonly version: string;
  /** Ends the program at once. */
  exit(status: number): never;
}

export interface Command<F extends Flags = Flags> {
  readonly summary: string;
  readonly example: string;
  /** A list has the words of which it takes one, if any. */
  readonly operands: "[ENDPOINT ...]" | "[ENDPOINT]" | "[COMMAND|TOPIC]" | readonly string[];
  readonly flags: F;
  /** The flags that most people need, which -h shows. */
  readonly common?: readonly string[];
  /** Flags of other programs, those that mean the same in one key, and what yodel has instead. */
  readonly foreign?: Readonly<Record<string, string>>;
  /** Advice for an operand too many. */
  readonly extraAdvice?: string;
  /** Returns the exit status. */
  run(invocation: Invocation<F>, program: Program): Promise<number>;
}

/** Makes a command, whose flags get the `defaults` of the library by the names of its options. */
export function command<const F extends Flags>(
  { defaults = {}, ...parts }: Command<F> & { readonly defaults?: object },
): Command<F> {
  const known = new Map(Object.entries(defaults));
  const flags = Object.entries(parts.flags).map(([name, flag]) => {
    return [name, isToggle(flag) ? flag : { default: known.get(optionName(name)), ...flag }];
  });
  return { ...parts, flags: Object.fromEntries(flags) };
}

export function isToggle({ type }: Flag): boolean {
  return type.placeholder === "";
}

/** The flag that is written so, `--count` or `-c`, with its name. */
export function findFlag({ flags }: Command, written: string): [string, Flag] | undefined {
  return Object.entries(flags)
    .find(([name, { short }]) => [`--${name}`, short && `-${short}`].includes(written));
}

export function operandsText({ operands }: Command): string {
  return typeof operands === "string" ? operands : operands.join("|");
}

export function takesEndpoints(command: Command): boolean {
  return operandsText(command).startsWith("[ENDPOINT");
}
