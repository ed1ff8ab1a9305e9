// What a load is to do: its settings, their defaults and rules, and the part of each thread.
import { OptionError } from "../../errors/yodel_error.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import { readEndpoint } from "../../net/parse_endpoint.ts";
import type { DialOptions } from "../../net/dial.ts";
import { checkDatagrams, checkNotNegative, checkWhole } from "../options.ts";
import { withDefaults } from "../../values/settings.ts";
import { hasConnections } from "../../net/transports.ts";

/** Settings of a load that can be told from its result. */
export interface LoadSettings {
  /** How many connections; for `udp://`, sockets. Default: 50. */
  readonly connections?: number;
  /** How long to send messages, in milliseconds; 0: no limit. Default: 10,000, or 0 with `messages`. */
  readonly duration?: number;
  /** How many messages to send; 0: no limit. Default: 0. */
  readonly messages?: number;
  /** How large each message is, in bytes, at least 1. Default: 64. */
  readonly size?: number;
  /** How many messages may be under way on each connection. Default: 1. */
  readonly pipeline?: number;
  /**
   * How many messages a second are due, on all connections together; then latencies count from when
   * a message was due. 0: a message is sent when another has come back. Default: 0.
   */
  readonly rate?: number;
  /** How long to send messages that do not count first, in milliseconds. Default: 0. */
  readonly warmUp?: number;
  /** Opens a connection for each message. Not for `udp://`, which has none. Default: false. */
  readonly reconnect?: boolean;
  /** How many threads to use. Default: 1. */
  readonly workers?: number;
  /**
   * How long to wait for a connection, and for any byte of an answer, in milliseconds; 0: for ever.
   * Default: 5,000; for `udp://`, where answers can be lost, 1,000.
   */
  readonly timeout?: number;
}

/** What is to be done, with nothing left open. 0 means what it means in the settings. */
export interface LoadPlan extends Required<LoadSettings> {
  /** The server. */
  readonly endpoint: Endpoint;
}

/** The default timeout of `udp://`. */
const DATAGRAM_TIMEOUT = 1_000;

/** The defaults of settings. */
export const LOAD_DEFAULTS: Required<LoadSettings> = {
  connections: 50,
  duration: 10_000,
  messages: 0,
  size: 64,
  pipeline: 1,
  rate: 0,
  warmUp: 0,
  reconnect: false,
  workers: 1,
  timeout: 5_000,
};

/**
 * Fills in what is not given.
 *
 * @throws {OptionError} for settings that make no sense, or not together
 */
export function planLoad(server: Endpoint | string, settings: LoadSettings = {}): LoadPlan {
  const endpoint = readEndpoint(server, 1);
  const plan = {
    endpoint,
    ...withDefaults(settings, {
      ...LOAD_DEFAULTS,
      duration: settings.messages ? 0 : LOAD_DEFAULTS.duration,
      timeout: hasConnections(endpoint) ? LOAD_DEFAULTS.timeout : DATAGRAM_TIMEOUT,
    }),
  };
  // One that never has a message would say nothing of the server.
  if (plan.messages > 0) plan.connections = Math.min(plan.connections, plan.messages);
  const { connections, workers, size, pipeline, messages, reconnect } = plan;
  const { duration, warmUp, rate, timeout } = plan;
  checkWhole(1, { connections, workers, size, pipeline });
  checkWhole(0, { messages });
  checkNotNegative({ duration, warmUp, rate, timeout });
  checkDatagrams(endpoint, plan);
  if (reconnect && pipeline > 1) {
    throw new OptionError("pipeline", "with a connection for each message, each carries one");
  }
  return plan;
}

/** What one thread does of a load. Everything in it can go to another thread. */
export type WorkerPlan = Readonly<ReturnType<typeof planWorkers>[number]>;

/** Divides a load among threads: as many as are asked for, and no more than have a connection. */
export function planWorkers(load: LoadPlan, dialOptions: DialOptions) {
  const { connections, messages, rate, workers } = load;
  const threads = Math.min(workers, connections);
  const interval = rate > 0 ? 1000 / rate : 0;
  return Array.from({ length: threads }, (_, index) => {
    // The first threads have what is left over: theirs are the next messages that are due.
    const part = (whole: number) => Math.ceil((whole - index) / threads);
    return {
      load,
      dialOptions,
      /** How many connections, and how they are numbered. */
      connections: part(connections),
      firstConnection: 1 + index,
      connectionStep: threads,
      /** How many messages that count; Infinity: no limit. */
      messages: messages > 0 ? part(messages) : Infinity,
      /** From one message to the next, and before the first one, in milliseconds; 0: at any time. */
      interval: interval * threads,
      delay: interval * index,
    };
  });
}
