// A thread that serves a part of the connections: see threads.ts.
import { thread, type ThreadModule } from "../async/threads.ts";
import { YodelError } from "../errors/yodel_error.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { openAll } from "../net/listen.ts";
import type { ListenOptions } from "../net/stream.ts";
import type { ServiceCounts } from "./counts.ts";
import type { Access } from "./access_control.ts";
import type { Log, LogFields, LogLevel } from "./log.ts";
import { ConnectionLimit } from "./connection_limit.ts";
import { planServe, type ServeOptions } from "./plan.ts";
import { serveHere, type Service } from "./service.ts";

/** What a thread has to do. */
export interface ThreadPlan {
  /** With their addresses and ports. */
  readonly endpoints: readonly Endpoint[];
  readonly options: ServeOptions;
  readonly tls: ListenOptions["tls"];
  /** Where {@linkcode ConnectionLimit} are. */
  readonly limit: SharedArrayBuffer;
  /** How many lines of the log are on their way, one number of 32 bits. */
  readonly lines: SharedArrayBuffer;
  /** The lines that somebody wants to read. */
  readonly levels: readonly LogLevel[];
  /** Whether the first thread has to be asked for each connection. */
  readonly hasAccessControl: boolean;
}

/** What it is told: what to do, who is let in, to count, and to end. */
export type ToThread =
  | { readonly plan: ThreadPlan }
  | { readonly isWelcome: boolean }
  | "count"
  | "stop";

/** A line of its log. */
export interface ThreadLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: LogFields;
}

/** What it tells. Who enters, and what it counts, is answered in the order of the questions. */
export type FromThread =
  | "serving"
  | { readonly failure: string }
  | ThreadLine
  | { readonly enters: Deno.Addr; readonly on: Endpoint }
  | { readonly leaves: Deno.Addr }
  | { readonly counts: ServiceCounts }
  | { readonly finished: ServiceCounts };

/**
 * So many lines may be on their way to a log that is slower than this thread; more are dropped,
 * until half of them are written: a line tells of many.
 */
const MAX_LINES = 10_000;

/** The thread. */
export const serverThread: ThreadModule = thread<ToThread, FromThread>(
  "server",
  import.meta.url,
  (tell) => {
    const stopping = new AbortController();
    const asked: ((isWelcome: boolean) => void)[] = [];
    let service: Service | undefined;

    /** Asks the thread that counts the clients of all. */
    const access: Access = {
      enter(enters, on) {
        tell({ enters, on });
        return new Promise((resolve) => asked.push(resolve));
      },
      leave: (leaves) => tell({ leaves }),
    };

    async function run(plan: ThreadPlan): Promise<void> {
      const { endpoints, options, tls, hasAccessControl } = plan;
      const { log, sayDropped } = logOf(plan, tell);
      const serverPlan = planServe({ ...options, log }, endpoints);
      try {
        const opened = await openAll(endpoints, { ...serverPlan, tls, sharing: "another" });
        service = serveHere(opened, serverPlan, {
          limit: new ConnectionLimit(serverPlan.maxConnections, stopping.signal, plan.limit),
          access: hasAccessControl ? access : undefined,
          stopping: stopping.signal,
        });
      } catch (error) {
        if (!(error instanceof YodelError)) throw error;
        return tell({ failure: error.message });
      }
      tell("serving");
      await service.finished;
      sayDropped();
      tell({ finished: await service.counts() });
    }

    return async (message) => {
      if (message === "stop") stopping.abort();
      else if (message === "count") {
        if (service !== undefined) tell({ counts: await service.counts() });
      } else if ("isWelcome" in message) asked.shift()?.(message.isWelcome);
      else await run(message.plan);
    };
  },
);

/** Leaves the writing to the main thread; what was dropped since can be said at any time. */
function logOf(
  { levels, lines }: ThreadPlan,
  tell: (message: FromThread) => void,
): { readonly log: Log; sayDropped(): void } {
  const waiting = new Int32Array(lines);
  let dropped = 0;
  const log: Log = {};
  const send = (level: LogLevel, message: string, fields?: LogFields) => {
    Atomics.add(waiting, 0, 1);
    tell({ level, message, fields });
  };
  const sayDropped = () => {
    if (dropped > 0) send("warn", "lines of the log were dropped", { lines: dropped });
    dropped = 0;
  };
  for (const level of levels) {
    log[level] = (message, fields) => {
      const most = dropped > 0 ? MAX_LINES / 2 : MAX_LINES;
      if (Atomics.load(waiting, 0) > most) return void dropped++;
      sayDropped();
      send(level, message, fields);
    };
  }
  return { log, sayDropped };
}
