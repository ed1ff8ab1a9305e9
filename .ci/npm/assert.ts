/**
 * Stands in for `@std/assert` where only the npm registry is reachable: the
 * assertions that the project uses, over `node:assert`.
 *
 * @module
 */
import nodeAssert from "node:assert/strict";

/** An assertion that does not hold. */
export class AssertionError extends nodeAssert.AssertionError {}

/** Throws unless `condition` holds. */
export function assert(condition: unknown, message?: string): asserts condition {
  nodeAssert.ok(condition, message);
}

/** Throws unless the two are equal in all their parts. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.deepEqual(actual, expected, message);
}

/** Throws unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  nodeAssert.ok(
    actual.includes(expected),
    message ?? `Expected ${JSON.stringify(actual)} to contain ${JSON.stringify(expected)}`,
  );
}

/** Throws unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  nodeAssert.match(actual, expected, message);
}

/** Throws unless `fn` rejects with an error of the class whose message contains `includes`. */
export async function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  // deno-lint-ignore no-explicit-any -- an error's constructor may take anything
  kind: new (...args: any[]) => E,
  includes = "",
): Promise<E> {
  let caught: unknown;
  try {
    await fn();
  } catch (error) {
    caught = error;
  }
  nodeAssert.ok(caught instanceof kind, `Expected a rejection with ${kind.name}, got ${caught}`);
  assertStringIncludes(caught.message, includes);
  return caught;
}
