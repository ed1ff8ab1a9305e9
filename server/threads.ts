// A server on several cores: several threads listen on the same ports.
import { onAbort } from "../async/pause.ts";
import { startThread } from "../async/threads.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { TRANSPORTS } from "../net/transports.ts";
import { addCounts } from "./counts.ts";
import { LOG_LEVELS } from "./log.ts";
import type { ServeOptions, ServePlan } from "./plan.ts";
import type { Service, Shared } from "./service.ts";
import { type FirstThread, type ServerThread, serverThread, type ThreadPlan } from "./thread.ts";

/** Whether several threads listen. Node's sockets (net/resettable.ts) cannot share a port. */
export function canBeShared({ scheme }: Endpoint, { workers, faults }: ServePlan): boolean {
  return workers > 1 && TRANSPORTS[scheme].canBeShared && !faults?.resets;
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
  const plan: ThreadPlan = {
    endpoints,
    // A log and a signal cannot be sent to a thread.
    options: { ...options, seed: faults?.seed, log: undefined, signal: undefined, tls: undefined },
    tls: options.tls,
    limit: limit.memory,
    levels: LOG_LEVELS.filter((level) => log[level] !== undefined),
    hasAccessControl: access !== undefined,
  };
  const own: FirstThread = {
    enter: (from, on) => access?.enter(from, on) ?? true,
    leave: (from) => access?.leave(from),
    log(lines) {
      for (const { level, message, fields } of lines) log[level]?.(message, fields);
    },
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
    return { finished, counts: () => thread.call("counts").catch(() => finished) };
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
  };
}
