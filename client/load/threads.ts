/**
 * A load on several threads.
 *
 * @module
 */
import { EndpointError } from "../../net/endpoint_error.ts";
import type { LoadPlan, WorkerPlan } from "./plan.ts";
import {
  addLoadResults,
  type EncodedLoadResult,
  type LoadProgress,
  type LoadResult,
} from "./result.ts";
import { YodelError } from "../../errors/yodel_error.ts";

const MODULE = new URL("./thread.ts", import.meta.url);

/** What a worker tells: that it is ready, how far it is, its result or why it has none. */
export type WorkerMessage =
  | "ready"
  | { progress: LoadProgress }
  | { result: EncodedLoadResult }
  | { failure: string };

/** A thread cannot be started, or fails. Its message is one line for people. */
export class ThreadError extends YodelError {
  override readonly name = "ThreadError";
}

/**
 * Runs each share of a load on a thread of its own, and adds up what they find.
 * They begin to send messages when all of them have opened their connections.
 *
 * @throws {EndpointError} where one of them can open no connection
 * @throws {ThreadError} where this program may not read the module of the threads
 */
export async function generateInThreads(
  load: LoadPlan,
  plans: readonly WorkerPlan[],
  onProgress: (progress: LoadProgress) => void,
  signal: AbortSignal,
): Promise<LoadResult> {
  await checkReadable(MODULE);
  let preparing = plans.length;
  const start = Promise.withResolvers<void>();
  const ready = () => {
    if (--preparing === 0) start.resolve();
    return start.promise;
  };
  const latest: LoadProgress[] = plans.map(() => ({
    connections: 0,
    elapsed: 0,
    right: 0,
    errors: 0,
  }));
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const runs = plans.map((plan, index) =>
    generateInThread(plan, stop, ready, (progress) => {
      latest[index] = progress;
      if (index > 0) return; // One of them sets the pace.
      onProgress({
        connections: latest.reduce((sum, { connections }) => sum + connections, 0),
        elapsed: progress.elapsed,
        right: latest.reduce((sum, { right }) => sum + right, 0),
        errors: latest.reduce((sum, { errors }) => sum + errors, 0),
      });
    }).catch((error) => {
      failed.abort();
      throw error;
    })
  );
  const done = await Promise.allSettled(runs);
  const results = done.map((run) => {
    if (run.status === "rejected") throw run.reason;
    return run.value;
  });
  return await addLoadResults(load, results);
}

async function generateInThread(
  plan: WorkerPlan,
  signal: AbortSignal,
  ready: () => Promise<void>,
  onProgress: (progress: LoadProgress) => void,
): Promise<EncodedLoadResult> {
  // The bundler of `deno compile` looks for just this form.
  const worker = new Worker(new URL("./thread.ts", import.meta.url), { type: "module" });
  const { port1: port, port2 } = new MessageChannel();
  const stop = () => port.postMessage("stop");
  try {
    return await new Promise<EncodedLoadResult>((resolve, reject) => {
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        reject(new ThreadError(`a thread failed: ${event.message}`));
      });
      port.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
        if (data === "ready") return void ready().then(() => port.postMessage("start"));
        if ("progress" in data) return onProgress(data.progress);
        if ("result" in data) return resolve(data.result);
        reject(new EndpointError("cannot connect to", plan.load.endpoint, data.failure));
      };
      worker.postMessage(plan, [port2]);
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
    });
  } finally {
    signal.removeEventListener("abort", stop);
    port.close();
    worker.terminate();
  }
}

/** Modules of a remote program are not files. */
async function checkReadable(module: URL): Promise<void> {
  if (module.protocol !== "file:") return;
  const { state } = await Deno.permissions.query({ name: "read", path: module });
  if (state === "granted") return;
  throw new ThreadError("cannot start a thread without --allow-read");
}
