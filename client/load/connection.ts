import type { ReadScheduler } from "../../net/read_scheduler.ts";
import type { Messages } from "../verify/messages.ts";
import type { LoadPlan } from "./plan.ts";
import type { Recorder } from "./recorder.ts";

/** A connection, or a socket for datagrams, that carries messages. */
export interface LoadConnection {
  /** From 1; a connection has the number of the one that it replaces. */
  readonly number: number;
  readonly isOpen: boolean;
  /** Sends a message that was due at this time, by `performance.now()`. */
  send(due: number): void;
  /** Fails messages after their timeout; `interval` milliseconds have passed since the last call. */
  checkTimeout(interval: number): void;
  /** Waits up to a second for unexpected bytes, then closes. */
  finish(): Promise<void>;
  close(): void;
}

export interface ConnectionSettings {
  readonly load: LoadPlan;
  readonly messages: Messages;
  readonly recorder: Recorder;
  readonly scheduler: ReadScheduler;
  readonly events: ConnectionEvents;
}

export interface ConnectionEvents {
  onOpen(connection: LoadConnection): void;
  /** A message has come back or failed: another one can be sent. */
  onFree(connection: LoadConnection, now: number): void;
  /** The connection has ended by itself; its messages have failed. */
  onEnd(connection: LoadConnection): void;
}

/** The number of a connection's first message, which differs from those of its neighbours. */
export function firstMessage(number: number): number {
  return number * 37;
}
