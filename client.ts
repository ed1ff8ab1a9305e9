/**
 * The clients of an echo server.
 *
 * ```ts
 * import { connect, EchoError } from "@yodel/yodel/client";
 *
 * try {
 *   const { received } = await connect({ scheme: "tcp", host: "localhost", port: 2222 }, {
 *     input: Deno.stdin,
 *     output: Deno.stdout,
 *     verify: true,
 *   });
 *   console.error(`${received} bytes came back as they were sent`);
 * } catch (error) {
 *   if (!(error instanceof EchoError)) throw error; // it could not connect, for one
 *   console.error(error.message);
 * }
 * ```
 *
 * ```ts
 * import { load } from "@yodel/yodel/client";
 *
 * const { messages, latencies } = await load({ scheme: "tcp", host: "localhost", port: 2222 }, {
 *   connections: 100,
 *   duration: 5000,
 * });
 * console.error(`${messages.right} messages, 99 % within ${latencies.percentile(99)} ms`);
 * ```
 *
 * @module
 */
export { connect, type ConnectOptions } from "./client/connect.ts";
export { type Exchange, type Input, type Output, StreamError, writeAll } from "./client/streams.ts";
export { EchoError } from "./client/echo_error.ts";
export { load, type LoadOptions } from "./client/load/load.ts";
export { ping, type PingOptions, type PingSettings } from "./client/ping.ts";
export { type Endpoint, formatEndpoint, parseEndpoint } from "./net/endpoint.ts";
export { EndpointError } from "./net/endpoint_error.ts";
export { OptionError, YodelError } from "./errors/yodel_error.ts";
export type { ClientTls } from "./net/tls.ts";
export type { Latencies, Range } from "./client/latencies.ts";
export type { LoadPlan, LoadSettings } from "./client/load/plan.ts";
export type {
  LoadErrorExample,
  LoadErrorKind,
  LoadProgress,
  LoadResult,
} from "./client/load/result.ts";
export type { PingCounts, PingSummary, ProbeResult } from "./client/ping_result.ts";
