// The client that measures round trips, one probe after another.
import type { DialOptions } from "../net/dial.ts";
import { type Endpoint, EndpointError, readEndpoint } from "../net/endpoint.ts";
import { isUnknownHost, reason } from "../errors/reason.ts";
import { onAbort, pause } from "../async/pause.ts";
import { checkDatagrams, checkNotNegative, checkWhole } from "./options.ts";
import { withDefaults } from "../values/settings.ts";
import {
  emptyPingCounts,
  type PingCounts,
  type PingSummary,
  type ProbeResult,
  summarize,
} from "./ping_result.ts";
import { Messages } from "./verify/messages.ts";
import { openProbes, type ProbeConnection } from "./probe_connection.ts";
import { type Probe, Probes } from "./verify/probes.ts";

/** Settings of {@linkcode ping} that have defaults. */
export interface PingSettings {
  /** How many probes to send; 0: until the signal. Default: 0. */
  count?: number;
  /** From one probe to the next, in milliseconds; 0: as soon as one is answered. Default: 1,000. */
  interval?: number;
  /** How large each probe is, in bytes, at least 1. Default: 56. */
  size?: number;
  /**
   * How long to wait for an answer, and for a connection, in milliseconds;
   * 0: for as long as it takes. Default: 1,000.
   */
  timeout?: number;
  /** When to end, in milliseconds from the start; 0: never. Default: 0. */
  deadline?: number;
  /** Opens a connection for each probe. Not for `udp://`, which has none. Default: false. */
  reconnect?: boolean;
}

/** What can be given to {@linkcode ping}. */
export interface PingOptions extends PingSettings, DialOptions {
  /** Is told the server's address, where it is known, before what becomes of the first probe. */
  onStart?: (address: string | undefined) => void;
  /** Is told what becomes of each probe. The next one waits for what it returns. */
  onResult?: (result: ProbeResult) => Promise<void> | void;
  /** Is told, in words and before the next probe, of a connection that ended with nothing under way. */
  onLoss?: (what: string) => void;
  /** Ends it; what was measured so far is returned. */
  signal?: AbortSignal;
}

/** What stands for settings that are not given. */
export const PING_DEFAULTS: Readonly<Required<PingSettings>> = {
  count: 0,
  interval: 1000,
  size: 56,
  timeout: 1000,
  deadline: 0,
  reconnect: false,
};

/**
 * Sends probes to an echo server and measures how long their answers take. A
 * connection that ends is replaced by a new one at the next probe. Probes that
 * wait for their answer at the signal or the deadline are left out; where the
 * deadline comes before any answer, they are lost.
 *
 * @returns what became of them, also where the server was never there
 * @throws {OptionError} for options that make no sense, or not together
 */
export async function ping(
  server: Endpoint | string,
  options: PingOptions = {},
): Promise<PingSummary> {
  const endpoint = readEndpoint(server, 1);
  const settings = withDefaults(options, PING_DEFAULTS);
  const { size, count, interval, timeout, deadline } = settings;
  checkWhole(1, { size });
  checkWhole(0, { count });
  checkNotNegative({ interval, timeout, deadline });
  checkDatagrams(endpoint, settings);
  const counts = await emptyPingCounts(endpoint);
  await new Ping({ ...options, ...settings }, counts).run();
  return summarize(counts);
}

/** What is known of a ping while it runs. */
class Ping {
  readonly #options: PingOptions & Required<PingSettings>;
  readonly #counts: PingCounts;
  readonly #probes: Probes;
  /** What to do when a probe has its result. */
  readonly #settle = new WeakMap<Probe, () => void>();
  #connection: ProbeConnection | undefined;
  /** Why it ended, as long as nobody was told: the next probe may yet be lost by it. */
  #untold = "";
  /** Whether the server was there once. */
  #wasThere = false;
  /** Whether a server that is not there need not be tried again. */
  #isHopeless = false;
  /** Resolved when the last result has been taken. */
  #told: Promise<void> | void = undefined;
  /** How long it took to open the connection. */
  #opening: { connect?: number; handshake?: number } = {};

  constructor(options: PingOptions & Required<PingSettings>, counts: PingCounts) {
    this.#options = options;
    this.#counts = counts;
    this.#probes = new Probes(new Messages(options.size));
  }

  async run(): Promise<void> {
    const { deadline, signal } = this.#options;
    const start = performance.now();
    const over = new AbortController();
    const overdue = deadline > 0 ? setTimeout(() => over.abort(), deadline) : undefined;
    const stop = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
    try {
      await this.#sendAll(stop);
    } finally {
      clearTimeout(overdue);
      this.#counts.elapsed = performance.now() - start;
      const { right, late, altered } = this.#counts;
      if (over.signal.aborted && right + late + altered === 0) {
        this.#giveUpAll(`no answer within the deadline of ${deadline / 1000}s`);
      }
      this.#probes.waiting.forEach((probe) => this.#settled(probe));
      this.#connection?.close();
    }
  }

  async #sendAll(stop: AbortSignal): Promise<void> {
    const { count, interval, timeout, deadline, reconnect } = this.#options;
    // Nobody waits for the results of what is under way then.
    onAbort(stop, () => this.#probes.waiting.forEach((probe) => this.#settled(probe)));
    const results = new Set<Promise<void>>();
    let due = performance.now();
    const end = due + (deadline || Infinity);
    for (let number = 1; count === 0 || number <= count; number++) {
      // At the deadline it could only be lost.
      if (due >= end) break;
      await pause(due - performance.now(), stop);
      // Results that nobody takes are not to pile up.
      await this.#told;
      if (stop.aborted) return;
      due += interval;
      const opened = await this.#opened(number, stop);
      // After a wait for the server, or a sleep of the machine, nothing is made up for.
      const now = performance.now();
      if (now > due + interval) due = now + interval;
      if (!opened) {
        if (this.#isHopeless) break;
        // Without an interval nothing else would slow it down.
        if (interval === 0) due += timeout || 1000;
        continue;
      }
      if (stop.aborted) return;
      const result = this.#send(number);
      results.add(result);
      result.then(() => results.delete(result));
      if (interval === 0 || reconnect) await result;
      if (reconnect && !stop.aborted) this.#close("its connection was closed");
    }
    await Promise.all(results);
  }

  /** Opens a connection where there is none; tells where that fails. */
  async #opened(number: number, stop: AbortSignal): Promise<boolean> {
    if (this.#connection !== undefined) return true;
    if (this.#untold !== "") this.#options.onLoss?.(this.#untold);
    this.#untold = "";
    try {
      this.#connection = await this.#open(stop);
      this.#wasThere = true;
      if (this.#connection.address !== undefined) this.#start();
      return true;
    } catch (error) {
      if (this.#options.signal?.aborted) return false;
      if (!(error instanceof EndpointError) && !stop.aborted) throw error;
      const { wait, deadline } = this.#options;
      const cause = error instanceof EndpointError
        ? error.cause
        : `not connected within the deadline of ${deadline / 1000}s`;
      this.#isHopeless = !this.#wasThere && (Boolean(wait) || isUnknownHost(cause));
      this.#counts.unsent++;
      this.#tell({ seq: number, outcome: "unsent", error: reason(cause) });
      return false;
    }
  }

  async #open(stop: AbortSignal): Promise<ProbeConnection> {
    const { endpoint } = this.#counts;
    const wait = this.#wasThere ? 0 : this.#options.wait;
    const opened = await openProbes(endpoint, { ...this.#options, wait, signal: stop }, {
      onAnswer: (bytes) => this.#answered(bytes),
      onEnd: (why) => this.#lost(why),
    });
    const { connection, connect, handshake } = opened;
    if (this.#options.reconnect) this.#opening = { connect, handshake };
    return connection;
  }

  /** Sends a probe; what is returned resolves when it has its result. */
  #send(number: number): Promise<void> {
    const probe = this.#probes.send(number, performance.now());
    return new Promise((resolve) => {
      const late = this.#options.timeout > 0
        ? setTimeout(() => this.#tooLate(probe), this.#options.timeout)
        : undefined;
      this.#settle.set(probe, () => {
        clearTimeout(late);
        resolve();
      });
      // A server that speaks first may have spoilt it already.
      if (this.#connection === undefined) this.#lost(this.#untold);
      else this.#connection.send(this.#probes.bytesOf(probe));
    });
  }

  #settled(probe: Probe): void {
    this.#settle.get(probe)?.();
    this.#settle.delete(probe);
  }

  #answered(bytes: Uint8Array): void {
    const now = performance.now();
    const answer = this.#probes.receive(bytes);
    if (answer === undefined) {
      this.#counts.surplus++;
      return this.#lost("an answer came to nothing that was sent");
    }
    const { probe, outcome, difference: error } = answer;
    const time = now - probe.due;
    this.#counts[outcome]++;
    // It was thought lost.
    if (outcome === "late") this.#counts.lost--;
    if (outcome === "right" || outcome === "late") this.#counts.latencies.record(time);
    this.#tell({ seq: probe.number, outcome, bytes: bytes.length, time, error });
    this.#settled(probe);
    // In a stream it is not known any more where the next answer begins.
    if (error !== undefined && this.#counts.endpoint.scheme !== "udp") {
      this.#close("its connection was closed after an altered answer");
    }
  }

  #tooLate(probe: Probe): void {
    const error = `no answer in ${this.#options.timeout / 1000}s`;
    const partial = this.#connection?.partial ?? 0;
    if (partial === 0) return this.#giveUp(probe, error);
    this.#giveUp(probe, `${error}, only ${partial} of ${this.#options.size} bytes`);
    this.#close("its connection was closed after an incomplete answer");
  }

  #giveUp(probe: Probe, error: string): void {
    this.#probes.giveUp(probe);
    this.#counts.lost++;
    this.#tell({ seq: probe.number, outcome: "lost", error });
    this.#settled(probe);
  }

  #giveUpAll(error: string): void {
    for (const probe of this.#probes.waiting) this.#giveUp(probe, error);
  }

  /** The connection has gone wrong, whether or not a probe was under way. */
  #lost(why: string): void {
    this.#untold = this.#probes.waiting.length === 0 ? why : "";
    this.#close(why);
  }

  #close(why: string): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#giveUpAll(why);
  }

  #start(): void {
    this.#options.onStart?.(this.#connection?.address);
    this.#options.onStart = undefined;
  }

  #tell(found: Omit<ProbeResult, "at" | "address">): void {
    this.#start();
    const address = this.#connection?.address ?? this.#counts.address;
    this.#counts.address = address;
    const result = { ...found, at: new Date(), address };
    const opening = result.outcome === "unsent" ? {} : this.#opening;
    this.#told = this.#options.onResult?.({ ...result, ...opening });
  }
}
