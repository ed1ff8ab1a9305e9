// What a command is.
import type { Endpoint } from "../net/endpoint.ts";
import type { Kind } from "../values/kinds.ts";

/** A flag of a command. */
export interface Flag<T = unknown> {
  /** Under which heading the help has it. */
  readonly group: string;
  readonly kind: Kind<T>;
  /** What the library takes where it is not given; for those who read the help. */
  readonly default?: T;
  readonly help: string;
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
  readonly only?: readonly Endpoint["scheme"][];
}

/** A table of flags, by their names. */
export type Flags = Readonly<Record<string, Flag>>;

/**
 * The values of flags: undefined where one was not given, false for one that
 * takes none, and a list for one that may be given several times.
 */
export type FlagValues<F extends Flags> = {
  readonly [Name in keyof F]: F[Name]["kind"] extends Kind<infer T>
    ? F[Name] extends { readonly many: true } ? readonly T[]
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

/** The program that a command belongs to. */
export interface Program {
  readonly commands: Readonly<Record<string, Command>>;
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

/** Makes a command; the types of its flags' values follow from their table. */
export function command<const F extends Flags>(parts: Command<F>): Command<F> {
  return parts;
}

/** Whether a flag is on where it is given, and takes no value. */
export function isToggle({ kind }: Flag): boolean {
  return kind.placeholder === "";
}

/** What a command takes besides flags, as people write it. */
export function operandsText({ operands }: Command): string {
  switch (operands) {
    case "endpoints":
      return "[ENDPOINT ...]";
    case "endpoint":
      return "[ENDPOINT]";
    case "command":
      return "[COMMAND]";
    default:
      return operands.join("|");
  }
}

/** Whether a command takes endpoints, one or several. */
export function takesEndpoints({ operands }: Command): boolean {
  return operands === "endpoints" || operands === "endpoint";
}
