/**
 * The clients of an echo server: {@linkcode connect}, {@linkcode ping} and {@linkcode load}.
 *
 * The server is an endpoint, or a text that {@linkcode parseEndpoint} reads. Errors that the user can
 * do something about are {@linkcode YodelError}s.
 *
 * ```ts
 * import { load, ping } from "@yodel/yodel/client";
 *
 * const { sent, right } = await ping("udp://localhost:2222", { count: 10, interval: 100 });
 * console.error(`${right} of ${sent} came back as they were sent`);
 *
 * const { latencies } = await load("localhost:2222", { connections: 100, duration: 5000 });
 * console.error(`99 % within ${latencies.percentile(99)} ms`);
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
export type { PingSummary, ProbeResult } from "./client/ping_result.ts";
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
