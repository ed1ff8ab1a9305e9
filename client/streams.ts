// What connect() takes, returns and throws.
import { reason } from "../errors/reason.ts";
import { YodelError } from "../errors/yodel_error.ts";
import type { DialOptions } from "../net/dial_options.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";
import { type TlsSession, writeAll } from "../net/stream.ts";

/** A source of bytes, such as `Deno.stdin`. */
export interface Input {
  /** Fills a part of `into` and returns how many bytes that were; null at the end. */
  read(into: Uint8Array): Promise<number | null>;
}

/** A destination of bytes, such as `Deno.stdout`. */
export interface Output {
  /** Takes a part of `bytes` and returns how many bytes that were. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Settings of {@linkcode connect} that have defaults. */
export interface ConnectSettings {
  /**
   * How long connecting may take, in milliseconds; 0: as long as the system allows.
   * Default: 10,000. For `udp://`, how long to wait for an answer; default: 1,000.
   */
  timeout?: number;
  /** Gives up when no byte passed for this long, in milliseconds; 0: never. Default: 0. */
  idleTimeout?: number;
  /** Compares every byte that comes back, not only how many there are. Default: false. */
  verify?: boolean;
}

/** An open connection. */
export interface Connected {
  /** How long it took to connect, with the handshake of TLS, in milliseconds; 0 for `udp://`. */
  readonly time: number;
  /** The server's address, `127.0.0.1:2222`; undefined for a Unix socket, and a UDP name with several. */
  readonly address?: string;
  /** What the handshake of TLS agreed on. */
  readonly session?: TlsSession;
}

/** Options of {@linkcode connect}. */
export interface ConnectOptions extends ConnectSettings, DialOptions {
  /** What to send. */
  input: Input;
  /** Where to write what comes back. */
  output: Output;
  /** Called once the connection is open. */
  onConnect?: (connected: Connected) => void;
  /** Aborts the connection. */
  signal?: AbortSignal;
}

/** How many bytes passed. */
export interface Exchange {
  /** To the server. */
  sent: number;
  /** From it. */
  received: number;
}

/** The input or the output of a client failed. Its cause is what the stream threw. */
export class StreamError extends YodelError {
  /** Takes what failed, as in "read the input", and what the stream threw. */
  constructor(doing: string, cause: unknown) {
    super(`cannot ${doing}: ${reason(cause)}`, { cause });
  }
}

/** The echo was wrong, missing, or late. */
export class EchoError extends YodelError {
  /** The status of a wrong echo. */
  override readonly exitStatus = 1;

  /** Takes the server, and what was wrong. */
  constructor(endpoint: Endpoint, what: string) {
    super(`${formatEndpoint(endpoint)}: ${what}`);
  }
}

/** Reads from an input; throws a {@linkcode StreamError} if that fails. */
export async function readFrom(input: Input, into: Uint8Array): Promise<number | null> {
  try {
    return await input.read(into);
  } catch (error) {
    throw new StreamError("read the input", error);
  }
}

/** Writes all of `bytes` to an output; throws a {@linkcode StreamError} if that fails. */
export async function writeTo(output: Output, bytes: Uint8Array): Promise<void> {
  try {
    await writeAll(output, bytes);
  } catch (error) {
    throw new StreamError("write the output", error);
  }
}
