/**
 * Stands in for `@std/cli/parse-args` where only the npm registry is reachable:
 * the part of it that the project uses, over minimist, from which it descends.
 *
 * @module
 */
// @ts-types="npm:@types/minimist@1.2.5"
import minimist from "npm:minimist@1.2.8";

/** Options of {@linkcode parseArgs}. */
export interface ParseOptions {
  string?: readonly string[];
  boolean?: readonly string[];
  collect?: readonly string[];
  unknown?: (arg: string) => unknown;
}

/** What {@linkcode parseArgs} returns. */
export interface Args extends Record<string, unknown> {
  _: (string | number)[];
}

/** Sorts arguments into flags and the rest, which is in `_`. */
export function parseArgs(args: readonly string[], options: ParseOptions = {}): Args {
  const string = [...options.string ?? []];
  const boolean = [...options.boolean ?? []];
  // minimist takes --no-NAME as NAME switched off, and stumbles over names that
  // every object has, such as --toString; here they are flags like any other.
  const end = args.indexOf("--");
  const odd = (arg: string, at: number) => {
    const name = /^--([^=]*)/.exec(arg)?.[1] ?? "";
    return (end === -1 || at < end) && !string.includes(name) &&
      (name.startsWith("no-") || name in {});
  };
  args.filter(odd).forEach((arg) => options.unknown?.(arg));
  const parsed = minimist(args.filter((arg, at) => !odd(arg, at)), {
    string,
    boolean,
    unknown: (arg) => options.unknown?.(arg) !== false,
  });
  for (const [name, value] of Object.entries(parsed)) {
    // A flag that is given more than once counts with its last value, unless they are collected.
    if (options.collect?.includes(name)) parsed[name] = [value].flat();
    else if (name !== "_" && Array.isArray(value)) parsed[name] = value.at(-1);
  }
  return parsed;
}
