// A load on several threads.
import { onAbort } from "../../async/pause.ts";
import { startThread, ThreadError } from "../../async/threads.ts";
import { EndpointError } from "../../net/endpoint.ts";
import type { LoadPlan, WorkerPlan } from "./plan.ts";
import {
  addLoadResults,
  addProgress,
  emptyLoadResult,
  type EncodedLoadResult,
  type LoadProgress,
  type LoadResult,
} from "./result.ts";
import { type LoadProgram, type LoadThread, loadThread } from "./thread.ts";

/**
 * Runs each part of a load in a thread, and adds up the results. Messages are sent once all threads
 * have opened their connections.
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
