// The life of one connection, from when it was accepted until it is closed.
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

/** The faults of a connection. */
interface Faults {
  /** What was injected, for the log. */
  readonly fields: LogFields;
  /** Waits for nothing any more. */
  end(): void;
}

/** A connection that was accepted. */
export class Connection {
  readonly traffic = new Traffic();
  /** Its faults, where it has any. */
  faults?: Faults;
  #stream: Stream;
  #number = 0;
  readonly #opened = performance.now();
  /** Set by whoever ends it from outside its own task, before its task can meet the error of that. */
  #ending: Ending | undefined;
  #closed = false;

  /**
   * @param stream what was accepted, until it is set up
   * @param endpoint where it was accepted
   */
  constructor(stream: Stream, readonly endpoint: Endpoint) {
    this.#stream = stream;
  }

  /** What is read and written. */
  get stream(): Stream {
    return this.#stream;
  }

  /** Its number among those of the server, from 1 on; 0 until it is set up. */
  get number(): number {
    return this.#number;
  }

  /** It is set up, and may have been closed meanwhile. */
  begin(stream: Stream, number: number): void {
    this.#stream = stream;
    this.#number = number;
    if (this.#closed) stream.close();
  }

  /** Runs the echo until the peer has sent all, or it breaks or is closed; then closes it. */
  async serve(echo: (connection: Connection) => Promise<void>, log: Log): Promise<Ending> {
    log.debug?.("opened", this.#identity());
    let failure: unknown;
    try {
      await echo(this);
      // Closing ends the sending side as well, but TLS has an alert for that.
      if (TRANSPORTS[this.endpoint.scheme].hasTls) await this.stream.closeWrite();
    } catch (error) {
      failure = error;
    }
    this.close(endingAfter(failure));
    this.#logClosed(log, failure);
    return this.#ending ?? "error";
  }

  /** Closes it; its task, if it still runs, ends with the error that this brings it. */
  close(ending?: Ending): void {
    if (ending !== undefined) this.#ending ??= ending;
    if (this.#closed) return;
    this.#closed = true;
    this.stream.close();
    this.faults?.end();
  }

  /** Sends no more, once all is sent back; what it is closed with later counts for nothing. */
  async finish(ending: "drain" | "fault"): Promise<void> {
    this.#ending ??= ending;
    this.traffic.restart();
    // Should it fail, its own task meets the same error.
    await this.stream.closeWrite().catch(() => {});
  }

  /** Resets it, where it can be reset. */
  reset(): void {
    this.#ending ??= "fault";
    this.stream.reset?.();
  }

  /** Whether it was told to {@linkcode finish}, or closed from outside. */
  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** One line tells its whole story. If it came and went in silence, as probes do, that is for debugging. */
  #logClosed(log: Log, failure: unknown): void {
    const { received, isAnswered } = this.traffic;
    if (this.#ending === "error") {
      log.info?.("closed", { ...this.#story(), error: reason(failure) });
    } else if (this.#ending === "drain" && !isAnswered) {
      log.warn?.("closed before it was finished", this.#story());
    } else if (received === 0 && (this.#ending === "eof" || this.#ending === "reset")) {
      log.debug?.("closed", this.#story());
    } else {
      log.info?.("closed", this.#story());
    }
  }

  #identity(): LogFields {
    return {
      connection: this.number,
      peer: formatAddress(this.stream.remoteAddr),
      endpoint: formatEndpoint(this.endpoint),
    };
  }

  #story(): LogFields {
    return {
      ...this.#identity(),
      received_bytes: this.traffic.received,
      sent_bytes: this.traffic.sent,
      duration_ms: Math.round(performance.now() - this.#opened),
      why: this.#ending ?? "error",
      ...this.faults?.fields,
    };
  }
}

function endingAfter(failure: unknown): Ending {
  if (failure === undefined) return "eof";
  const code = errorCode(failure) ?? "";
  return ["ECONNRESET", "ECONNABORTED", "EPIPE", "ENOTCONN"].includes(code) ? "reset" : "error";
}
