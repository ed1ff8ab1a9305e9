/**
 * What carries the messages of a load: a connection, or a socket for datagrams.
 *
 * @module
 */
import type { ReadTurns } from "../../net/read_turns.ts";
import type { LoadErrorKind } from "./result.ts";
import type { Exchange } from "../streams.ts";
import type { Messages } from "../verify/messages.ts";

/** How long to wait before another try to connect, in milliseconds. */
export const RETRY = 100;

/** Takes messages to the server and compares what comes back. */
export interface Flow {
  /** Whether it can take messages. */
  readonly isOpen: boolean;
  /** How many messages are under way. */
  readonly underWay: number;
  /**
   * Sends the next message.
   *
   * @param due when it was due, by `performance.now()`
   */
  send(due: number): void;
  /** Looks, once in an interval, whether nothing has come back for too long. */
  look(): void;
  /** Sends no more and waits for what should not come any more, for a second at most. */
  finish(): Promise<void>;
  /** Ends it at once, whatever is under way. */
  close(): void;
}

/** What all flows of a load share. */
export interface FlowSettings {
  readonly messages: Messages;
  /** How many messages are under way at most. */
  readonly pipeline: number;
  /** How long nothing may come back, in milliseconds; 0: for ever. */
  readonly timeout: number;
  /** Counts what passes. */
  readonly bytes: Exchange;
  /** Keeps many connections from starving each other. */
  readonly turns: ReadTurns;
}

/** What a flow tells whoever uses it. */
export interface FlowEvents {
  /**
   * A message has come back as it was sent.
   *
   * @param due when it was due
   * @param from from when on it took its time
   * @param now when its last byte had come; all by `performance.now()`
   */
  onAnswer(flow: Flow, due: number, from: number, now: number): void;
  /** A message has not and will not; the flow goes on. */
  onFailure(flow: Flow, due: number): void;
  /** Something went wrong. */
  onError(flow: Flow, kind: LoadErrorKind, what: string): void;
  /** The flow has ended by itself, and with it the messages under way, which were due then. */
  onEnd(flow: Flow, due: readonly number[]): void;
}
