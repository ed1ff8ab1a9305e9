// The state of a ping: its connection and its probes.
import { isWithin } from "../async/pause.ts";
import { isUnknownHost, reason } from "../errors/reason.ts";
import type { DialOptions } from "../net/dial_options.ts";
import { EndpointError } from "../net/endpoint.ts";
import type { PingCounts, ProbeResult } from "./ping_result.ts";
import { openProbes, type ProbeConnection } from "./probe_connection.ts";
import { Messages } from "./verify/messages.ts";
import { type Probe, Probes } from "./verify/probes.ts";
import { hasConnections } from "../net/transports.ts";

export interface ProbeSessionOptions extends DialOptions {
  readonly size: number;
  readonly timeout: number;
  readonly reconnect: boolean;
  readonly onStart?: (address: string | undefined) => void;
  readonly onResult?: (result: ProbeResult) => Promise<void> | void;
  readonly onDisconnect?: (why: string) => void;
}

/**
 * ```text
 * new ──dial──▶ open ◀──dial── closed
 *  │              └──ends, or an answer is wrong──▶ closed
 *  └──unknown host, or no answer within `wait`──▶ unreachable
 * ```
 *
 * After any other failure to dial, the next probe tries again.
 */
type Connection =
  | { readonly state: "new" | "unreachable" }
  | { readonly state: "open"; readonly link: ProbeConnection }
  /** `pendingNotice`: why it ended, if no result of a probe says so. */
  | { readonly state: "closed"; readonly pendingNotice?: string };

/**
 * Each probe has one of the results on the left; a further answer is late or repeated.
 *
 * ```text
 * unsent
 * waiting ──answer──▶ right or corrupted ──answer──▶ repeated
 *    └──timeout, or the connection ends──▶ lost ──answer──▶ late ──answer──▶ repeated
 * ```
 */
export class ProbeSession {
  readonly #options: ProbeSessionOptions;
  readonly #counts: PingCounts;
  readonly #probes: Probes;
  /** The resolvers of {@linkcode send}. */
  readonly #settle = new Map<Probe, () => void>();
  #connection: Connection = { state: "new" };
  /** How long it took to open the connection, with `reconnect`. */
  #times: Pick<ProbeResult, "connect" | "handshake"> = {};
  #isStarted = false;
  /** Resolves when `onResult` has taken the last result. */
  reported: Promise<void> | void = undefined;

  constructor(options: ProbeSessionOptions, counts: PingCounts) {
    this.#options = options;
    this.#counts = counts;
    this.#probes = new Probes(new Messages(options.size));
  }

  get state(): Connection["state"] {
    return this.#connection.state;
  }

  /** Opens a connection, or reports the probe as unsent. */
  async open(number: number, signal: AbortSignal): Promise<void> {
    const isNew = this.#connection.state === "new";
    const wait = isNew ? this.#options.wait ?? 0 : 0;
    if (this.#connection.state === "closed") {
      const { pendingNotice } = this.#connection;
      this.#connection = { state: "closed" };
      if (pendingNotice !== undefined) this.#options.onDisconnect?.(pendingNotice);
    }
    try {
      const options = { ...this.#options, wait, signal };
      const { connection: link, ...times } = await openProbes(this.#counts.endpoint, options, {
        onAnswer: (bytes) => this.#receive(bytes),
        onEnd: (why) => this.#broken(why),
      });
      this.#connection = { state: "open", link };
      if (this.#options.reconnect) this.#times = times;
      if (link.address !== undefined) this.#start();
    } catch (error) {
      if (!(error instanceof EndpointError)) {
        if (signal.aborted) return;
        throw error;
      }
      const isUnreachable = wait > 0 || isNew && isUnknownHost(error.cause);
      if (isUnreachable) this.#connection = { state: "unreachable" };
      this.#times = {};
      this.#report({ seq: number, outcome: "unsent", error: reason(error.cause) });
    }
  }

  /** Resolves when the probe has its result. */
  async send(number: number): Promise<void> {
    if (this.#connection.state !== "open") throw new TypeError("no connection is open");
    const { timeout } = this.#options;
    const probe = this.#probes.send(number, performance.now());
    const settled = new Promise<void>((resolve) => this.#settle.set(probe, resolve));
    this.#connection.link.send(this.#probes.bytesOf(probe));
    if (timeout === 0) return await settled;
    if (!await isWithin(timeout, settled) && probe.state === "waiting") this.#expire(probe);
  }

  /** Closes the connection; the probes that wait have no result. */
  end(): void {
    if (this.#connection.state === "open") this.#connection.link.close();
    this.#connection = { state: "closed" };
    for (const settle of this.#settle.values()) settle();
    this.#settle.clear();
  }

  loseAll(error: string): void {
    for (const probe of this.#probes.waiting) this.#lose(probe, error);
  }

  /** Closes the connection; the probes that wait are lost. */
  close(why: string, pendingNotice?: string): void {
    if (this.#connection.state !== "open") return;
    this.#connection.link.close();
    this.#connection = { state: "closed", pendingNotice };
    this.loseAll(why);
  }

  #broken(why: string): void {
    this.close(why, this.#probes.waitingCount === 0 ? why : undefined);
  }

  #receive(bytes: Uint8Array): void {
    const now = performance.now();
    const answer = this.#probes.receive(bytes);
    if (answer === undefined) {
      this.#counts.unexpected++;
      return this.#broken("an answer came to nothing that was sent");
    }
    const { probe, outcome, difference: error } = answer;
    const time = now - probe.due;
    if (outcome === "late") this.#counts.lost--;
    if (outcome === "right" || outcome === "late") this.#counts.latencies.record(time);
    this.#report({ seq: probe.number, outcome, bytes: bytes.length, time, error });
    this.#settled(probe);
    // In a stream, the start of the next answer is unknown now.
    if (error !== undefined && hasConnections(this.#counts.endpoint)) {
      this.close("its connection was closed after a corrupted answer");
    }
  }

  #expire(probe: Probe): void {
    const { timeout, size } = this.#options;
    const error = `no answer in ${timeout / 1000}s`;
    const { partial = 0 } = this.#connection.state === "open" ? this.#connection.link : {};
    if (partial === 0) return this.#lose(probe, error);
    this.#lose(probe, `${error}, only ${partial} of ${size} bytes`);
    this.close("its connection was closed after an incomplete answer");
  }

  #lose(probe: Probe, error: string): void {
    this.#probes.giveUp(probe);
    this.#report({ seq: probe.number, outcome: "lost", error });
    this.#settled(probe);
  }

  #settled(probe: Probe): void {
    this.#settle.get(probe)?.();
    this.#settle.delete(probe);
  }

  get #address(): string | undefined {
    return this.#connection.state === "open" ? this.#connection.link.address : undefined;
  }

  #start(): void {
    if (!this.#isStarted) this.#options.onStart?.(this.#address);
    this.#isStarted = true;
  }

  #report(found: Omit<ProbeResult, "at" | "address">): void {
    this.#start();
    this.#counts[found.outcome]++;
    this.#counts.lastError = found.error ?? this.#counts.lastError;
    const address = this.#counts.address = this.#address ?? this.#counts.address;
    this.reported = this.#options.onResult?.({ ...found, ...this.#times, at: new Date(), address });
  }
}
