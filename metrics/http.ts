/**
 * Metrics and health over HTTP.
 *
 * @module
 */
import { boundTo, formatHostPort, type HostEndpoint } from "../net/endpoint.ts";
import { openAtEach } from "../net/listen.ts";
import type { Metrics } from "./metrics.ts";

/** Metrics that can be asked for. */
export interface Exporter extends AsyncDisposable {
  /** Where they are; one URL for each address. */
  readonly urls: readonly string[];
}

/**
 * Answers `/metrics`, and `/healthz` with 200 or 503. In the end it disposes of the metrics too.
 *
 * @param isUp whether it is 200
 * @throws {EndpointError} where it cannot be listened on
 */
export async function exportMetrics(
  at: HostEndpoint<"tcp">,
  metrics: Metrics,
  isUp: () => boolean,
): Promise<Exporter> {
  async function answer({ url }: Request): Promise<Response> {
    switch (new URL(url).pathname) {
      case "/metrics":
        return await metrics.response();
      case "/healthz":
        return isUp() ? new Response("ok\n") : new Response("draining\n", { status: 503 });
      default:
        return new Response("there are /metrics and /healthz\n", { status: 404 });
    }
  }

  const opened = await openAtEach(at, (endpoint) => {
    const { host: hostname, port } = endpoint;
    const http = Deno.serve({ hostname, port, onListen() {} }, answer);
    return { endpoint: boundTo(endpoint, http.addr), close: () => http.shutdown() };
  });
  return {
    urls: opened.map(({ endpoint: { host, port } }) =>
      `http://${formatHostPort(host, port)}/metrics`
    ),
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((one) => one.close()));
      metrics[Symbol.dispose]();
    },
  };
}
