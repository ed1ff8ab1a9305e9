import { YodelError } from "../errors/yodel_error.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";

/**
 * The answer was no: what was sent did not come back as it was, or not all of
 * it, or not in time. Its message is one line for people.
 */
export class EchoError extends YodelError {
  /** `EchoError`. */
  override readonly name = "EchoError";
  /** The answer was no. */
  override readonly exitStatus = 1;

  /** Says at which server, and what. */
  constructor(endpoint: Endpoint, what: string) {
    super(`${formatEndpoint(endpoint)}: ${what}`);
  }
}
