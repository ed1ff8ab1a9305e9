/** The settings that have defaults, with these where nothing, or `undefined`, is given. */
export function filledIn<T extends object>(
  given: { readonly [Name in keyof T]?: T[Name] },
  defaults: T,
): T {
  const settings = Object.entries(given)
    .filter(([name, value]) => name in defaults && value !== undefined);
  return { ...defaults, ...Object.fromEntries(settings) };
}
