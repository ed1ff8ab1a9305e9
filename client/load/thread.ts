// A thread that generates a part of a load: see threads.ts.
import { thread, type ThreadModule } from "../../async/threads.ts";
import { reason } from "../../errors/reason.ts";
import { YodelError } from "../../errors/yodel_error.ts";
import { EndpointError } from "../../net/endpoint.ts";
import { generate } from "./generator.ts";
import type { WorkerPlan } from "./plan.ts";
import { type EncodedLoadResult, encodeLoadResult, type LoadProgress } from "./result.ts";

/** What the program calls. */
export type LoadThread = {
  /** Throws why it can open no connection. */
  readonly generate: (plan: WorkerPlan) => Promise<EncodedLoadResult>;
  readonly stop: () => void;
};

/** What the thread calls. */
export type LoadProgram = {
  /** Returns when all threads are ready. */
  readonly ready: () => Promise<void>;
  readonly progress: (progress: LoadProgress) => void;
};

/** The thread. */
export const loadThread: ThreadModule = thread<LoadProgram>("load", import.meta.url, (program) => {
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
