import { OptionError } from "../errors/yodel_error.ts";
import { nearest } from "./nearest.ts";

/** Replaces missing and undefined settings by their defaults, and drops unknown properties. */
export function withDefaults<T extends object>(
  given: { readonly [Name in keyof T]?: T[Name] },
  defaults: T,
): T {
  const settings = Object.entries(given)
    .filter(([name, value]) => name in defaults && value !== undefined);
  return { ...defaults, ...Object.fromEntries(settings) };
}

/** The flags that are options of the library: those with a default. */
export function optionsOf<Flags extends object, Defaults extends object>(
  flags: Flags,
  defaults: Defaults,
): Pick<Flags, keyof Flags & keyof Defaults> {
  const known = Object.entries(flags).filter(([name]) => name in defaults);
  return Object.fromEntries(known) as Pick<Flags, keyof Flags & keyof Defaults>;
}

/** @throws {OptionError} for the first unknown option */
export function checkNames(options: object, ...known: readonly (readonly string[])[]): void {
  const names = known.flat();
  const name = Object.keys(options).find((name) => !names.includes(name));
  if (name === undefined) return;
  const near = nearest(name, names);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  throw new OptionError(name, `unknown option${hint}`);
}
