// The interface of faults: what a server does badly on purpose.
import type { Flaw } from "../../net/certificate.ts";
import type { Traffic } from "../../net/traffic.ts";
import type { Scheme } from "../../net/transports.ts";
import type { ValueType } from "../../values/value_types.ts";
import type { Random } from "./random.ts";
import type { Chunks } from "../stages.ts";

/** A fault: its name, its transports, and what it does. */
export interface Fault<Value = unknown> {
  readonly name: string;
  /** What other tools call it. */
  readonly otherNames?: readonly string[];
  /** The type of its value; undefined where it takes none. */
  readonly value?: ValueType<Value>;
  /**
   * What its probability is for, and how large it is where none is given; undefined
   * where it takes none. Which connections have it is decided when they are accepted.
   */
  readonly chance?: {
    readonly of: "connections" | "reads" | "blocks" | "bytes";
    readonly usual: number | "once";
  };
  readonly transports: readonly Scheme[];
  readonly help: string;
  /** What the log calls the number of bytes that it changed. */
  readonly counted?: string;
  /** Whether it slows down reading, and not what was read. */
  readonly holdsReading?: boolean;
  /** Whether it resets connections. */
  readonly resets?: boolean;
  /** Changes what passes: a stage of the echo. */
  stage?(chunks: Chunks, value: Value, context: FaultContext): Chunks;
  /** What it makes wrong in the throw-away certificate of the server. */
  flaw?(value: Value): Flaw;
}

/** What a fault knows of a connection, or of the datagrams of a server, and can do to it. */
export interface FaultContext {
  /** Numbers of this fault of this connection alone. */
  readonly random: Random;
  /**
   * Numbers for what is at an offset, with one seed always the same; undefined where the
   * fault is not to be injected there, by its probability.
   */
  draw(offset: number): Random | undefined;
  readonly traffic: Traffic;
  /** Draws how many bytes to leave alone before the next one, with the same probability. */
  nextOffset(): number;
  /** Counts an injection, and the bytes that it changed, for the log and the metrics. */
  recordInjection(bytes?: number): void;
  /**
   * Waits; not at all for a time that is over.
   *
   * @throws when the connection ends meanwhile
   */
  wait(milliseconds: number): Promise<void>;
  /** Holds back each chunk until it is due. */
  leaveWhenDue(chunks: Chunks): Chunks;
  /** Closes the connection at once. */
  close(): void;
  /** Ends what is sent; closes once the other end has closed as well, a second later at most. */
  finish(): Promise<void>;
  /** Resets the connection, once what was sent had time to leave. */
  reset(): Promise<void>;
}

/**
 * Makes a fault; the type of its value follows from the kind. Without a `chance`
 * its probability is for connections, and 1 where none is given.
 */
export function fault<Value>(parts: Fault<Value>): Fault<Value> {
  return { chance: { of: "connections", usual: 1 }, ...parts };
}
