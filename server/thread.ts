// The part of a thread of a server that runs in the thread; threads.ts is the other one.
import type { Calls } from "../async/calls.ts";
import { thread, type ThreadModule } from "../async/threads.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { openAll } from "../net/listen.ts";
import type { ListenOptions } from "../net/stream.ts";
import type { Access } from "./access_control.ts";
import { ConnectionLimit } from "./connection_limit.ts";
import { type Line, LogQueue } from "./log_queue.ts";
import type { LogLevel } from "./log.ts";
import { planServe, type ServeOptions } from "./plan.ts";
import { serveHere, type Service } from "./service.ts";

export interface ThreadPlan {
  readonly endpoints: readonly Endpoint[];
  readonly options: ServeOptions;
  readonly tls: ListenOptions["tls"];
  /** The memory of the `ConnectionLimit`. */
  readonly limit: SharedArrayBuffer;
  /** The levels that the log has. */
  readonly levels: readonly LogLevel[];
  /** Whether to ask the first thread about each connection. */
  readonly hasAccessControl: boolean;
}

/** Functions that the other threads call. */
export type FirstThread = {
  readonly enter: Access["enter"];
  readonly leave: Access["leave"];
  readonly log: (lines: readonly Line[]) => void;
};

export const serverThread: ThreadModule = thread<FirstThread>("server", import.meta.url, run);

/** The functions that the first thread calls. */
export type ServerThread = ReturnType<typeof run>;

function run(first: Calls<FirstThread>) {
  const stopping = new AbortController();
  const queue = new LogQueue((lines) => first.call("log", lines));
  const access: Access = {
    enter: (from, on) => first.call("enter", from, on),
    leave: (from) => first.notify("leave", from),
  };
  const serving = Promise.withResolvers<Service>();
  return {
    async serve({ endpoints, options, tls, limit, levels, hasAccessControl }: ThreadPlan) {
      const plan = planServe({ ...options, log: queue.logOf(levels) }, endpoints);
      const opened = await openAll(endpoints, { ...plan, tls, sharing: "another" });
      serving.resolve(serveHere(opened, plan, {
        limit: new ConnectionLimit(plan.maxConnections, stopping.signal, limit),
        access: hasAccessControl ? access : undefined,
        stopping: stopping.signal,
      }));
    },
    counts: async () => await (await serving.promise).counts(),
    stop: () => stopping.abort(),
    /** Returns the last counts when the last connection is closed. */
    async finish() {
      const service = await serving.promise;
      await service.finished;
      await queue.flush();
      return await service.counts();
    },
  };
}
