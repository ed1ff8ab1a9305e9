// A server on several cores: its threads listen on the same ports.
import { onAbort } from "../async/pause.ts";
import { type Calls, startThread, thread } from "../async/threads.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { openAll } from "../net/listen.ts";
import type { ListenOptions } from "../net/stream.ts";
import { TRANSPORTS } from "../net/transports.ts";
import type { Access } from "./access_control.ts";
import { ConnectionLimit } from "./connection_limit.ts";
import { addCounts } from "./counts.ts";
import { type FaultOptions, planFaults } from "./injection/plan.ts";
import { type Log, LOG_LEVELS, type LogFields, type LogLevel } from "./log.ts";
import { planServe, type ServeOptions, type ServePlan } from "./plan.ts";
import { serveHere, type Service, type Shared } from "./service.ts";

/** How many lines of the log the first thread writes before it serves its clients again. */
const BATCH = 50;

/** The most lines that wait; further ones are dropped. */
const MAX_LINES = 10_000;

interface ThreadPlan {
  readonly endpoints: readonly Endpoint[];
  readonly options: ServeOptions;
  readonly tls: ListenOptions["tls"];
  /** The memory of the `ConnectionLimit`. */
  readonly limit: SharedArrayBuffer;
  /** The levels that the log has. */
  readonly levels: readonly LogLevel[];
  readonly faults: FaultOptions;
  /** Whether to ask the first thread about each connection. */
  readonly hasAccessControl: boolean;
}

type Line = readonly [level: LogLevel, message: string, fields?: LogFields];

/** Functions that the other threads call. */
type FirstThread = Pick<Access, "enter" | "leave"> & {
  readonly log: (lines: readonly Line[]) => void;
};

/** Functions that the first thread calls. */
type ServerThread = ReturnType<typeof run>;

const serverThread = thread<FirstThread>("server", import.meta.url, run);

/** Runs in the thread. */
function run(first: Calls<FirstThread>) {
  const stopping = new AbortController();
  const lines: Line[] = [];
  let dropped = 0;
  let writing: Promise<void> | undefined;
  const access: Access = {
    enter: (from, on) => first.call("enter", from, on),
    leave: (from) => first.notify("leave", from),
  };
  const serving = Promise.withResolvers<Service>();

  async function writeLines(): Promise<void> {
    while (lines.length > 0) {
      await first.call("log", lines.splice(0, BATCH));
      if (lines.length > 0 || dropped === 0) continue;
      lines.push(["warn", "lines of the log were dropped", { lines: dropped }]);
      dropped = 0;
    }
    writing = undefined;
  }

  function logOf(levels: readonly LogLevel[]): Log {
    const log: Log = {};
    for (const level of levels) {
      log[level] = (message, fields) => {
        if (lines.length < MAX_LINES) lines.push([level, message, fields]);
        else dropped++;
        writing ??= writeLines();
      };
    }
    return log;
  }

  return {
    async serve({ endpoints, options, tls, limit, levels, faults, hasAccessControl }: ThreadPlan) {
      const plan = planServe({ ...options, log: logOf(levels) }, endpoints);
      plan.faults = planFaults(faults, endpoints);
      const opened = await openAll(endpoints, { ...plan, tls, sharing: "another" });
      serving.resolve(serveHere(opened, plan, {
        limit: new ConnectionLimit(plan.maxConnections, stopping.signal, limit),
        access: hasAccessControl ? access : undefined,
        stopping: stopping.signal,
      }));
    },
    counts: async () => await (await serving.promise).counts(),
    setFaults: async (set: FaultOptions) => await (await serving.promise).setFaults(set),
    stop: () => stopping.abort(),
    /** Returns the last counts when the last connection is closed. */
    async finish() {
      const service = await serving.promise;
      await service.finished;
      await writing;
      return await service.counts();
    },
  };
}

/** Whether several threads listen. Node's sockets (net/resettable.ts) cannot share a port. */
export function canBeShared({ scheme }: Endpoint, { workers, faults }: ServePlan): boolean {
  return workers > 1 && TRANSPORTS[scheme].canBeShared && !faults.resettable;
}

/**
 * Serves endpoints in other threads as well; the system spreads connections over them
 * (SO_REUSEPORT, socket(7)).
 *
 * @param endpoints those of this thread, with addresses and ports
 * @param options with a certificate; each thread makes its own plan of them
 * @returns once all of them listen
 * @throws {YodelError} where one cannot listen
 * @throws {ThreadError} where one cannot be started; `finished` rejects with it if one fails later
 */
export async function serveInThreads(
  endpoints: readonly Endpoint[],
  options: ServeOptions,
  { workers, log, faults }: ServePlan,
  { limit, access, stopping }: Shared,
): Promise<Service> {
  const { faults: given, seed: _, ...rest } = options;
  const plan: ThreadPlan = {
    endpoints,
    // A log and a signal cannot be sent to a thread.
    options: { ...rest, log: undefined, signal: undefined, tls: undefined },
    tls: options.tls,
    limit: limit.memory,
    faults: { faults: given, seed: faults.seed, numbers: faults.numbers },
    levels: LOG_LEVELS.filter((level) => log[level] !== undefined),
    hasAccessControl: access !== undefined,
  };
  const own: FirstThread = {
    enter: (from, on) => access?.enter(from, on) ?? true,
    leave: (from) => access?.leave(from),
    log: (lines) => lines.forEach(([level, ...line]) => log[level]?.(...line)),
  };
  const running: Disposable[] = [];
  const endAll = () => running.forEach((thread) => thread[Symbol.dispose]());

  async function serveInThread(): Promise<Service> {
    const thread = await startThread<ServerThread>(serverThread, own);
    running.push(thread);
    onAbort(stopping, () => thread.notify("stop"));
    await thread.call("serve", plan);
    const finished = thread.call("finish");
    // It may fail before it is awaited.
    finished.catch(() => {});
    // A thread that has finished no longer answers.
    return {
      finished,
      counts: () => thread.call("counts").catch(() => finished),
      setFaults: (set) => thread.call("setFaults", set).catch(() => finished),
    };
  }

  const started = await Promise.allSettled(Array.from({ length: workers - 1 }, serveInThread));
  const threads = started.map((one) => {
    if (one.status === "fulfilled") return one.value;
    endAll();
    throw one.reason;
  });
  return {
    finished: Promise.all(threads.map(({ finished }) => finished)).finally(endAll),
    counts: async () => (await Promise.all(threads.map((one) => one.counts()))).reduce(addCounts),
    setFaults: (set) => Promise.all(threads.map((one) => one.setFaults(set))),
  };
}
