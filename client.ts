/**
 * The clients of an echo server: {@linkcode connect}, {@linkcode ping} and {@linkcode load}.
 *
 * The server is an endpoint, or a text that {@linkcode parseEndpoint} reads. Errors that the user can
 * do something about are {@linkcode YodelError}s.
 *
 * ```ts
 * import { connect, EchoError } from "@yodel/yodel/client";
 *
 * try {
 *   const { received } = await connect("localhost:2222", {
 *     input: Deno.stdin,
 *     output: Deno.stdout,
 *     verify: true,
 *   });
 *   console.error(`${received} bytes came back as they were sent`);
 * } catch (error) {
 *   if (!(error instanceof EchoError)) throw error; // for example, it could not connect
 *   console.error(error.message);
 * }
 * ```
 *
 * ```ts
 * import { load, ping } from "@yodel/yodel/client";
 *
 * const { sent, right, latencies } = await ping("udp://localhost:2222", {
 *   count: 10,
 *   interval: 100,
 *   onResult: ({ seq, outcome, time }) => console.error(seq, outcome, time),
 * });
 * console.error(`${right} of ${sent}, half of them within ${latencies.percentile(50)} ms`);
 *
 * const result = await load("tls://localhost:2222", {
 *   connections: 100,
 *   duration: 5000,
 *   tls: { ca: await Deno.readTextFile("ca.pem") },
 * });
 * const p99 = result.latencies.percentile(99);
 * console.error(`${result.messages.right} messages, 99 % within ${p99} ms`);
 * ```
 *
 * @module
 */
export { connect } from "./client/connect.ts";
export {
  type Connected,
  type ConnectOptions,
  type ConnectSettings,
  EchoError,
  type Exchange,
  type Input,
  type Output,
  StreamError,
  writeAll,
} from "./client/streams.ts";
export { load, type LoadOptions } from "./client/load/load.ts";
export type { LoadPlan, LoadSettings } from "./client/load/plan.ts";
export type {
  LoadErrorKind,
  LoadInterval,
  LoadProgress,
  LoadResult,
} from "./client/load/result.ts";
export { ping, type PingOptions, type PingSettings } from "./client/ping.ts";
export type { PingCounts, PingSummary, ProbeResult } from "./client/ping_result.ts";
export type { EncodedLatencies, Latencies } from "./client/latencies.ts";
export {
  type Endpoint,
  EndpointError,
  formatEndpoint,
  type HostEndpoint,
  type HostScheme,
  type UnixEndpoint,
} from "./net/endpoint.ts";
export { parseEndpoint } from "./net/parse_endpoint.ts";
export type { TlsSession } from "./net/stream.ts";
export type { ClientTls, DialOptions, Family } from "./net/dial_options.ts";
export { OptionError, PackageError, YodelError } from "./errors/yodel_error.ts";
export { ThreadError } from "./async/threads.ts";
