// A thread that generates a part of a load: see threads.ts.
import { thread, type ThreadModule } from "../../async/threads.ts";
import { reason } from "../../errors/reason.ts";
import { EndpointError } from "../../net/endpoint.ts";
import { generate } from "./generator.ts";
import type { WorkerPlan } from "./plan.ts";
import { type EncodedLoadResult, encodeLoadResult, type LoadProgress } from "./result.ts";

/** Messages to a thread: its plan, that all threads are ready, and to end. */
export type ToThread = { readonly plan: WorkerPlan } | "start" | "stop";

/** Messages from a thread. */
export type FromThread =
  | "ready"
  | { readonly progress: LoadProgress }
  | { readonly result: EncodedLoadResult }
  | { readonly failure: string };

/** The thread. */
export const loadThread: ThreadModule = thread<ToThread, FromThread>(
  "load",
  import.meta.url,
  (send) => {
    const start = Promise.withResolvers<void>();
    const stop = new AbortController();

    async function run(plan: WorkerPlan): Promise<void> {
      const ready = () => {
        send("ready");
        return start.promise;
      };
      try {
        const result = await generate(plan, (progress) => send({ progress }), stop.signal, ready);
        send({ result: await encodeLoadResult(result) });
      } catch (error) {
        if (!(error instanceof EndpointError)) throw error;
        send({ failure: reason(error.cause) });
      }
    }

    return (message) => {
      if (message === "start") start.resolve();
      else if (message === "stop") stop.abort();
      else run(message.plan);
    };
  },
);
