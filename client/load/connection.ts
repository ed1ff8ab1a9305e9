// What all connections of a load have in common, a socket for datagrams as well.
import type { ReadTurns } from "../../net/read_turns.ts";
import type { Messages } from "../verify/messages.ts";
import type { Recorder } from "./recorder.ts";

/** How long to wait before another try to connect, in milliseconds. */
export const RETRY = 100;

/** Takes messages to the server and compares what comes back. */
export interface LoadConnection {
  /** From 1 on; that which replaces it has the same. */
  readonly number: number;
  readonly isOpen: boolean;
  readonly underWay: number;
  send(due: number): void;
  /**
   * Gives up what nothing has come back to for too long.
   *
   * @param interval how long ago it was called before, in milliseconds
   */
  checkTimeout(interval: number): void;
  /** Sends no more and waits for what should not come any more, for a second at most. */
  finish(): Promise<void>;
  /** Ends it at once, whatever is under way. */
  close(): void;
}

/** What all connections of a load share. */
export interface ConnectionSettings {
  readonly messages: Messages;
  /** How many messages are under way at most. */
  readonly pipeline: number;
  /** How long nothing may come back, in milliseconds; Infinity: for ever. */
  readonly timeout: number;
  /** Counts what passes, and what goes wrong. */
  readonly recorder: Recorder;
  /** Keeps many connections from starving each other. */
  readonly turns: ReadTurns;
}

/** The number of a connection's first message: so far apart that an answer to another shows. */
export function firstMessage(number: number): number {
  return number * 37;
}

/** What a connection tells whoever uses it. */
export interface ConnectionEvents {
  /**
   * A message has come back as it was sent.
   *
   * @param from from when on it took its time
   * @param now when its last byte had come; all by `performance.now()`
   */
  onAnswer(connection: LoadConnection, due: number, from: number, now: number): void;
  /** A message has not and will not; the connection goes on. */
  onFailure(connection: LoadConnection, due: number): void;
  /** It has ended by itself, and with it the messages under way, which were due then. */
  onEnd(connection: LoadConnection, due: readonly number[]): void;
}
