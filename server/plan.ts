// The settings of a server, with all that was left open filled in.
import { OptionError, YodelError } from "../errors/yodel_error.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";
import type { ServerTls } from "../net/stream.ts";
import { checkUdp } from "../net/udp.ts";
import { checkNames, withDefaults } from "../values/settings.ts";
import { type FaultOption, type FaultPlan, planFaults } from "./faults/plan.ts";
import type { Log, LogDataForm } from "./log.ts";

/** What `tls://` endpoints show and ask for. Without a certificate, the server makes one itself. */
export interface ServeTls extends Partial<ServerTls> {
  /** Names that this one is for, besides localhost and the hosts of the endpoints. */
  readonly names?: readonly string[];
}

/** Settings of `serve`. Limits of time and number, but for the backlog, can be switched off with 0. */
export interface ServeOptions {
  /** Closes a connection on which no byte passed for this long, in milliseconds. Default: 60,000. */
  idleTimeout?: number;
  /** How many connections wait in the kernel to be accepted, for each listener of TCP or TLS. Default: 511. */
  backlog?: number;
  /** What `tls://` endpoints show and ask for. Default: a throw-away certificate. */
  tls?: ServeTls;
  /** Permissions of the files of Unix sockets. Default: 0o600. */
  socketMode?: number;
  /** How many connections are served at once; others wait in the kernel. Default: 0, no limit. */
  maxConnections?: number;
  /** How many connections a client may have at once; others are closed. Default: 0, no limit. */
  maxPerClient?: number;
  /** How many datagrams a second a client is answered. Default: 0, no limit. */
  udpRate?: number;
  /** Addresses and networks that are served, and no others: `["10.0.0.0/8", "::1"]`. Default: all. */
  allow?: readonly string[];
  /** Addresses and networks that are not served, also where they are allowed. Default: none. */
  deny?: readonly string[];
  /**
   * How many threads serve TCP and TLS, on Linux; 1: this one does. What only one can
   * serve stays with this one: datagrams, Unix sockets, and the fault `reset-after`. Default: 1.
   */
  workers?: number;
  /** How long connections may go on once the server is stopped, in milliseconds. Default: 5,000. */
  drain?: number;
  /** Where to say what happens. Default: nowhere. */
  log?: Log;
  /** Logs what each read brought, escaped and cut. Default: off. */
  logData?: LogDataForm;
  /**
   * What the server is to do badly: `["delay=20ms..40ms", "corrupt@1e-6"]`, or
   * `[{ name: "delay", value: "20ms..40ms" }]`. Default: nothing.
   */
  faults?: readonly FaultOption[];
  /**
   * The same seed and the same order of connections give the same faults; a whole
   * number of 32 bits. Default: by chance, and in the log.
   */
  seed?: number;
  /** Stops the server: no more connections; those that are open may finish. */
  signal?: AbortSignal;
}

/** What stands for settings that were not given. */
export const SERVE_DEFAULTS = {
  idleTimeout: 60_000,
  backlog: 511,
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
  extends Omit<Required<ServeOptions>, "tls" | "signal" | "faults" | "seed"> {
  readonly faults: FaultPlan | undefined;
}

/**
 * Fills in what was not given.
 *
 * @throws {OptionError} for options that there are not, for faults that are none, or that an endpoint cannot have,
 *   and for threads where there can be none
 * @throws {YodelError} for an endpoint that is given twice, and for `udp://` where Deno has no datagrams
 */
export function planServe(options: ServeOptions, endpoints: readonly Endpoint[]): ServePlan {
  const names = endpoints.filter((one) => "path" in one || one.port > 0)
    .map(formatEndpoint);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new YodelError(`${twice} is given twice`);
  const defaults = { ...SERVE_DEFAULTS, allow: [], deny: [], log: {} };
  checkNames(options, Object.keys(defaults), ["tls", "faults", "seed", "signal"]);
  const plan = withDefaults<Omit<ServePlan, "faults">>(options, defaults);
  endpoints.forEach(checkUdp);
  checkWorkers(plan.workers);
  return { ...plan, faults: planFaults(options, endpoints) };
}

/** Several threads need a system that spreads connections, and leave to ask for it. */
function checkWorkers(workers: number): void {
  if (workers === 1) return;
  if (Deno.build.os !== "linux") {
    throw new OptionError("workers", "more than 1 are for Linux, which shares a port among them");
  }
  if (Deno.listenDatagram === undefined) {
    throw new OptionError("workers", "more than 1 need deno run --unstable-net");
  }
}
