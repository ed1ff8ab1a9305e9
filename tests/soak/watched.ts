/** A server in a process of its own whose descriptors, memory and log are watched. Linux only. */
import { type Endpoint, parseEndpoint } from "../../server.ts";
import { until } from "../local.ts";
import { program, type RunningServer, startServer } from "../program.ts";

/** A line of its log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A server that is watched. */
export class Watched implements AsyncDisposable {
  readonly endpoints: readonly Endpoint[];
  readonly #server: RunningServer;

  private constructor(server: RunningServer) {
    this.#server = server;
    this.endpoints = server.endpoints.flatMap((text) => parseEndpoint(text) ?? []);
  }

  /** Starts one. Ctrl-C in a terminal does not reach it: what is to be done then, the soak says. */
  static async start(args: readonly string[]): Promise<Watched> {
    const serve = ["setsid", ...program, "serve", "--log-format", "json"];
    return new Watched(await startServer(args, serve));
  }

  /** Its endpoint for a transport. */
  endpoint(scheme: Endpoint["scheme"]): Endpoint {
    const found = this.endpoints.find((endpoint) => endpoint.scheme === scheme);
    if (found === undefined) throw new Error(`the server does not listen on ${scheme}`);
    return found;
  }

  /** How many descriptors it has open. */
  get descriptors(): number {
    return [...Deno.readDirSync(`/proc/${this.#pid}/fd`)].length;
  }

  /** How much memory it holds, in bytes. */
  get memory(): number {
    const status = Deno.readTextFileSync(`/proc/${this.#pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  get #pid(): number {
    return this.#server.process.pid;
  }

  /** Waits until it has no more descriptors open than it had; returns how many are too many. */
  async excess(before: number): Promise<number> {
    await until(() => this.descriptors <= before, "its descriptors are given back").catch(() => {});
    return Math.max(0, this.descriptors - before);
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#server.process.kill(signal);
  }

  /** Lets it have no more than so many descriptors; Infinity: as many as it may. */
  async limitDescriptors(limit: number): Promise<void> {
    const hard = /^Max open files\s+\d+\s+(\d+)/m.exec(
      await Deno.readTextFile(`/proc/${this.#pid}/limits`),
    )?.[1];
    const nofile = `--nofile=${limit === Infinity ? hard : limit}:`;
    const { success } = await new Deno.Command("prlimit", {
      args: ["--pid", String(this.#pid), nofile],
    }).output();
    if (!success) throw new Error(`prlimit ${nofile} failed`);
  }

  /** Ends it with SIGTERM, unless it was; returns its status, how long it took, and its log. */
  async end(): Promise<{ status: number; took: number; log: LogLine[] }> {
    const start = performance.now();
    this.kill("SIGTERM");
    const { code } = await this.#server.process.status;
    const took = performance.now() - start;
    const lines = (await this.#server.log).trimEnd().split("\n").filter((line) => line !== "");
    return { status: code, took, log: lines.map((line) => JSON.parse(line)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
