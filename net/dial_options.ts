// How clients connect.

/** The version of the Internet protocol. */
export type Family = 4 | 6;

/** TLS settings of a client; certificates and keys in PEM. */
export interface ClientTls {
  /** A CA to trust. */
  readonly ca?: string;
  /** A client certificate. */
  readonly cert?: string;
  /** The key of the certificate. */
  readonly key?: string;
  /** The name in the server's certificate, where it is not the host. */
  readonly serverName?: string;
  /** Trusts any certificate. */
  readonly insecure?: boolean;
}

/** How a client connects. */
export interface DialOptions {
  /** TLS settings of a `tls://` endpoint. */
  readonly tls?: ClientTls;
  /** How long to retry until a byte has come back, in milliseconds. Default: 0. */
  readonly wait?: number;
  /** Uses only addresses of this family. Default: any. */
  readonly family?: Family;
  /** Called before each retry, with why the last attempt failed. */
  readonly onRetry?: (why: string) => void;
}

export interface DialAttempt extends DialOptions {
  /** Limits each attempt, with look-up and TLS handshake, in milliseconds; 0 or Infinity: none. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

export const DIAL_OPTIONS = ["tls", "wait", "family", "onRetry"] as const;
