/** A server in a process of its own whose descriptors, memory and log are watched. Linux only. */
import { type Endpoint, parseEndpoint } from "../../server.ts";
import { descriptorsOf, until } from "../machine.ts";
import { freePort } from "../local.ts";
import { program, run, type RunningServer, startServer } from "../program.ts";
import { certFile, folder, keyFile } from "../servers.ts";

const identity = ["--cert", certFile, "--key", keyFile];
let sockets = 0;

/** A line of its log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A server that is watched. */
export interface Watched extends RunningServer {
  readonly pid: number;
  /** The port of its metrics. */
  readonly metrics: number;
  /** Its endpoint for a transport. */
  endpoint(scheme: Endpoint["scheme"]): Endpoint;
  /** Waits until it has no more descriptors open than before; returns how many are too many. */
  excess(before: number): Promise<number>;
  /** Limits its descriptors; Infinity: to as many as it may have. */
  limitDescriptors(limit: number): Promise<void>;
  /** Ends it with SIGTERM; returns its status, how long it took, and its log. */
  end(): Promise<{ status: number; took: number; log: LogLine[] }>;
}

/** Starts one, which Ctrl-C in a terminal does not reach. */
export async function startWatched(
  schemes: readonly Endpoint["scheme"][],
  flags: readonly string[] = [],
): Promise<Watched> {
  const endpoints = schemes.map((scheme) =>
    scheme === "unix" ? `unix:${folder}/soak-${++sockets}.sock` : `${scheme}://127.0.0.1:0`
  );
  const tls = schemes.includes("tls") ? identity : [];
  const metrics = freePort();
  const serve = ["setsid", ...program, "serve", "--log-format", "json", "--metrics", `${metrics}`];
  const server = await startServer([...endpoints, ...tls, ...flags], serve);
  const { process } = server;
  const { pid } = process;
  return {
    ...server,
    pid,
    metrics,
    endpoint(scheme) {
      const found = server.endpoints.map(parseEndpoint).find((one) => one?.scheme === scheme);
      if (found === undefined) throw new Error(`the server does not listen on ${scheme}`);
      return found;
    },
    async excess(before) {
      await until(() => descriptorsOf(pid) <= before, "descriptors are given back").catch(() => {});
      return Math.max(0, descriptorsOf(pid) - before);
    },
    async limitDescriptors(limit) {
      const limits = await Deno.readTextFile(`/proc/${pid}/limits`);
      const hard = /^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1];
      const nofile = `--nofile=${limit === Infinity ? hard : limit}:`;
      const { code } = await run(["prlimit", "--pid", String(pid), nofile]);
      if (code !== 0) throw new Error(`prlimit ${nofile} failed`);
    },
    async end() {
      const start = performance.now();
      process.kill("SIGTERM");
      const { code } = await process.status;
      const took = performance.now() - start;
      const lines = (await server.log).trimEnd().split("\n").filter((line) => line !== "");
      return { status: code, took, log: lines.map((line) => JSON.parse(line)) };
    },
  };
}
