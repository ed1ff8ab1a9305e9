/** Fills in the default of each setting that is not given, or is `undefined`; drops other properties. */
export function withDefaults<T extends object>(
  given: { readonly [Name in keyof T]?: T[Name] },
  defaults: T,
): T {
  const settings = Object.entries(given)
    .filter(([name, value]) => name in defaults && value !== undefined);
  return { ...defaults, ...Object.fromEntries(settings) };
}
