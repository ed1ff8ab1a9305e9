import { onAbort } from "../../async/pause.ts";
import { startThread, thread, ThreadError, type ThreadModule } from "../../async/threads.ts";
import { reason } from "../../errors/reason.ts";
import { YodelError } from "../../errors/yodel_error.ts";
import { EndpointError } from "../../net/endpoint.ts";
import { generate } from "./generator.ts";
import type { LoadPlan, WorkerPlan } from "./plan.ts";
import {
  addLoadResults,
  addProgress,
  emptyLoadResult,
  type EncodedLoadResult,
  encodeLoadResult,
  type LoadProgress,
  type LoadResult,
} from "./result.ts";

/** What the program calls. */
type LoadThread = {
  readonly generate: (plan: WorkerPlan) => Promise<EncodedLoadResult>;
  readonly stop: () => void;
};

/** What the thread calls. */
type LoadProgram = {
  /** Returns when all threads are ready. */
  readonly ready: () => Promise<void>;
  readonly progress: (progress: LoadProgress) => void;
};

/** A thread that generates a part of a load. */
const loadThread: ThreadModule = thread<LoadProgram>("load", import.meta.url, (program) => {
  const stop = new AbortController();
  const own: LoadThread = {
    async generate(plan) {
      const onProgress = (progress: LoadProgress) => program.notify("progress", progress);
      const ready = () => program.call("ready");
      const result = await generate(plan, onProgress, stop.signal, ready).catch((error) => {
        throw error instanceof EndpointError ? new YodelError(reason(error.cause)) : error;
      });
      return await encodeLoadResult(result);
    },
    stop: () => stop.abort(),
  };
  return own;
});

/**
 * Runs each part of a load in a thread, and adds up the results. No thread sends before all have
 * opened their connections.
 *
 * @throws {EndpointError} if one of them can open no connection
 * @throws {ThreadError} if a thread cannot be started, or fails
 */
export async function generateInThreads(
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
  const running = new Set(plans.keys());
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const runs = plans.map((plan, index) =>
    generateInThread(plan, stop, ready, (progress) => {
      latest[index] = progress;
      // Reported as often as by one thread.
      const [first] = running;
      if (index === first) onProgress(addProgress(latest));
    }).catch((error) => {
      failed.abort();
      throw error;
    }).finally(() => running.delete(index))
  );
  await Promise.allSettled(runs); // No thread goes on after another has failed.
  onProgress(addProgress(latest));
  return await addLoadResults(sum, await Promise.all(runs));
}

async function generateInThread(
  plan: WorkerPlan,
  signal: AbortSignal,
  ready: () => Promise<void>,
  onProgress: (progress: LoadProgress) => void,
): Promise<EncodedLoadResult> {
  const own: LoadProgram = { ready, progress: onProgress };
  using thread = await startThread<LoadThread>(loadThread, own);
  using _stopping = onAbort(signal, () => thread.notify("stop"));
  return await thread.call("generate", plan).catch((error) => {
    if (error instanceof ThreadError) throw error;
    throw new EndpointError("cannot connect to", plan.load.endpoint, error.message);
  });
}
