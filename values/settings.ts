import { OptionError } from "../errors/yodel_error.ts";
import { nearest } from "./nearest.ts";

/** The options that are given, of those with a default; also of flags, which are more. */
export function optionsOf<Given extends object, Defaults extends object>(
  given: Given,
  defaults: Defaults,
): Pick<Given, keyof Given & keyof Defaults> {
  const options = Object.entries(given)
    .filter(([name, value]) => name in defaults && value !== undefined);
  return Object.fromEntries(options) as Pick<Given, keyof Given & keyof Defaults>;
}

/** Replaces missing and undefined settings by their defaults, and drops unknown properties. */
export function withDefaults<T extends object>(
  given: { readonly [Name in keyof T]?: T[Name] },
  defaults: T,
): T {
  return { ...defaults, ...optionsOf(given, defaults) };
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

/** @throws {OptionError} for a number that is less than `least`, or that is none or not whole */
export function checkNumbers(
  expected: "number" | "whole number",
  least: number,
  numbers: Readonly<Record<string, number>>,
): void {
  for (const [name, value] of Object.entries(numbers)) {
    const isNumber = expected === "number" ? value < Infinity : Number.isInteger(value);
    if (isNumber && value >= least) continue;
    throw new OptionError(name, `expected a ${expected} of at least ${least}, not ${value}`);
  }
}
