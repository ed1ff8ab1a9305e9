import { onAbort } from "../../async/pause.ts";
import { startThread, thread, ThreadError } from "../../async/threads.ts";
import { reason } from "../../errors/reason.ts";
import { YodelError } from "../../errors/yodel_error.ts";
import { type Endpoint, EndpointError } from "../../net/endpoint.ts";
import { dial } from "../../net/dial.ts";
import { DIAL_OPTIONS, type DialOptions } from "../../net/dial_options.ts";
import { hasConnections } from "../../net/transports.ts";
import { dialUdp } from "../../net/udp.ts";
import { checkNames } from "../../values/settings.ts";
import { generate } from "./generator.ts";
import {
  LOAD_DEFAULTS,
  type LoadPlan,
  type LoadSettings,
  planLoad,
  planWorkers,
  type WorkerPlan,
} from "./plan.ts";
import {
  addLoadResult,
  addProgress,
  emptyLoadResult,
  type EncodedLoadResult,
  type LoadProgress,
  type LoadResult,
  wholeIntervals,
} from "./result.ts";

/** Options of {@linkcode load}. */
export interface LoadOptions extends LoadSettings, DialOptions {
  /** Called five times a second, and at the end. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Ends the load; the result until then is returned. */
  readonly signal?: AbortSignal;
}

/**
 * Opens connections to an echo server, sends messages on them and compares what
 * comes back. Connections that end are replaced.
 *
 * @throws {EndpointError} if no connection can be opened
 * @throws {OptionError} if an option is wrong, or does not go with another
 * @throws {ThreadError} if a thread cannot be started
 * @throws {PackageError} if the library for latencies cannot be loaded
 */
export async function load(
  server: Endpoint | string,
  options: LoadOptions = {},
): Promise<LoadResult> {
  const { onProgress = () => {}, signal = new AbortController().signal, ...others } = options;
  checkNames(options, Object.keys(LOAD_DEFAULTS), DIAL_OPTIONS, ["onProgress", "signal"]);
  const plan = planLoad(server, options);
  const { endpoint, timeout } = plan;
  // Wait once, not on each connection. Functions cannot be sent to threads.
  const { wait, onRetry, ...dialOptions } = others;
  const plans = planWorkers(plan, dialOptions);
  if (wait) {
    const waiting = { ...dialOptions, wait, onRetry, timeout, signal };
    const opened = hasConnections(endpoint)
      ? dial(endpoint, waiting).then(({ conn }) => conn)
      : dialUdp(endpoint, () => {}, () => {}, waiting);
    await opened.then((opened) => opened.close(), (error) => {
      if (!signal.aborted) throw error;
    });
  }
  const [only] = plans;
  const result = only !== undefined && plans.length === 1
    ? await generate(only, onProgress, signal)
    : await generateInThreads(plan, plans, onProgress, signal);
  return { ...result, intervals: wholeIntervals(result.intervals, result.elapsed) };
}

/** What the thread calls. */
type LoadProgram = {
  /** Returns when all threads are ready. */
  readonly ready: () => Promise<void>;
  readonly progress: (progress: LoadProgress) => void;
};

/** What the program calls. */
type LoadThread = {
  readonly generate: (plan: WorkerPlan) => Promise<EncodedLoadResult>;
  readonly stop: () => void;
};

/** A thread that generates a part of a load. */
const loadThread = thread<LoadProgram>("load", import.meta.url, (program) => {
  const stop = new AbortController();
  const own: LoadThread = {
    async generate(plan) {
      const onProgress = (progress: LoadProgress) => program.notify("progress", progress);
      const ready = () => program.call("ready");
      const result = await generate(plan, onProgress, stop.signal, ready).catch((error) => {
        throw error instanceof EndpointError ? new YodelError(reason(error.cause)) : error;
      });
      const latencies = await result.latencies.encode();
      return { ...result, latencies, connects: await result.connects.encode() };
    },
    stop: () => stop.abort(),
  };
  return own;
});

/** Threads send when all have opened their connections, and none goes on if another fails. */
async function generateInThreads(
  load: LoadPlan,
  plans: readonly WorkerPlan[],
  onProgress: (progress: LoadProgress) => void,
  signal: AbortSignal,
): Promise<LoadResult> {
  const sum = await emptyLoadResult(load);
  let preparing = plans.length;
  const start = Promise.withResolvers<void>();
  const ready = () => {
    if (--preparing === 0) start.resolve();
    return start.promise;
  };
  const latest = plans.map(() => addProgress());
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const runs = plans.map(async (plan, index) => {
    const progress = (now: LoadProgress) => {
      latest[index] = now;
      // As often as by one thread.
      if (index === 0) onProgress(addProgress(latest));
    };
    try {
      const own: LoadProgram = { ready, progress };
      using thread = await startThread<LoadThread>(loadThread, own);
      using _stopping = onAbort(stop, () => thread.notify("stop"));
      return await thread.call("generate", plan);
    } catch (error) {
      failed.abort();
      if (error instanceof ThreadError || !(error instanceof YodelError)) throw error;
      throw new EndpointError("cannot connect to", load.endpoint, error.message);
    }
  });
  await Promise.allSettled(runs);
  onProgress(addProgress(latest));
  // Those of the threads are earlier.
  sum.started = new Date();
  for (const part of await Promise.all(runs)) await addLoadResult(sum, part);
  return sum;
}
