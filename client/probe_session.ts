import { isWithin } from "../async/pause.ts";
import { isUnknownHost, reason } from "../errors/reason.ts";
import { dial } from "../net/dial.ts";
import type { DialAttempt, DialOptions } from "../net/dial_options.ts";
import { addressOf, type Endpoint, EndpointError } from "../net/endpoint.ts";
import { type Stream, writeAll } from "../net/stream.ts";
import { hasConnections } from "../net/transports.ts";
import { dialUdp } from "../net/udp.ts";
import type { Latencies } from "./latencies.ts";
import type { ProbeResult } from "./ping_result.ts";
import { serverHint } from "./verify/diagnosis.ts";
import { Messages } from "./verify/messages.ts";
import { type Probe, Probes } from "./verify/probes.ts";

export interface ProbeSessionOptions extends DialOptions {
  readonly size: number;
  readonly timeout: number;
  readonly reconnect: boolean;
  readonly onResult?: (result: ProbeResult) => Promise<void> | void;
}

interface ProbeConnection {
  readonly address: string | undefined;
  /** Over a stream, what has come of an incomplete answer. */
  readonly partial?: Uint8Array;
  send(probe: Uint8Array): unknown;
  close(): void;
}

/**
 * The connection and the probes of a ping. Each probe has one of the results on the left; a further
 * answer is late or repeated.
 *
 * ```text
 * unsent
 * waiting ──answer──▶ right or corrupted ──answer──▶ repeated
 *    └──timeout, or the connection ends──▶ lost ──answer──▶ late ──answer──▶ repeated
 * ```
 */
export class ProbeSession {
  readonly counts = { right: 0, late: 0, corrupted: 0, lost: 0, unsent: 0, repeated: 0 };
  /** Answers to nothing that was sent. */
  unexpected = 0;
  address: string | undefined;
  lastError: string | undefined;
  /** Resolves when `onResult` has taken the last result. */
  reported: Promise<void> | void = undefined;
  readonly #probes: Probes;
  /** The resolvers of {@linkcode send}. */
  readonly #settle = new Map<number, () => void>();
  /** The connection, while one is open. */
  #link: ProbeConnection | undefined;
  #isFirst = true;
  /** How long it took to open the connection, for the next result, but not of the first one. */
  #times: Pick<ProbeResult, "connect" | "handshake"> = {};

  constructor(
    readonly endpoint: Endpoint,
    readonly options: ProbeSessionOptions,
    readonly latencies: Latencies,
  ) {
    this.#probes = new Probes(new Messages(options.size));
  }

  get isOpen(): boolean {
    return this.#link !== undefined;
  }

  /**
   * Opens a connection, or reports the probe as unsent. Returns false if no other attempt makes
   * sense: the host is unknown, or did not answer within `wait`.
   */
  async open(number: number, signal: AbortSignal): Promise<boolean> {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const wait = isFirst ? this.options.wait ?? 0 : 0;
    try {
      const { link, ...times } = await openProbes(
        this.endpoint,
        { ...this.options, wait, signal },
        (bytes) => this.#receive(bytes),
        (why) => this.#receiveWrong() || this.close(why),
      );
      this.#link = link;
      if (this.options.reconnect || !isFirst) this.#times = times;
      return true;
    } catch (error) {
      const isKnown = error instanceof EndpointError;
      if (!isKnown && signal.aborted) return false;
      if (!isKnown) throw error;
      this.#report({ seq: number, outcome: "unsent", error: reason(error.cause) });
      return wait === 0 && !(isFirst && isUnknownHost(error.cause));
    }
  }

  /** Resolves when the probe has its result. */
  async send(number: number): Promise<void> {
    const { timeout } = this.options;
    const probe = this.#probes.send(number, performance.now());
    const settled = new Promise<void>((resolve) => this.#settle.set(number, resolve));
    this.#link?.send(this.#probes.bytesOf(probe));
    if (timeout === 0) return await settled;
    if (!await isWithin(timeout, settled) && probe.state === "waiting") this.#expire(probe);
  }

  /** Closes the connection; the probes that wait have no result. */
  end(): void {
    this.#link?.close();
    this.#link = undefined;
    for (const settle of this.#settle.values()) settle();
    this.#settle.clear();
  }

  loseAll(error: string): void {
    for (const probe of this.#probes.waiting) this.#lose(probe, error);
  }

  /** Closes the connection; the probes that wait are lost. */
  close(why: string): void {
    this.#link?.close();
    this.#link = undefined;
    this.loseAll(why);
  }

  /** Takes an incomplete answer that is wrong already, if there is one. */
  #receiveWrong(): boolean {
    const { partial } = this.#link ?? {};
    const isWrong = partial !== undefined && this.#probes.isWrong(partial);
    if (isWrong) this.#receive(partial, serverHint(partial));
    return isWrong;
  }

  #receive(bytes: Uint8Array, hint = ""): void {
    const now = performance.now();
    const answer = this.#probes.receive(bytes);
    if (answer === undefined) {
      this.unexpected++;
      return this.close("the server sent unexpected bytes");
    }
    const { probe, outcome, difference } = answer;
    const error = difference && difference + hint;
    const time = now - probe.due;
    if (outcome === "late") this.counts.lost--;
    if (outcome === "right" || outcome === "late") this.latencies.record(time);
    this.#report({ seq: probe.number, outcome, bytes: bytes.length, time, error });
    // In a stream, the start of the next answer is unknown now.
    if (error !== undefined && hasConnections(this.endpoint)) {
      this.close("the connection was closed after a corrupted answer");
    }
  }

  #expire(probe: Probe): void {
    if (this.#receiveWrong()) return;
    const { timeout, size } = this.options;
    const partial = this.#link?.partial?.length ?? 0;
    const part = partial > 0 ? `, only ${partial} of ${size} bytes` : "";
    this.#lose(probe, `no answer in ${timeout / 1000}s${part}`);
    if (partial > 0) this.close("the connection was closed after an incomplete answer");
  }

  #lose(probe: Probe, error: string): void {
    this.#probes.giveUp(probe);
    this.#report({ seq: probe.number, outcome: "lost", error });
  }

  #report(found: Omit<ProbeResult, "address">): void {
    this.counts[found.outcome]++;
    this.lastError = found.error ?? this.lastError;
    const address = this.address = this.#link?.address ?? this.address;
    const result = { ...found, ...this.#times, address };
    this.#times = {};
    this.reported = this.options.onResult?.(result);
    this.#settle.get(found.seq)?.();
    this.#settle.delete(found.seq);
  }
}

/**
 * Opens a connection; returns how long that took, unless it is `udp://`.
 *
 * @param onAnswer gets bytes that are valid until it returns
 * @param onEnd is not called after `close`
 * @throws {EndpointError} if it cannot be opened
 * @throws the reason of the signal
 */
async function openProbes(
  endpoint: Endpoint,
  options: DialAttempt & { readonly size: number },
  onAnswer: (bytes: Uint8Array) => void,
  onEnd: (why: string) => void,
) {
  if (!hasConnections(endpoint)) {
    const onFailure = ({ cause }: EndpointError) => onEnd(reason(cause));
    return { link: await dialUdp(endpoint, onAnswer, onFailure, options) };
  }
  const { conn, ...times } = await dial(endpoint, options);
  return { link: streamProbes(conn, options.size, onAnswer, onEnd), ...times };
}

/** Takes every `size` bytes as an answer. */
function streamProbes(
  conn: Stream,
  size: number,
  onAnswer: (bytes: Uint8Array) => void,
  onEnd: (why: string) => void,
): ProbeConnection {
  const answer = new Uint8Array(size);
  let filled = 0;
  let isOpen = true;
  let written: Promise<void> | undefined;

  function close(): void {
    if (isOpen) conn.close();
    isOpen = false;
  }

  function end(why: string): void {
    if (!isOpen) return;
    close();
    onEnd(why);
  }

  async function receive(): Promise<void> {
    for (;;) {
      const length = await conn.read(answer.subarray(filled));
      if (!isOpen) return;
      if (length === null) break;
      filled += length;
      if (filled < size) continue;
      filled = 0;
      onAnswer(answer);
    }
    const part = filled === 0 ? "" : `, only ${filled} of ${size} bytes had come`;
    end(`the server ended the connection${part}`);
  }

  const fail = (error: unknown) => end(reason(error));
  return {
    address: addressOf(conn.remoteAddr),
    get partial() {
      return answer.subarray(0, filled);
    },
    send(probe) {
      // Reading begins with the first probe: before, nothing could be an answer.
      if (written === undefined) receive().catch(fail);
      written = Promise.resolve(written).then(() => writeAll(conn, probe)).catch(fail);
    },
    close,
  };
}
