// What a benchmark works with on this machine: what was built, in a folder that goes at the end.
import { root } from "../tests/program.ts";
import { type Group, output, start } from "./processes.ts";
import type { Listening, Server, Transport } from "./servers.ts";

/** How long a server may take until it listens, in milliseconds. */
const LISTENS_WITHIN = 10_000;

/** The file of a peer. */
export function peer(file: string): string {
  return `${root}bench/peers/${file}`;
}

/** A server that can be started here. */
export interface Ready {
  readonly server: Server;
  readonly version: string;
  readonly words: readonly string[];
}

/** A server that runs. */
export interface Running extends AsyncDisposable {
  readonly server: Server;
  readonly group: Group;
  /** Where it listens, as the generator is told. */
  readonly address: string;
}

/** Builds and starts servers. */
export class Lab {
  readonly #folder: string;
  #numbers = 0;

  /** @param folder where it may put what it makes */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Builds the generator, and makes a certificate.
   *
   * @throws {Error} where something is missing for that
   */
  async prepare(): Promise<void> {
    const source = `${root}bench/generator/generator.c`;
    await output(["gcc", "-O2", "-o", this.generator, source, "-lssl", "-lcrypto"], "0,1");
    const [cert = "", key = ""] = this.#identity;
    const kind = ["-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    await output([
      "openssl",
      "req",
      ...kind,
      "-subj",
      "/CN=localhost",
      "-keyout",
      key,
      "-out",
      cert,
    ], "0,1");
  }

  /** The generator, once it is built. */
  get generator(): string {
    return `${this.#folder}/generator`;
  }

  get #identity(): readonly string[] {
    return [`${this.#folder}/cert.pem`, `${this.#folder}/key.pem`];
  }

  /**
   * Builds a server.
   *
   * @throws {Error} where the machine has not what it needs
   */
  async build(server: Server): Promise<Ready> {
    await output([
      "sh",
      "-c",
      'command -v "$0" >/dev/null || { echo "$0 is missing" >&2; exit 1; }',
      server.needs,
    ], "0,1");
    const built = `${this.#folder}/${server.name}`;
    const file = peer(server.file);
    if (server.build !== undefined) await output(server.build(file, built), "0,1");
    const version = /\d+(?:\.\d+)+/.exec(await output(server.version, "0,1"))?.[0] ?? "";
    return { server, version, words: server.run(file, built) };
  }

  /** The command line of a server that listens somewhere new, and how the generator names that. */
  place({ server, words }: Ready, transport: Transport): { words: string[]; address: string } {
    const isUnix = transport === "unix";
    const where = isUnix ? `${this.#folder}/${this.#numbers++}.sock` : String(freePort());
    const on: Listening = { transport, where, identity: transport === "tls" ? this.#identity : [] };
    const rest = server.listen?.(on) ?? [transport, where, ...on.identity];
    return { words: [...words, ...rest], address: `${transport}:${where}` };
  }

  /**
   * Starts a server on `cpus`, and waits until it listens.
   *
   * @throws {Error} where it does not
   */
  async start(ready: Ready, transport: Transport, cpus: string): Promise<Running> {
    const { words, address } = this.place(ready, transport);
    const group = start(words, cpus);
    const end = performance.now() + LISTENS_WITHIN;
    const stderr = new Response(group.process.stderr).text();
    while (!await listens(address)) {
      if (!group.hasEnded() && performance.now() < end) continue;
      await group[Symbol.asyncDispose]();
      throw new Error(`it did not listen: ${(await stderr).trim().split("\n").at(-1)}`);
    }
    return {
      server: ready.server,
      group,
      address,
      [Symbol.asyncDispose]: () => group[Symbol.asyncDispose](),
    };
  }
}

/** Whether something listens there; where nothing does, after a while. */
async function listens(address: string): Promise<boolean> {
  const [transport = "", where = ""] = address.split(":");
  if (transport === "udp") {
    const sockets = await Deno.readTextFile("/proc/net/udp");
    if (sockets.includes(`:${Number(where).toString(16).toUpperCase().padStart(4, "0")} `)) {
      return true;
    }
  } else {
    try {
      const conn = transport === "unix"
        ? await Deno.connect({ transport: "unix", path: where })
        : await Deno.connect({ hostname: "127.0.0.1", port: Number(where) });
      conn.close();
      return true;
    } catch {
      // Not yet.
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  return false;
}

/** A port that nothing listens on, over TCP. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
