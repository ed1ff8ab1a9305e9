/**
 * The flag for metrics, and what it starts.
 *
 * @module
 */
import { type HostEndpoint, parseEndpoint } from "../net/endpoint.ts";
import type { Kind } from "../values/kinds.ts";
import type { Exporter } from "../metrics/http.ts";
import type { Metrics } from "../metrics/metrics.ts";

const address: Kind<HostEndpoint<"tcp">> = {
  placeholder: "[HOST:]PORT",
  expected: "where to listen, such as 9115 or *:9115",
  parse(text) {
    const endpoint = parseEndpoint(text);
    return endpoint?.scheme === "tcp" ? endpoint : undefined;
  },
  format: ({ host, port }) => `${host}:${port}`,
};

/** Where metrics are to be. */
export const metricsFlag = {
  "metrics": {
    group: "Metrics",
    kind: address,
    help: "serve /metrics and /healthz over HTTP there",
  },
} as const;

/**
 * Serves metrics, and loads only now what that needs.
 *
 * @param at where; undefined: nowhere
 * @param isUp whether the program is in health
 * @throws {EndpointError} where it cannot be listened on
 * @throws {PackageError} where the library for them cannot be loaded
 */
export async function startMetrics(
  at: HostEndpoint<"tcp"> | undefined,
  version: string,
  isUp: () => boolean,
): Promise<Exporter & { metrics: Metrics } | undefined> {
  if (at === undefined) return undefined;
  const { createMetrics } = await import("../metrics/metrics.ts");
  const { exportMetrics } = await import("../metrics/http.ts");
  const metrics = await createMetrics(version);
  return { metrics, ...await exportMetrics(at, metrics, isUp) };
}
