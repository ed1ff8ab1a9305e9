// The input and the output of a client, and its errors.
import { reason } from "../errors/reason.ts";
import { YodelError } from "../errors/yodel_error.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";

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

/** How many bytes passed. */
export interface Exchange {
  /** To the server. */
  sent: number;
  /** From it. */
  received: number;
}

/** The input or the output of a client failed. Its cause is what the stream threw. */
export class StreamError extends YodelError {
  /** `StreamError`. */
  override readonly name = "StreamError";

  /** Takes what failed, as in "read the input", and what the stream threw. */
  constructor(doing: string, cause: unknown) {
    super(`cannot ${doing}: ${reason(cause)}`, { cause });
  }
}

/** The echo was wrong, missing, or late. */
export class EchoError extends YodelError {
  /** `EchoError`. */
  override readonly name = "EchoError";
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
export async function writeAll(output: Output, bytes: Uint8Array): Promise<void> {
  try {
    for (let written = 0; written < bytes.length;) {
      written += await output.write(bytes.subarray(written));
    }
  } catch (error) {
    throw new StreamError("write the output", error);
  }
}
