// The interface of faults; server/injection/ runs any of them.
import type { Flaw } from "../../net/certificate.ts";
import type { Traffic } from "../../net/traffic.ts";
import { type Scheme, SCHEMES } from "../../net/transports.ts";
import type { ValueType } from "../../values/value_types.ts";
import type { Random } from "../injection/random.ts";
import type { Chunks } from "../stages/echo_with_stages.ts";

export interface Fault<Value = unknown> {
  readonly name: string;
  /** Its names in other tools. */
  readonly otherNames?: readonly string[];
  /** Undefined where it takes no value. */
  readonly value?: ValueType<Value>;
  /** The default of the value; undefined where there has to be one. */
  readonly usual?: Value;
  /** The unit of its probability, and the default; undefined where it takes none. */
  readonly chance?: {
    readonly of: "connections" | "reads" | "blocks" | "bytes";
    readonly usual: number | "once";
  };
  readonly transports: readonly Scheme[];
  readonly help: string;
  /** The key in the log for the number of bytes that it changed. */
  readonly counted?: string;
  /** Whether it acts on reading, before the read-ahead. */
  readonly holdsReading?: boolean;
  readonly resets?: boolean;
  /** A stage of the echo. */
  stage?(chunks: Chunks, value: Value, context: FaultContext): Chunks;
  /** The flaw of the server's throw-away certificate. */
  flaw?(value: Value): Flaw;
}

/** What a fault can use, for a connection or for the datagrams of a server. */
export interface FaultContext {
  /** Whether its connection was accepted since the faults were set. */
  readonly isNew: boolean;
  readonly random: Random;
  /** Decides by the probability whether to inject at an offset; if so, returns numbers for it. */
  draw(offset: number): Random | undefined;
  readonly traffic: Traffic;
  /** Draws the distance to the next injection, for a probability of bytes. */
  nextOffset(): number;
  /** Counts an injection, and the bytes that it changed, for the log and the metrics. */
  recordInjection(bytes?: number): void;
  /** False if the faults are changed meanwhile; throws when the connection ends. */
  wait(milliseconds: number): Promise<boolean>;
  /** Delays each chunk until it is due. */
  leaveWhenDue(chunks: Chunks): Chunks;
  close(): void;
  /** Half-closes the connection, and closes it after a second at most. Counts an injection. */
  finish(): Promise<void>;
  /** Resets the connection, after a moment for what was sent. Counts an injection. */
  reset(): Promise<void>;
}

/** Makes a fault, by default of connections, from accept on, and for all transports. */
export function fault<Value>(
  parts: Omit<Fault<Value>, "chance" | "transports"> & Partial<Fault<Value>>,
): Fault<Value> {
  return { chance: { of: "connections", usual: 1 }, transports: SCHEMES, ...parts };
}
