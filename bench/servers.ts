// The servers that are compared: how each is built and started.
import { deno } from "../tests/program.ts";

export type Transport = "tcp" | "tls" | "unix" | "udp";

/** The version that npm is asked for. */
const BUN = "1.4.5";

/** A server: a program in bench/peers. */
export interface Server {
  readonly name: string;
  readonly title: string;
  /** Where it is, from bench/peers. */
  readonly file: string;
  /** What it runs on or is made by, and the command that prints its version. */
  readonly version: readonly [name: string, ...command: string[]];
  /** How many descriptors a connection takes, if not one. */
  readonly descriptors?: number;
  /** The command that makes `to` of its file. */
  build?(file: string, to: string): readonly string[];
  /** The command that starts it, before the arguments that say where it is to listen. */
  run(file: string, built: string, yodel: readonly string[]): readonly string[];
  /** Its arguments, if not TRANSPORT PORT-OR-PATH [CERT KEY]. */
  listen?(transport: Transport, where: string, ...identity: string[]): readonly string[];
}

/** What the others are compared with comes first, yodel last. */
export const SERVERS: readonly Server[] = [
  {
    name: "c",
    title: "C on epoll",
    file: "epoll.c",
    version: ["gcc", "gcc", "-dumpfullversion"],
    build: (file, to) => ["gcc", "-O2", "-o", to, file, "-lssl", "-lcrypto"],
    run: (_, built) => [built],
  },
  {
    name: "go",
    title: "Go",
    file: "goroutines.go",
    // io.Copy between sockets goes through a pipe in the kernel.
    descriptors: 3,
    version: ["Go", "go", "version"],
    build: (file, to) => ["go", "build", "-o", to, file],
    run: (_, built) => [built],
  },
  {
    name: "bun",
    title: "Bun",
    file: "bun.mjs",
    version: ["Bun", "echo", BUN],
    build: (_, to) => ["npm", "install", "--silent", "--prefix", to, `bun@${BUN}`],
    run: (file, built) => [`${built}/node_modules/.bin/bun`, file],
  },
  {
    name: "node",
    title: "Node",
    file: "node.mjs",
    version: ["Node", "node", "--version"],
    run: (file) => ["node", file],
  },
  {
    name: "deno",
    title: "bare Deno loop",
    file: "deno.ts",
    version: ["Deno", Deno.execPath(), "--version"],
    run: (file) => [...deno, "--unstable-net", file],
  },
  {
    name: "yodel",
    title: "yodel",
    file: "../../main.ts",
    version: ["Deno", Deno.execPath(), "--version"],
    run: (_file, _built, yodel) => [...yodel, "serve"],
    listen: (transport, where, cert, key) => [
      transport === "unix" ? `unix:${where}` : `${transport}://127.0.0.1:${where}`,
      ...["--log-level", "error"],
      ...cert !== undefined && key !== undefined ? ["--cert", cert, "--key", key] : [],
    ],
  },
];
