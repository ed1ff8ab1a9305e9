// The settings of a server.
import { OptionError } from "../errors/yodel_error.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { ServerTls } from "../net/stream.ts";
import { checkUdp } from "../net/udp.ts";
import { checkNames, withDefaults } from "../values/settings.ts";
import { type FaultPlan, planFaults } from "./injection/plan.ts";
import type { Log, LogDataForm } from "./log.ts";

/** TLS settings of `tls://` endpoints. Without a certificate, the server makes one itself. */
export interface ServeTls extends Partial<ServerTls> {
  /** Names in that one, besides localhost and the hosts of the endpoints. */
  readonly names?: readonly string[];
}

/** Settings of `serve`. 0 means no limit. */
export interface ServeOptions {
  /** Closes a connection on which no byte passed for this long, in milliseconds. Default: 60,000. */
  idleTimeout?: number;
  /** Default: a throw-away certificate. */
  tls?: ServeTls;
  /** Permissions of the files of Unix sockets. Default: 0o600. */
  socketMode?: number;
  /** How many connections are served at once; others wait in the kernel. Default: 0. */
  maxConnections?: number;
  /** How many connections a client may have at once; others are closed. Default: 0. */
  maxPerClient?: number;
  /** How many datagrams of a client are answered in a second. Default: 0. */
  udpRate?: number;
  /** The only addresses and networks to serve: `["10.0.0.0/8", "::1"]`. Default: all. */
  allow?: readonly string[];
  /** Addresses and networks not to serve, even if they are allowed. Default: none. */
  deny?: readonly string[];
  /**
   * How many threads serve TCP and TLS, on Linux. Datagrams, Unix sockets, and servers with the
   * fault `reset-after` or `reset-at` use only this one. Default: 1.
   */
  workers?: number;
  /** How long connections may go on after the server is stopped, in milliseconds. Default: 5,000. */
  drain?: number;
  /** Default: no log. */
  log?: Log;
  /** Logs the first bytes of each read. Default: off. */
  logData?: LogDataForm;
  /** As `--fault`, see `yodel help faults`: `["delay=20ms..40ms", "refuse@1..3"]`. Default: none. */
  faults?: readonly string[];
  /**
   * Whether `setFaults` can set `reset-after` and `reset-at`: connections of TCP are slower then,
   * and one thread has them all. Default: whether `faults` has one of these.
   */
  resettable?: boolean;
  /**
   * With the same seed, connections in the same order have the same faults. A whole number of 32
   * bits. Default: random; the log has it.
   */
  seed?: number;
  /** Stops the server: no more connections; those that are open may finish. */
  signal?: AbortSignal;
}

export const SERVE_DEFAULTS = {
  idleTimeout: 60_000,
  socketMode: 0o600,
  maxConnections: 0,
  maxPerClient: 0,
  udpRate: 0,
  workers: 1,
  drain: 5_000,
  logData: "off",
} as const;

/** The settings of a server, complete. */
export interface ServePlan
  extends Omit<Required<ServeOptions>, "tls" | "signal" | "faults" | "seed" | "resettable"> {
  /** Those in force; `setFaults` replaces them. */
  faults: FaultPlan;
}

/**
 * Adds the defaults.
 *
 * @throws {OptionError} for unknown options, wrong faults, and threads where there can be none
 * @throws {YodelError} for `udp://` without Deno's UDP
 */
export function planServe(options: ServeOptions, endpoints: readonly Endpoint[]): ServePlan {
  const defaults = { ...SERVE_DEFAULTS, allow: [], deny: [], log: {} };
  checkNames(options, Object.keys(defaults), ["tls", "faults", "seed", "resettable", "signal"]);
  const plan = withDefaults<Omit<ServePlan, "faults">>(options, defaults);
  for (const endpoint of endpoints) checkUdp(endpoint);
  // Systems other than Linux do not spread connections over listeners of a port.
  if (plan.workers > 1 && (Deno.build.os !== "linux" || Deno.listenDatagram === undefined)) {
    throw new OptionError("workers", "more than 1 requires Linux and deno run --unstable-net");
  }
  return { ...plan, faults: planFaults(options, endpoints) };
}
