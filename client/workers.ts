/**
 * A load on several threads.
 *
 * @module
 */
import { EndpointError } from "../net/error.ts";
import { createLatencies, type EncodedLatencies, type Latencies } from "../report/latencies.ts";
import { LOAD_ERROR_KINDS, type LoadProgress, type LoadResult } from "../report/results.ts";
import type { Share } from "./generator.ts";

/** A result on its way between threads. */
export type EncodedResult =
  & Omit<LoadResult, "latencies" | "connects">
  & { latencies: EncodedLatencies; connects: EncodedLatencies };

/** What a worker tells: how far it is, and in the end its result or why it has none. */
export type WorkerMessage =
  | { progress: LoadProgress }
  | { result: EncodedResult }
  | { failure: string };

/**
 * Runs each share of a load on a thread of its own, and adds up what they find.
 *
 * @throws {EndpointError} where one of them can open no connection
 */
export async function runInWorkers(
  shares: readonly Share[],
  onProgress: (progress: LoadProgress) => void,
  signal: AbortSignal,
): Promise<LoadResult> {
  const latest: LoadProgress[] = shares.map(() => ({
    connections: 0,
    elapsed: 0,
    right: 0,
    errors: 0,
  }));
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const runs = shares.map((share, index) =>
    runInWorker(share, stop, (progress) => {
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
  return await sum(results);
}

async function runInWorker(
  share: Share,
  signal: AbortSignal,
  onProgress: (progress: LoadProgress) => void,
): Promise<EncodedResult> {
  const worker = new Worker(new URL("./load_worker.ts", import.meta.url), { type: "module" });
  const { port1: port, port2 } = new MessageChannel();
  const stop = () => port.postMessage("stop");
  try {
    return await new Promise<EncodedResult>((resolve, reject) => {
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        reject(new Error(`a worker failed: ${event.message}`));
      });
      port.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
        if ("progress" in data) return onProgress(data.progress);
        if ("result" in data) return resolve(data.result);
        reject(new EndpointError("cannot connect to", share.endpoint, data.failure));
      };
      worker.postMessage(share, [port2]);
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
    });
  } finally {
    signal.removeEventListener("abort", stop);
    port.close();
    worker.terminate();
  }
}

async function sum(results: readonly EncodedResult[]): Promise<LoadResult> {
  const add = (figure: (result: EncodedResult) => number) =>
    results.reduce((sum, result) => sum + figure(result), 0);
  const errors = LOAD_ERROR_KINDS.map((kind) => [kind, add((result) => result.errors[kind])]);
  return {
    started: new Date(Math.min(...results.map(({ started }) => started.getTime()))),
    elapsed: Math.max(...results.map(({ elapsed }) => elapsed)),
    messages: {
      sent: add(({ messages }) => messages.sent),
      right: add(({ messages }) => messages.right),
      failed: add(({ messages }) => messages.failed),
      waiting: add(({ messages }) => messages.waiting),
      missed: add(({ messages }) => messages.missed),
    },
    bytes: {
      sent: add(({ bytes }) => bytes.sent),
      received: add(({ bytes }) => bytes.received),
    },
    connections: add(({ connections }) => connections),
    errors: Object.fromEntries(errors),
    examples: results.flatMap(({ examples }) => examples),
    latencies: await addUp(results.map(({ latencies }) => latencies)),
    connects: await addUp(results.map(({ connects }) => connects)),
  };
}

async function addUp(parts: readonly EncodedLatencies[]): Promise<Latencies> {
  const all = await createLatencies();
  for (const part of parts) await all.add(part);
  return all;
}
