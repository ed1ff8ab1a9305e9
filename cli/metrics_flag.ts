import type { HostEndpoint } from "../net/endpoint.ts";
import { parseTcpEndpoint } from "../net/parse_endpoint.ts";
import { flag, group } from "./command.ts";
import type { ValueType } from "../values/value_types.ts";

export const address: ValueType<HostEndpoint<"tcp">> = {
  placeholder: "[HOST:]PORT",
  expected: "where to listen, such as 9115 or *:9115, PORT from 0 to 65535",
  parse: parseTcpEndpoint,
};

export const metricsFlag = group("Metrics", {
  "metrics": flag(address, "HTTP with /metrics and /healthz there"),
});
