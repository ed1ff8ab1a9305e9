// What goes wrong at an endpoint.
import { reason } from "../errors/reason.ts";
import { YodelError } from "../errors/yodel_error.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";

/** An endpoint that cannot be listened on or connected to. Its message is one line for people. */
export class EndpointError extends YodelError {
  /** Tells it from other errors. */
  override readonly name = "EndpointError";

  /**
   * Puts the line together.
   *
   * @param doing what failed, as in "cannot connect to"
   * @param endpoint on what it failed
   * @param cause why; anything that is not an Error is taken as the words themselves
   */
  constructor(doing: string, endpoint: Endpoint, cause: unknown) {
    super(`${doing} ${formatEndpoint(endpoint)}: ${reason(cause)}`, { cause });
  }
}
