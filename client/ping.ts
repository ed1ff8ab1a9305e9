import { DIAL_OPTIONS, type DialOptions } from "../net/dial_options.ts";
import { type Endpoint, EndpointError } from "../net/endpoint.ts";
import { readEndpoint } from "../net/parse_endpoint.ts";
import { onAbort, pause } from "../async/pause.ts";
import { checkUdp } from "../net/udp.ts";
import { checkNames, checkNumbers, withDefaults } from "../values/settings.ts";
import { createLatencies } from "./latencies.ts";
import { type PingSummary, type ProbeResult, summarize } from "./ping_result.ts";
import { ProbeSession } from "./probe_session.ts";

/** Settings of {@linkcode ping} that have defaults. */
export interface PingSettings {
  /** How many probes to send; 0: until the signal. Default: 0. */
  count?: number;
  /** From one probe to the next, in milliseconds; 0: send at each answer. Default: 1,000. */
  interval?: number;
  /** The size of each probe in bytes, at least 1. Default: 56. */
  size?: number;
  /**
   * How long to wait for an answer, and for a connection, in milliseconds; 0: no limit.
   * Default: 1,000.
   */
  timeout?: number;
  /** When to end, in milliseconds from the start; 0: never. Default: 0. */
  deadline?: number;
  /** Opens a connection for each probe. Not for `udp://`, which has none. Default: false. */
  reconnect?: boolean;
}

/** Options of {@linkcode ping}. */
export interface PingOptions extends PingSettings, DialOptions {
  /** Called with each result. The next probe waits for the promise that it returns. */
  onResult?: (result: ProbeResult) => Promise<void> | void;
  /** Ends the ping, which then returns what it has found. */
  signal?: AbortSignal;
}

export const PING_DEFAULTS: Readonly<Required<PingSettings>> = {
  count: 0,
  interval: 1000,
  size: 56,
  timeout: 1000,
  deadline: 0,
  reconnect: false,
};

/**
 * Sends probes to an echo server and measures how long their answers take. A connection that ends
 * is replaced at the next probe. Probes that wait at the signal or the deadline have no result; if
 * nothing was answered by the deadline, they are lost.
 *
 * @returns the counts, also if the server was never there
 * @throws {OptionError} for invalid options
 */
export async function ping(
  server: Endpoint | string,
  options: PingOptions = {},
): Promise<PingSummary> {
  const endpoint = readEndpoint(server, 1);
  checkNames(options, Object.keys(PING_DEFAULTS), DIAL_OPTIONS, ["onResult", "signal"]);
  const settings = withDefaults(options, PING_DEFAULTS);
  const { size, count, interval, timeout, deadline } = settings;
  checkNumbers("whole number", 1, { size });
  checkNumbers("whole number", 0, { count });
  checkNumbers("number", 0, { interval, timeout, deadline });
  checkUdp(endpoint, settings);
  const latencies = await createLatencies();
  const session = new ProbeSession(endpoint, { ...options, ...settings }, latencies);
  const start = performance.now();
  const overdue = new AbortController();
  const within = `within the deadline of ${deadline / 1000}s`;
  const tooLate = new EndpointError("cannot connect to", endpoint, `no connection ${within}`);
  const timer = deadline > 0 ? setTimeout(() => overdue.abort(tooLate), deadline) : undefined;
  const { signal = overdue.signal } = options;
  try {
    await sendAll(session, settings, AbortSignal.any([overdue.signal, signal]));
  } finally {
    clearTimeout(timer);
    const { right, late, corrupted } = session.counts;
    const isAnswered = right + late + corrupted > 0;
    if (overdue.signal.aborted && !isAnswered) session.loseAll(`no answer ${within}`);
    session.end();
  }
  const { address, counts, unexpected, lastError } = session;
  const elapsed = performance.now() - start;
  return summarize({ endpoint, address, ...counts, unexpected, lastError, elapsed, latencies });
}

async function sendAll(
  session: ProbeSession,
  { count, interval, timeout, deadline, reconnect }: Required<PingSettings>,
  stop: AbortSignal,
): Promise<void> {
  using _stopping = onAbort(stop, () => session.end());
  const sent = new Set<Promise<void>>();
  let due = performance.now();
  const end = due + (deadline || Infinity);
  for (let number = 1; count === 0 || number <= count; number++) {
    // At the deadline it could only be lost.
    if (due >= end) break;
    await pause(due - performance.now(), stop);
    // Results must not pile up before a slow receiver.
    await session.reported;
    if (stop.aborted) return;
    due += interval;
    if (!session.isOpen && !await session.open(number, stop)) break;
    // Probes that were due during a wait for the server, or a sleep of the machine, are skipped.
    const now = performance.now();
    if (now > due + interval) due = now + interval;
    if (!session.isOpen) {
      // Without an interval nothing else would slow it down.
      if (interval === 0) due += timeout || 1000;
      continue;
    }
    if (stop.aborted) return;
    const settled = session.send(number);
    sent.add(settled);
    settled.then(() => sent.delete(settled));
    if (interval === 0 || reconnect) await settled;
    if (reconnect && !stop.aborted) session.close("the connection was closed");
  }
  await Promise.all(sent);
}
