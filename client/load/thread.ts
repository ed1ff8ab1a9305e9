// A thread that generates a part of a load: see threads.ts.
import { listen } from "../../async/threads.ts";
import { reason } from "../../errors/reason.ts";
import { EndpointError } from "../../net/endpoint.ts";
import { generate } from "./generator.ts";
import type { WorkerPlan } from "./plan.ts";
import { type EncodedLoadResult, encodeLoadResult, type LoadProgress } from "./result.ts";

/** What a thread is told: what to do, when all are ready, and to end. */
export type ToThread = { readonly plan: WorkerPlan } | "start" | "stop";

/** What it tells: that it is ready, how far it is, its result or why it has none. */
export type FromThread =
  | "ready"
  | { readonly progress: LoadProgress }
  | { readonly result: EncodedLoadResult }
  | { readonly failure: string };

const start = Promise.withResolvers<void>();
const stop = new AbortController();

const tell = listen<ToThread, FromThread>((message) => {
  if (message === "start") start.resolve();
  else if (message === "stop") stop.abort();
  else run(message.plan);
});

async function run(plan: WorkerPlan): Promise<void> {
  const ready = () => {
    tell("ready");
    return start.promise;
  };
  try {
    const result = await generate(plan, (progress) => tell({ progress }), stop.signal, ready);
    tell({ result: await encodeLoadResult(result) });
  } catch (error) {
    if (!(error instanceof EndpointError)) throw error;
    tell({ failure: reason(error.cause) });
  }
}
