// Builds and starts what a benchmark measures on this machine, in a folder that is removed at the end.
import { programOf, root } from "../tests/program.ts";
import { output, start } from "./processes.ts";
import type { Server, Transport } from "./servers.ts";

/** How long a server may take until it listens, in milliseconds. */
const LISTENS_WITHIN = 10_000;

/** A server that can be started here. */
export interface Ready {
  readonly server: Server;
  /** The version of its runtime, by the name of that. */
  readonly versions: Record<string, string>;
  readonly words: readonly string[];
  /** How many threads accept connections, each with a socket of its own, if not one. */
  readonly threads?: number;
}

/** A server that runs. */
export interface Running extends AsyncDisposable {
  readonly process: Deno.ChildProcess;
  /** Where it listens, as the generator gets it. */
  readonly address: string;
}

/** For how long each figure is measured, in seconds, after a warm-up. */
export interface Plan {
  readonly warmUp: number;
  readonly seconds: number;
}

/** One program at one kind of work. */
export interface Turn {
  readonly program: string;
  readonly work: string;
  /** Measures, and returns what it found by the names of figures. */
  take(): Promise<Record<string, number>>;
}

/** Builds and starts servers. */
export class Lab {
  #numbers = 0;

  /** @param folder where it may put what it makes */
  constructor(private readonly folder: string) {}

  /** Builds the generator and yodel, and makes a certificate. */
  async prepare(): Promise<void> {
    const source = `${root}bench/generator/generator.c`;
    await output(["gcc", "-O2", "-o", this.#generator, source, "-lssl", "-lcrypto"], "0,1");
    await output([Deno.execPath(), "task", "--quiet", "bundle", this.#bundle], "0,1");
    const [cert = "", key = ""] = this.#identity;
    const kind = ["-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    const files = ["-keyout", key, "-out", cert];
    await output(["openssl", "req", ...kind, "-subj", "/CN=localhost", ...files], "0,1");
  }

  get #generator(): string {
    return `${this.folder}/generator`;
  }

  get #bundle(): string {
    return `${this.folder}/yodel.js`;
  }

  /** Has the generator do something with a server, and returns what it prints. */
  async generate(
    mode: string,
    { process, address }: Running,
    ...numbers: number[]
  ): Promise<Record<string, number>> {
    const words = [process.pid, address, ...numbers].map(String);
    return JSON.parse(await output([this.#generator, mode, ...words], "1"));
  }

  /** The command line that starts yodel. */
  get program(): string[] {
    return programOf(this.#bundle);
  }

  get #identity(): readonly string[] {
    return [`${this.folder}/cert.pem`, `${this.folder}/key.pem`];
  }

  /**
   * Builds a server.
   *
   * @throws {Error} where the machine has not what it needs
   */
  async build(server: Server): Promise<Ready> {
    const built = `${this.folder}/${server.name}`;
    const file = `${root}bench/peers/${server.file}`;
    if (server.build !== undefined) await output(server.build(file, built), "0,1");
    const [runtime, ...command] = server.version;
    const version = /\d+(?:\.\d+)+/.exec(await output(command, "0,1"))?.[0] ?? "";
    const words = server.run(file, built, this.program);
    return { server, versions: { [runtime]: version }, words };
  }

  /** The command line of a server that listens somewhere new, and how the generator names that. */
  #place({ server, words }: Ready, transport: Transport): { words: string[]; address: string } {
    const isUnix = transport === "unix";
    const where = isUnix ? `${this.folder}/${this.#numbers++}.sock` : String(freePort());
    const on = [transport, where, ...transport === "tls" ? this.#identity : []] as const;
    const rest = server.listen?.(...on) ?? on;
    return { words: [...words, ...rest], address: `${transport}:${where}` };
  }

  /**
   * Starts a server on `cpus`, and waits until all its threads listen.
   *
   * @throws {Error} where it does not
   */
  async start(ready: Ready, transport: Transport, cpus = "0"): Promise<Running> {
    const { words, address } = this.#place(ready, transport);
    const started = start(words, cpus);
    const { process } = started;
    const stderr = new Response(process.stderr).text();
    const end = performance.now() + LISTENS_WITHIN;
    while (!await listens(address, ready.threads)) {
      if (!started.hasEnded() && performance.now() < end) continue;
      await started[Symbol.asyncDispose]();
      throw new Error(`it did not listen: ${(await stderr).trim().split("\n").at(-1)}`);
    }
    return { process, address, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() };
  }
}

/** Whether so many sockets listen there; if not, after a while. */
async function listens(address: string, threads = 1): Promise<boolean> {
  const [transport, where = ""] = address.split(":");
  const port = Number(where);
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  if (transport === "udp" || threads > 1) {
    // 07 is the state of a UDP socket, and 0A that of a listener.
    const sockets = await Deno.readTextFile(`/proc/net/${transport === "udp" ? "udp" : "tcp"}`);
    const own = new RegExp(`:${hex} 00000000:0000 (07|0A) `, "g");
    if ((sockets.match(own)?.length ?? 0) >= threads) return true;
  } else {
    const conn = transport === "unix"
      ? Deno.connect({ transport: "unix", path: where })
      : Deno.connect({ hostname: "127.0.0.1", port });
    if (await conn.then((conn) => (conn.close(), true), () => false)) return true;
  }
  await new Promise((resolve) => setTimeout(resolve, 1));
  return false;
}

/** A port that nothing listens on, over TCP. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
