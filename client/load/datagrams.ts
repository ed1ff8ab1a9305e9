/**
 * Messages over datagrams.
 *
 * @module
 */
import { lookInterval } from "../../net/traffic.ts";
import { type DatagramLink, dialDatagrams } from "../../net/udp.ts";
import type { HostEndpoint } from "../../net/endpoint.ts";
import { pause } from "../../async/pause.ts";
import { describeDifference } from "../verify/difference.ts";
import type { Exchange } from "../streams.ts";
import type { Flow, FlowEvents, FlowSettings } from "./connection.ts";
import type { Messages } from "../verify/messages.ts";

/** How many bytes at the head of a datagram carry its number, where it has as many. */
const NUMBER = 4;

/** How many of the last datagrams are remembered when they are not under way any more. */
const REMEMBERED = 1024;

/** How long to wait for what should not come any more, in milliseconds. */
const FINISH_WITHIN = 100;

/** A datagram that was sent. */
interface Datagram {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly due: number;
  /** How often it was looked at while it was under way. */
  looks: number;
  state: "under way" | "answered" | "lost";
}

/** A socket that carries messages, each in a datagram that begins with its number. */
export class DatagramFlow implements Flow {
  readonly #messages: Messages;
  /** How many looks without an answer are too many. */
  readonly #patience: number;
  readonly #bytes: Exchange;
  readonly #events: FlowEvents;
  readonly #datagrams = new Map<number, Datagram>();
  readonly #first: number;
  #link: DatagramLink | undefined;
  #sent: number;
  #underWay = 0;

  /** @param first the number of the first message, so that sockets differ */
  constructor(first: number, { messages, timeout, bytes }: FlowSettings, events: FlowEvents) {
    this.#first = first;
    this.#sent = first;
    this.#messages = messages;
    this.#patience = timeout === 0 ? Infinity : timeout / lookInterval(timeout);
    this.#bytes = bytes;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#link !== undefined;
  }

  /**
   * Makes the socket.
   *
   * @throws {EndpointError} for an unknown host
   */
  async open(endpoint: HostEndpoint): Promise<void> {
    this.#link = await dialDatagrams(
      endpoint,
      (bytes) => this.#answer(bytes),
      (error) => {
        if (this.#link === undefined) return;
        this.#events.onError(this, "broken", error.message);
        this.close();
        const underWay = [...this.#datagrams.values()].filter(({ state }) => state === "under way");
        this.#datagrams.clear();
        this.#underWay = 0;
        this.#events.onEnd(this, underWay.map(({ due }) => due));
      },
    );
  }

  get underWay(): number {
    return this.#underWay;
  }

  send(due: number): void {
    const number = this.#sent++;
    const bytes = this.#messages.at(number).slice();
    for (let i = 0; i < Math.min(NUMBER, bytes.length); i++) bytes[i] = number >>> (8 * i);
    this.#datagrams.set(number, { number, bytes, due, looks: 0, state: "under way" });
    this.#underWay++;
    this.#bytes.sent += bytes.length;
    this.#link?.send(bytes);
    this.#forget(this.#datagrams.get(number - REMEMBERED));
  }

  /** Counts the looks, not the time: while the process was stopped, answers may have come. */
  look(): void {
    if (this.#underWay === 0) return;
    for (const datagram of this.#datagrams.values()) {
      if (datagram.state !== "under way" || datagram.looks++ < this.#patience) continue;
      this.#events.onError(this, "lost", `no answer came to ${this.#name(datagram.number)}`);
      this.#fail(datagram);
    }
  }

  async finish(): Promise<void> {
    await pause(FINISH_WITHIN);
    this.close();
  }

  close(): void {
    this.#link?.close();
    this.#link = undefined;
  }

  /** Forgets a datagram that is not one of the last ones any more. */
  #forget(datagram: Datagram | undefined): void {
    if (datagram === undefined || datagram.state === "under way") return;
    if (datagram.number <= this.#sent - REMEMBERED) this.#datagrams.delete(datagram.number);
  }

  #fail(datagram: Datagram): void {
    if (datagram.state !== "under way") return;
    datagram.state = "lost";
    this.#underWay--;
    this.#forget(datagram);
    this.#events.onFailure(this, datagram.due);
  }

  #answer(bytes: Uint8Array): void {
    const now = performance.now();
    this.#bytes.received += bytes.length;
    const number = this.#numberOf(bytes);
    const datagram = this.#datagrams.get(number);
    const difference = datagram && describeDifference(datagram.bytes, bytes);
    if (datagram === undefined || difference !== undefined) return this.#altered(bytes);
    if (datagram.state === "answered") {
      return this.#events.onError(this, "repeated", `${this.#name(number)} came back again`);
    }
    // It counts as lost already, and has been said to be.
    if (datagram.state === "lost") return;
    datagram.state = "answered";
    this.#underWay--;
    this.#forget(datagram);
    this.#events.onAnswer(this, datagram.due, datagram.due, now);
  }

  #name(number: number): string {
    return `datagram ${number - this.#first + 1}`;
  }

  /**
   * The number of the datagram whose head is that of `bytes`: of several the one
   * that has been under way the longest, or else the latest.
   */
  #numberOf(bytes: Uint8Array): number {
    const width = Math.min(NUMBER, bytes.length, this.#messages.size);
    let number = 0;
    for (let i = 0; i < width; i++) number += (bytes[i] ?? 0) * 256 ** i;
    const last = this.#sent - 1;
    const wrap = 256 ** width;
    const latest = last - (((last - number) % wrap) + wrap) % wrap;
    let found = latest;
    for (let earlier = latest; this.#datagrams.has(earlier); earlier -= wrap) {
      if (this.#datagrams.get(earlier)?.state === "under way") found = earlier;
    }
    return found;
  }

  /** It is taken for the answer to the datagram under way that it is most like. */
  #altered(bytes: Uint8Array): void {
    const likeness = (sent: Uint8Array) =>
      bytes.reduce((equal, byte, i) => byte === sent[i] ? equal + 1 : equal, 0);
    const [nearest] = [...this.#datagrams]
      .filter(([, { state }]) => state === "under way")
      .toSorted(([, a], [, b]) => likeness(b.bytes) - likeness(a.bytes));
    if (nearest === undefined) {
      return this.#events.onError(this, "surplus", "a datagram came that was not sent");
    }
    const [number, datagram] = nearest;
    const difference = describeDifference(datagram.bytes, bytes);
    this.#events.onError(this, "altered", `${this.#name(number)}: ${difference}`);
    this.#fail(datagram);
  }
}
