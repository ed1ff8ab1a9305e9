/**
 * Errors that are answers to people.
 *
 * @module
 */

/**
 * Something that a person can do something about. Its message is one line that
 * says what failed, on what and why; anything else that is thrown is a bug.
 */
export class YodelError extends Error {
  /** The name of its class. */
  override readonly name: string = "YodelError";

  /**
   * The exit status that it means: 1, the answer was no; 2, it could not be
   * done (docs/architecture.md, "Exit statuses").
   */
  readonly exitStatus: 1 | 2 = 2;
}

/** Settings that make no sense, or not together. */
export class OptionError extends YodelError {
  /** `OptionError`. */
  override readonly name = "OptionError";

  /**
   * Says which setting, and what is wrong with it.
   *
   * @param option the setting, as in `connectRate`
   * @param what what is wrong with it
   */
  constructor(readonly option: string, readonly what: string) {
    super(`${option}: ${what}`);
  }
}
