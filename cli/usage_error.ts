import { YodelError } from "../errors/yodel_error.ts";

/** A command line that cannot be followed. Its message is one line for people. */
export class UsageError extends YodelError {
  override readonly name = "UsageError";
}
