// What all connections of a load have in common, a socket for datagrams as well.
import type { ReadScheduler } from "../../net/read_scheduler.ts";
import type { Messages } from "../verify/messages.ts";
import type { Recorder } from "./recorder.ts";

/** Sends messages, compares what comes back, and reports both to the recorder. */
export interface LoadConnection {
  /** From 1 on; that of the connection that it replaces. */
  readonly number: number;
  readonly isOpen: boolean;
  /**
   * Sends a message.
   *
   * @param due when it was due, by `performance.now()`
   * @param from when its latency begins, if that is later
   */
  send(due: number, from?: number): void;
  /**
   * Gives up messages whose answers have been missing for too long.
   *
   * @param interval the time since the last call, in milliseconds
   */
  checkTimeout(interval: number): void;
  /** Waits for unexpected bytes, a second at most, and closes it. */
  finish(): Promise<void>;
  close(): void;
}

export interface ConnectionSettings {
  readonly messages: Messages;
  /** How many messages are under way at most. */
  readonly pipeline: number;
  /** Whether a connection carries one message only. */
  readonly reconnect: boolean;
  /** How long nothing may come back, in milliseconds. */
  readonly timeout: number;
  readonly recorder: Recorder;
  readonly scheduler: ReadScheduler;
}

export interface ConnectionEvents {
  /** A message has come back or failed: another one can be sent. */
  onFree(connection: LoadConnection, now: number): void;
  /** The connection has ended by itself; its messages have failed. */
  onEnd(connection: LoadConnection): void;
}

/** The number of a connection's first message. Each connection has others. */
export function firstMessage(number: number): number {
  return number * 37;
}
