/**
 * An error that a person can do something about. Its message is one line: what
 * failed, on what, and why. Any other error is a bug.
 */
export class YodelError extends Error {
  /** The name of the class. */
  override readonly name: string = this.constructor.name;

  /** The exit status of the program (docs/development.md, "Exit statuses"). */
  readonly exitStatus: 1 | 2 = 2;
}

/** An invalid option, or one that another option excludes. */
export class OptionError extends YodelError {
  /** Takes the name of the option, such as `idleTimeout`, and what is wrong with it. */
  constructor(readonly option: string, readonly what: string) {
    super(`${option}: ${what}`);
  }
}

/** A package that is loaded on demand could not be loaded. */
export class PackageError extends YodelError {
  /** Takes the package with its purpose, and the error of loading it. */
  constructor(what: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message.split("\n", 1)[0] : String(cause);
    super(`cannot load npm:${what}: ${why}`, { cause });
  }
}
