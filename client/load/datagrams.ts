// Messages over datagrams.
import { pause } from "../../async/pause.ts";
import type { EndpointError, HostEndpoint } from "../../net/endpoint.ts";
import type { Family } from "../../net/resolve.ts";
import { type DatagramLink, dialUdp } from "../../net/udp.ts";
import { type Probe, Probes } from "../verify/probes.ts";
import {
  type ConnectionEvents,
  type ConnectionSettings,
  firstMessage,
  type LoadConnection,
} from "./connection.ts";

/** How long to wait for what should not come any more, in milliseconds. */
const FINISH_WITHIN = 100;

/** A socket that carries messages, each in a datagram that begins with its number. */
export class DatagramConnection implements LoadConnection {
  readonly #settings: ConnectionSettings;
  readonly #events: ConnectionEvents;
  readonly #first: number;
  readonly #probes: Probes;
  /** For how long each of them has waited, in milliseconds, as far as it was waited for. */
  readonly #waited = new WeakMap<Probe, number>();
  #sent = 0;
  #socket: DatagramLink | undefined;

  /** @param number that of the socket */
  constructor(readonly number: number, settings: ConnectionSettings, events: ConnectionEvents) {
    this.#first = firstMessage(number);
    this.#probes = new Probes(settings.messages);
    this.#settings = settings;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  get underWay(): number {
    return this.#probes.waitingCount;
  }

  /**
   * Makes the socket.
   *
   * @param family only addresses of this one
   * @throws {EndpointError} for an unknown host
   */
  async open(endpoint: HostEndpoint<"udp">, family?: Family): Promise<void> {
    this.#socket = await dialUdp(
      endpoint,
      (bytes) => this.#receive(bytes),
      (error) => this.#end(error),
      { family },
    );
  }

  send(due: number): void {
    const bytes = this.#probes.bytesOf(this.#probes.send(this.#first + this.#sent++, due));
    this.#settings.bytes.sent += bytes.length;
    this.#socket?.send(bytes);
  }

  checkTimeout(interval: number): void {
    if (this.underWay === 0) return;
    for (const probe of this.#probes.waiting) {
      // Counted, not by the clock: while the process was stopped, answers may have come.
      const waited = this.#waited.get(probe) ?? 0;
      if (waited >= this.#settings.timeout) {
        this.#probes.giveUp(probe);
        this.#events.onError(this, "lost", `no answer came to ${this.#name(probe)}`);
        this.#events.onFailure(this, probe.due);
      }
      this.#waited.set(probe, waited + interval);
    }
  }

  async finish(): Promise<void> {
    await pause(FINISH_WITHIN);
    this.close();
  }

  close(): void {
    this.#settings.onAddress(this.#socket?.address);
    this.#socket?.close();
    this.#socket = undefined;
  }

  #receive(bytes: Uint8Array): void {
    const now = performance.now();
    this.#settings.bytes.received += bytes.length;
    const answer = this.#probes.receive(bytes);
    if (answer === undefined) {
      return this.#events.onError(this, "surplus", "a datagram came that was not sent");
    }
    const { probe, outcome, difference } = answer;
    const { due } = probe;
    switch (outcome) {
      case "right":
        return this.#events.onAnswer(this, due, due, now);
      case "repeated":
        return this.#events.onError(this, "repeated", `${this.#name(probe)} came back again`);
      case "altered":
        this.#events.onError(this, "altered", `${this.#name(probe)}: ${difference}`);
        return this.#events.onFailure(this, due);
      case "late": // It counts as lost already, and has been said to be.
    }
  }

  #name({ number }: Probe): string {
    return `datagram ${number - this.#first + 1}`;
  }

  #end(error: EndpointError): void {
    if (this.#socket === undefined) return;
    this.#events.onError(this, "broken", error.message);
    this.close();
    const { waiting } = this.#probes;
    for (const probe of waiting) this.#probes.giveUp(probe);
    this.#events.onEnd(this, waiting.map(({ due }) => due));
  }
}
