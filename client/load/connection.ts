// What all connections of a load have in common, a socket for datagrams as well.
import type { ReadScheduler } from "../../net/read_scheduler.ts";
import type { Messages } from "../verify/messages.ts";
import type { Recorder } from "./recorder.ts";

/** Sends messages to the server, compares what comes back, and reports both to the recorder. */
export interface LoadConnection {
  /** From 1 on; a connection has the same as the one that it replaces. */
  readonly number: number;
  readonly isOpen: boolean;
  /**
   * Sends a message.
   *
   * @param due when it was due, by `performance.now()`
   * @param from from when on it takes its time
   */
  send(due: number, from?: number): void;
  /**
   * Gives up messages whose answers have been missing for too long.
   *
   * @param interval the time since the last call, in milliseconds
   */
  checkTimeout(interval: number): void;
  /** Sends no more, waits for unexpected bytes for a second at most, and closes it. */
  finish(): Promise<void>;
  /** Closes it at once, whatever is under way. */
  close(): void;
}

/** What all connections of a load share. */
export interface ConnectionSettings {
  readonly messages: Messages;
  /** How many messages are under way at most. */
  readonly pipeline: number;
  /** Whether a connection carries one message only. */
  readonly reconnect: boolean;
  /** How long nothing may come back, in milliseconds; Infinity: for ever. */
  readonly timeout: number;
  readonly recorder: Recorder;
  /** Keeps many connections from starving each other. */
  readonly scheduler: ReadScheduler;
}

/** What follows from what happens on connections. */
export interface ConnectionEvents {
  /** A message has come back or failed, so that another one can be sent. */
  onFree(connection: LoadConnection, now: number): void;
  /** It has ended by itself; the messages under way have failed. */
  onEnd(connection: LoadConnection): void;
}

/** The number of a connection's first message: so far apart that an answer to another shows. */
export function firstMessage(number: number): number {
  return number * 37;
}
