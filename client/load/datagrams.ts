// Messages over datagrams.
import { pause } from "../../async/pause.ts";
import type { HostEndpoint } from "../../net/endpoint.ts";
import type { EndpointError } from "../../net/endpoint_error.ts";
import type { Family } from "../../net/resolve.ts";
import { type DatagramLink, dialUdp } from "../../net/udp.ts";
import { type NumberedDatagram, NumberedDatagrams } from "../verify/numbered.ts";
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
  readonly #datagrams: NumberedDatagrams;
  #socket: DatagramLink | undefined;

  /** @param number that of the socket */
  constructor(readonly number: number, settings: ConnectionSettings, events: ConnectionEvents) {
    this.#first = firstMessage(number);
    this.#datagrams = new NumberedDatagrams(settings.messages, this.#first);
    this.#settings = settings;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  get underWay(): number {
    return this.#datagrams.waitingCount;
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
    const { bytes } = this.#datagrams.send(due);
    this.#settings.bytes.sent += bytes.length;
    this.#socket?.send(bytes);
  }

  checkTimeout(interval: number): void {
    if (this.underWay === 0) return;
    for (const datagram of this.#datagrams.waiting) {
      // Counted, not by the clock: while the process was stopped, answers may have come.
      if (datagram.waited >= this.#settings.timeout) {
        this.#datagrams.giveUp(datagram);
        this.#events.onError(this, "lost", `no answer came to ${this.#name(datagram)}`);
        this.#events.onFailure(this, datagram.due);
      }
      datagram.waited += interval;
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
    const answer = this.#datagrams.receive(bytes);
    if (answer === undefined) {
      return this.#events.onError(this, "surplus", "a datagram came that was not sent");
    }
    const { datagram, outcome, difference } = answer;
    const { due } = datagram;
    switch (outcome) {
      case "right":
        return this.#events.onAnswer(this, due, due, now);
      case "repeated":
        return this.#events.onError(this, outcome, `${this.#name(datagram)} came back again`, due);
      case "altered":
        this.#events.onError(this, "altered", `${this.#name(datagram)}: ${difference}`);
        return this.#events.onFailure(this, due);
      case "late": // It counts as lost already, and has been said to be.
    }
  }

  #name({ number }: NumberedDatagram): string {
    return `datagram ${number - this.#first + 1}`;
  }

  #end(error: EndpointError): void {
    if (this.#socket === undefined) return;
    this.#events.onError(this, "broken", error.message);
    this.close();
    const { waiting } = this.#datagrams;
    for (const datagram of waiting) this.#datagrams.giveUp(datagram);
    this.#events.onEnd(this, waiting.map(({ due }) => due));
  }
}
