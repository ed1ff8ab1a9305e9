// Errors that are answers to people.

/**
 * Something that a person can do something about. Its message is one line that
 * says what failed, on what and why; anything else that is thrown is a bug.
 */
export class YodelError extends Error {
  /** Tells it from other errors. */
  override readonly name: string = "YodelError";

  /**
   * The exit status that it means: 1, the answer was no; 2, it could not be
   * done (docs/architecture.md, "Exit statuses").
   */
  readonly exitStatus: 1 | 2 = 2;
}

/** Settings that make no sense, or not together. */
export class OptionError extends YodelError {
  /** Tells it from other errors. */
  override readonly name = "OptionError";

  /** The setting, as in `idleTimeout`. */
  readonly option: string;

  /** What is wrong with it. */
  readonly what: string;

  /** Names a setting, and what is wrong with it. */
  constructor(option: string, what: string) {
    super(`${option}: ${what}`);
    this.option = option;
    this.what = what;
  }
}

/** A package that only some commands need could not be loaded. */
export class PackageError extends YodelError {
  /** Tells it from other errors. */
  override readonly name = "PackageError";

  /** Says which, what it is for, and why. */
  constructor(what: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message.split("\n", 1)[0] : String(cause);
    super(`cannot load npm:${what}: ${why}`, { cause });
  }
}
