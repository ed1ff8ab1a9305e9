// A server on several cores: threads that listen on the same ports.
import { aborted, pause } from "../async/pause.ts";
import { startThread } from "../async/threads.ts";
import { YodelError } from "../errors/yodel_error.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { addCounts, type ServiceCounts } from "./counts.ts";
import { LOG_LEVELS } from "./log.ts";
import type { ServeOptions, ServePlan } from "./plan.ts";
import type { Service, Shared } from "./service.ts";
import {
  type FromThread,
  serverThread,
  type ThreadLine,
  type ThreadPlan,
  type ToThread,
} from "./thread.ts";
import { TRANSPORTS } from "../net/transports.ts";

/**
 * Of what other threads log so many lines are said at once, and then this one looks after its
 * clients for so many milliseconds: they can log more than it could say and still serve.
 */
const LINES = 50;
const BREATH = 1;

/**
 * Whether the system is to spread over several threads what comes at an endpoint.
 * A Unix socket has one listener; Deno 2.9 does not share the port of one for
 * datagrams, nor Node's sockets (net/resettable.ts) that of theirs.
 */
export function canBeShared({ scheme }: Endpoint, { workers, faults }: ServePlan): boolean {
  return workers > 1 && TRANSPORTS[scheme].canBeShared && !faults?.resets;
}

/**
 * Serves endpoints in other threads as well, until there are as many as are
 * wanted; the system spreads connections over them (SO_REUSEPORT, socket(7)).
 *
 * @param endpoints what this thread listens on, with addresses and ports
 * @param options what the threads make their own plan of, with a certificate
 * @returns once all of them listen
 * @throws {YodelError} where one cannot listen
 * @throws {ThreadError} where one cannot be started; `finished` rejects with it
 *   where one fails later
 */
export async function serveInThreads(
  endpoints: readonly Endpoint[],
  options: ServeOptions,
  { workers, log, faults }: ServePlan,
  { limit, access, stopping }: Shared,
): Promise<Service> {
  const { tls } = options;
  const plan: ThreadPlan = {
    endpoints,
    // What cannot be sent to a thread, and what it does not have to make again.
    options: { ...options, seed: faults?.seed, log: undefined, signal: undefined, tls: undefined },
    tls,
    limit: limit.memory,
    lines: new SharedArrayBuffer(4),
    levels: LOG_LEVELS.filter((level) => log[level] !== undefined),
    hasAccessControl: access !== undefined,
  };
  const onTheirWay = new Int32Array(plan.lines);
  const lines: ThreadLine[] = [];
  let saying: Promise<void> | undefined;
  async function say(): Promise<void> {
    do {
      const some = lines.splice(0, LINES);
      for (const { level, message, fields } of some) log[level]?.(message, fields);
      Atomics.sub(onTheirWay, 0, some.length);
      await pause(BREATH);
    } while (lines.length > 0);
    saying = undefined;
  }
  const running: Disposable[] = [];
  const endAll = () => running.forEach((thread) => thread[Symbol.dispose]());

  async function serveInThread(): Promise<Service> {
    const asked: ((counts: ServiceCounts | Promise<ServiceCounts>) => void)[] = [];
    const serving = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<ServiceCounts>();
    const thread = await startThread<ToThread, FromThread>(serverThread, async (message) => {
      if (message === "serving") serving.resolve();
      else if ("failure" in message) serving.reject(new YodelError(message.failure));
      else if ("counts" in message) asked.shift()?.(message.counts);
      else if ("finished" in message) ended.resolve(message.finished);
      else if ("leaves" in message) access?.leave(message.leaves);
      else if ("enters" in message) {
        const isWelcome = await access?.enter(message.enters, message.on) ?? true;
        thread.send({ isWelcome });
      } else {
        lines.push(message);
        saying ??= say();
      }
    });
    running.push(thread);
    thread.send({ plan });
    aborted(stopping).then(() => thread.send("stop"));
    const finished = Promise.race([ended.promise, thread.failed]);
    let isOver = false;
    // Not a race for each count: the promises that last would keep all that were made with them.
    const over = () => {
      isOver = true;
      for (const answer of asked.splice(0)) answer(finished);
    };
    finished.then(over, over);
    await Promise.race([serving.promise, thread.failed]);
    return {
      finished,
      counts() {
        if (isOver) return finished;
        thread.send("count");
        return new Promise((resolve) => asked.push(resolve));
      },
    };
  }

  const started = await Promise.allSettled(Array.from({ length: workers - 1 }, serveInThread));
  const threads = started.map((one) => {
    if (one.status === "fulfilled") return one.value;
    endAll();
    throw one.reason;
  });
  return {
    finished: Promise.all(threads.map(({ finished }) => finished)).then(() => saying)
      .finally(endAll),
    counts: async () => (await Promise.all(threads.map((one) => one.counts()))).reduce(addCounts),
  };
}
