/**
 * The client that sends many messages over many connections, and verifies each.
 *
 * @module
 */
import type { Endpoint } from "../../net/endpoint.ts";
import type { ClientTls } from "../../net/stream.ts";
import type { LoadProgress, LoadResult } from "../results.ts";
import { generate, type Share } from "./generator.ts";
import { runInWorkers } from "./threads.ts";

/** Settings of {@linkcode load}. */
export interface LoadOptions {
  /** How many connections; for `udp://`, sockets. Default: 50. */
  connections?: number;
  /** How long to send messages, in milliseconds; 0: no limit. Default: 10,000, or 0 with `messages`. */
  duration?: number;
  /** How many messages to send; 0: no limit. Default: 0. */
  messages?: number;
  /** How large each message is, in bytes, at least 1. Default: 64. */
  size?: number;
  /** How many messages may be under way on each connection. Default: 1. */
  pipeline?: number;
  /**
   * How many messages a second are due, on all connections together; then
   * latencies count from when a message was due. 0: a message is sent when
   * another has come back. Default: 0.
   */
  rate?: number;
  /** How long to send messages that do not count first, in milliseconds. Default: 0. */
  warmUp?: number;
  /** How many connections to open a second; 0: as fast as it goes. Default: 0. */
  connectRate?: number;
  /** Opens a connection for each message. Not for `udp://`, which has none. Default: false. */
  reconnect?: boolean;
  /** How many threads to use. Default: 1. */
  workers?: number;
  /**
   * How long to wait for a connection, and for any byte of an answer, in
   * milliseconds; 0: for ever. Default: 5,000.
   */
  timeout?: number;
  /** What a `tls://` endpoint needs besides what the system trusts. */
  tls?: ClientTls;
  /** Is told a few times a second how far it is. */
  onProgress?: (progress: LoadProgress) => void;
  /** Ends it; what was found so far is returned. */
  signal?: AbortSignal;
}

/**
 * Opens connections to an echo server, sends messages on them and compares what
 * comes back. Connections that end are replaced.
 *
 * @throws {EndpointError} where no connection can be opened
 * @throws {RangeError} for options that make no sense
 */
export async function load(endpoint: Endpoint, options: LoadOptions = {}): Promise<LoadResult> {
  const { workers = 1, size = 64, pipeline = 1, messages = 0, reconnect = false } = options;
  const { onProgress = () => {}, signal = new AbortController().signal } = options;
  let { connections = 50 } = options;
  if (Math.min(connections, workers, size, pipeline) < 1) {
    throw new RangeError("connections, workers, size and pipeline are at least 1");
  }
  if (reconnect && (pipeline > 1 || endpoint.scheme === "udp")) {
    throw new RangeError("a connection for each message can be none of udp, and has no pipeline");
  }
  // Each opens its first connection before there is a message for it.
  if (reconnect && messages > 0) connections = Math.min(connections, messages);
  const threads = Math.min(workers, connections);
  const shares = Array.from(
    { length: threads },
    (_, index) => shareOf(endpoint, { ...options, connections, size, pipeline }, threads, index),
  );
  const [only] = shares;
  if (only !== undefined && threads === 1) return await generate(only, onProgress, signal);
  return await runInWorkers(shares, onProgress, signal);
}

/** What one of several threads does of a load. */
function shareOf(
  endpoint: Endpoint,
  options: LoadOptions & Pick<Share, "connections" | "size" | "pipeline">,
  threads: number,
  index: number,
): Share {
  const { connections, size, pipeline, messages = 0, rate = 0, connectRate = 0 } = options;
  const { duration = messages > 0 ? 0 : 10_000 } = options;
  const part = (whole: number) => Math.floor((whole + index) / threads);
  const interval = rate > 0 ? 1000 / rate : 0;
  return {
    endpoint,
    tls: options.tls ?? {},
    connections: part(connections),
    firstConnection: 1 + index,
    connectionStep: threads,
    size,
    pipeline,
    duration: duration || Infinity,
    warmUp: options.warmUp ?? 0,
    messages: messages > 0 ? part(messages) : Infinity,
    interval: interval * threads,
    delay: interval * index,
    connectInterval: connectRate > 0 ? 1000 / connectRate * threads : 0,
    reconnect: options.reconnect ?? false,
    timeout: options.timeout ?? 5000,
  };
}
