import { errorCode, reason } from "../errors/reason.ts";
import { type Endpoint, formatAddress, formatEndpoint } from "../net/endpoint.ts";
import type { Stream } from "../net/stream.ts";
import { TRANSPORTS } from "../net/transports.ts";
import { Traffic } from "../net/traffic.ts";
import type { Log, LogFields } from "./log.ts";

/** Why a connection ended. */
export type Ending = "eof" | "reset" | "idle" | "drain" | "fault" | "error";

/** How long the peer has to close as well, once this side has ended, in milliseconds. */
export const LINGER = 1000;

/** A connection that was accepted. */
export class Connection {
  readonly traffic = new Traffic();
  faults?: { readonly fields: LogFields; flush(): void; end(): void };
  /** From 1 on; 0 until it is set up. */
  number = 0;
  readonly #opened = performance.now();
  /** Set before an end from outside its task, which then gets an error. */
  #ending: Ending | undefined;
  #closed = false;

  /** @param stream what was accepted, until it is set up */
  constructor(public stream: Stream, readonly endpoint: Endpoint) {}

  /** Begins to use the stream of a setup, during which it may have been closed. */
  begin(stream: Stream, number: number): void {
    this.stream = stream;
    this.number = number;
    if (this.#closed) stream.close();
  }

  /** Runs the echo until the peer has sent all, or it breaks or is closed; then closes it. */
  async serve(echo: () => Promise<void>, log: Log): Promise<Ending> {
    log.debug?.("opened", this.#identity());
    let failure: unknown;
    try {
      await echo();
      // Closing ends the sending side as well, but TLS has an alert for that.
      if (TRANSPORTS[this.endpoint.scheme].hasTls) await this.stream.closeWrite();
    } catch (error) {
      failure = error;
    }
    this.close(endingAfter(failure));
    this.#logClosed(log, failure);
    return this.#ending ?? "error";
  }

  /** Closes it; its task, if it still runs, ends with an error. */
  close(ending?: Ending): void {
    if (ending !== undefined) this.#ending ??= ending;
    if (this.#closed) return;
    this.#closed = true;
    this.stream.close();
    this.faults?.end();
  }

  /** Half-closes it, once all is sent back; a later ending is ignored. */
  async finish(ending: "drain" | "fault"): Promise<void> {
    this.#ending ??= ending;
    this.traffic.restart();
    // Its task gets the same error.
    await this.stream.closeWrite().catch(() => {});
  }

  reset(): void {
    this.#ending ??= "fault";
    this.stream.reset?.();
  }

  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  #logClosed(log: Log, failure: unknown): void {
    const { received, sent, isAnswered } = this.traffic;
    const ending = this.#ending ?? "error";
    const isCutOff = ending === "drain" && !isAnswered;
    // Port scanners and health checks send nothing.
    const isProbe = received === 0 && (ending === "eof" || ending === "reset");
    const level = isCutOff ? "warn" : isProbe ? "debug" : "info";
    // Without this level, nothing of it is evaluated: that is a tenth of a short connection.
    log[level]?.(isCutOff ? "closed before it was finished" : "closed", {
      ...this.#identity(),
      received_bytes: received,
      sent_bytes: sent,
      duration_ms: Math.round(performance.now() - this.#opened),
      why: ending,
      ...this.faults?.fields,
      ...ending === "error" ? { error: reason(failure) } : {},
    });
  }

  #identity(): LogFields {
    return {
      connection: this.number,
      peer: formatAddress(this.stream.remoteAddr),
      endpoint: formatEndpoint(this.endpoint),
    };
  }
}

function endingAfter(failure: unknown): Ending {
  if (failure === undefined) return "eof";
  const code = errorCode(failure) ?? "";
  return ["ECONNRESET", "ECONNABORTED", "EPIPE", "ENOTCONN"].includes(code) ? "reset" : "error";
}
