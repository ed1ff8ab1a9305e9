// How a client connects.
import type { Family } from "./resolve.ts";
import type { ClientTls } from "./stream.ts";

/** How any client opens a connection to its server. */
export interface DialOptions {
  /** Certificates for a `tls://` endpoint besides those that the system trusts. */
  readonly tls?: ClientTls;
  /** How long to retry until a byte has come back, in milliseconds. Default: 0. */
  readonly wait?: number;
  /** Uses only addresses of this family. Default: any. */
  readonly family?: Family;
  /** Called before each retry, with why the last attempt failed. */
  readonly onRetry?: (why: string) => void;
}

/** Their names. */
export const DIAL_OPTIONS = ["tls", "wait", "family", "onRetry"] as const;

/** The same for one call of {@linkcode dial}, with its limit. */
export interface DialAttempt extends DialOptions {
  /**
   * How long an attempt may take, with the look-up of the name and the handshake of
   * TLS, in milliseconds; 0: as long as the system waits.
   */
  readonly timeout: number;
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal;
}
