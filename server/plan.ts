/**
 * The settings of a server, with all that was left open filled in.
 *
 * @module
 */
import type { ServerTls } from "../net/stream.ts";
import type { Log, LogDataForm } from "./log.ts";

/** Settings of `serve`. Limits of time and number, but for the backlog, can be switched off with 0. */
export interface ServeOptions {
  /** Closes a connection on which no byte passed for this long, in milliseconds. Default: 60,000. */
  idleTimeout?: number;
  /** How many connections wait in the kernel to be accepted, for each listener of TCP or TLS. Default: 511. */
  backlog?: number;
  /** What `tls://` endpoints need. */
  tls?: ServerTls;
  /** Permissions of the files of Unix sockets. Default: 0o600. */
  socketMode?: number;
  /** How many connections are served at once; others wait in the kernel. Default: 0, no limit. */
  maxConnections?: number;
  /** How long connections may go on once the server is stopped, in milliseconds. Default: 5,000. */
  drain?: number;
  /** Where to say what happens. Default: nowhere. */
  log?: Log;
  /** Logs what each read brought, escaped and cut. Default: off. */
  logData?: LogDataForm;
  /** Stops the server: no more connections; those that are open may finish. */
  signal?: AbortSignal;
}

/** What stands for settings that were not given. */
export const SERVE_DEFAULTS = {
  idleTimeout: 60_000,
  backlog: 511,
  socketMode: 0o600,
  maxConnections: 0,
  drain: 5_000,
  logData: "off",
} as const;

/** The settings of a server, complete. */
export type ServePlan =
  & Omit<Required<ServeOptions>, "tls" | "signal">
  & Pick<ServeOptions, "tls">;

/** Fills in what was not given. */
export function planServe(options: ServeOptions): ServePlan {
  return {
    idleTimeout: options.idleTimeout ?? SERVE_DEFAULTS.idleTimeout,
    backlog: options.backlog ?? SERVE_DEFAULTS.backlog,
    socketMode: options.socketMode ?? SERVE_DEFAULTS.socketMode,
    maxConnections: options.maxConnections ?? SERVE_DEFAULTS.maxConnections,
    drain: options.drain ?? SERVE_DEFAULTS.drain,
    logData: options.logData ?? SERVE_DEFAULTS.logData,
    log: options.log ?? {},
    tls: options.tls,
  };
}
