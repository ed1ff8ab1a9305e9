/**
 * A thread that generates a part of a load: see threads.ts.
 *
 * @module
 */
import { reason } from "../../errors/reason.ts";
import { EndpointError } from "../../net/endpoint_error.ts";
import { generate } from "./generator.ts";
import { encodeLoadResult } from "./result.ts";
import type { WorkerMessage } from "./threads.ts";

addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const [port] = event.ports;
  if (port === undefined) return;
  const tell = (message: WorkerMessage) => port.postMessage(message);
  const start = Promise.withResolvers<void>();
  const stop = new AbortController();
  port.onmessage = ({ data }) => data === "start" ? start.resolve() : stop.abort();
  const ready = () => {
    tell("ready");
    return start.promise;
  };
  generate(event.data, (progress) => tell({ progress }), stop.signal, ready)
    .then(async (result) => tell({ result: await encodeLoadResult(result) }))
    .catch((error) => {
      if (!(error instanceof EndpointError)) throw error;
      tell({ failure: reason(error.cause) });
    });
});
