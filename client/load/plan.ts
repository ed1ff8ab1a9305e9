import { OptionError } from "../../errors/yodel_error.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import { readEndpoint } from "../../net/parse_endpoint.ts";
import type { DialOptions } from "../../net/dial_options.ts";
import { checkNumbers, withDefaults } from "../../values/settings.ts";
import { hasConnections } from "../../net/transports.ts";
import { checkUdp } from "../../net/udp.ts";

/** Settings of a load, which its result has as well. */
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
  /** How long to send messages before those that count, in milliseconds. Default: 0. */
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

/** Settings with their defaults. */
export interface LoadPlan extends Required<LoadSettings> {
  /** The server. */
  readonly endpoint: Endpoint;
}

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

/** @throws {OptionError} if a setting is wrong, or does not go with another */
export function planLoad(server: Endpoint | string, settings: LoadSettings = {}): LoadPlan {
  const endpoint = readEndpoint(server, 1);
  const plan = {
    endpoint,
    ...withDefaults(settings, {
      ...LOAD_DEFAULTS,
      duration: settings.messages ? 0 : LOAD_DEFAULTS.duration,
      timeout: hasConnections(endpoint) ? LOAD_DEFAULTS.timeout : 1_000,
    }),
  };
  // More connections would never have a message.
  if (plan.messages > 0) plan.connections = Math.min(plan.connections, plan.messages);
  const { connections, workers, size, pipeline, messages } = plan;
  const { duration, warmUp, rate, timeout } = plan;
  checkNumbers("whole number", 1, { connections, workers, size, pipeline });
  checkNumbers("whole number", 0, { messages });
  checkNumbers("number", 0, { duration, warmUp, rate, timeout });
  checkUdp(endpoint, plan);
  if (plan.reconnect && pipeline > 1) {
    throw new OptionError("pipeline", "must be 1 with a connection for each message");
  }
  return plan;
}

/** The part of a load for one thread, which can be sent there. */
export type WorkerPlan = Readonly<ReturnType<typeof planWorkers>[number]>;

/** Divides a load among threads, at most one for each connection. */
export function planWorkers(load: LoadPlan, dialOptions: DialOptions) {
  const { connections, messages, rate, workers } = load;
  const threads = Math.min(workers, connections);
  const interval = rate > 0 ? 1000 / rate : 0;
  return Array.from({ length: threads }, (_, index) => {
    // The first threads get the remainder: they send first.
    const part = (whole: number) => Math.ceil((whole - index) / threads);
    return {
      load,
      dialOptions,
      connections: part(connections),
      firstConnection: 1 + index,
      connectionStep: threads,
      /** Without the warm-up. */
      messages: messages > 0 ? part(messages) : Infinity,
      /** The time between messages, and before the first one, in milliseconds. */
      interval: interval * threads,
      delay: interval * index,
    };
  });
}
