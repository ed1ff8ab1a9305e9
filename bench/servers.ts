// The servers that are compared: how each is built and started, and what it can do.
import { program } from "../tests/program.ts";

export type Transport = "tcp" | "tls" | "unix" | "udp";

const ALL: readonly Transport[] = ["tcp", "tls", "unix", "udp"];

/** The version that npm is asked for. */
const BUN = "1.4.5";

/** A server, and a program in bench/peers. */
export interface Server {
  readonly name: string;
  readonly title: string;
  /** Where it is, from bench/peers. */
  readonly file: string;
  /** The command without which it is left out. */
  readonly needs: string;
  /** What it runs on or is made by, and what prints its version. */
  readonly runtime: string;
  readonly version: readonly string[];
  readonly transports: readonly Transport[];
  /** On how many cores it is measured. */
  readonly cores: readonly (1 | 2)[];
  /** How many connections it can have, where each is a process; undefined where none is. */
  readonly most?: number;
  /** How many descriptors a connection takes, where it is not one. */
  readonly descriptors?: number;
  /** The command that makes `to` of its file. */
  build?(file: string, to: string): readonly string[];
  /** The command that starts it, before the arguments that say where it is to listen. */
  run(file: string, built: string): readonly string[];
  /** Its arguments, where they are not TRANSPORT PORT-OR-PATH [CERT KEY]. */
  listen?(on: Listening): readonly string[];
}

/** Where a server is to listen. */
export interface Listening {
  readonly transport: Transport;
  /** A port of 127.0.0.1, or a path. */
  readonly where: string;
  /** Files with a certificate and its key, for tls. */
  readonly identity: readonly string[];
}

/** What is compared with, first; yodel last. */
export const SERVERS: readonly Server[] = [
  {
    name: "c",
    title: "C on epoll",
    file: "epoll.c",
    needs: "gcc",
    runtime: "gcc",
    version: ["gcc", "-dumpfullversion"],
    transports: ALL,
    cores: [1, 2],
    build: (file, to) => ["gcc", "-O2", "-o", to, file, "-lssl", "-lcrypto"],
    run: (_, built) => [built],
  },
  {
    name: "go",
    title: "Go",
    file: "goroutines.go",
    needs: "go",
    // io.Copy between sockets goes through a pipe in the kernel.
    descriptors: 3,
    runtime: "Go",
    version: ["go", "version"],
    transports: ALL,
    cores: [1, 2],
    build: (file, to) => ["go", "build", "-o", to, file],
    run: (_, built) => [built],
  },
  {
    name: "bun",
    title: "Bun",
    file: "bun.mjs",
    needs: "npm",
    runtime: "Bun",
    version: ["echo", BUN],
    transports: ALL,
    cores: [1],
    build: (_, to) => ["npm", "install", "--silent", "--prefix", to, `bun@${BUN}`],
    run: (file, built) => [`${built}/node_modules/.bin/bun`, file],
  },
  {
    name: "node",
    title: "Node",
    file: "node.mjs",
    needs: "node",
    runtime: "Node",
    version: ["node", "--version"],
    transports: ALL,
    cores: [1],
    run: (file) => ["node", file],
  },
  ...["asyncio", "threads"].map((name): Server => ({
    name,
    title: `Python ${name}`,
    file: `python_${name}.py`,
    needs: "python3",
    runtime: "Python",
    version: ["python3", "--version"],
    transports: ALL,
    cores: [1],
    // What is in the PATH may be a script that looks for Python first, which takes time.
    build: (
      _,
      to,
    ) => ["python3", "-c", `import os, sys; os.symlink(sys.executable, ${JSON.stringify(to)})`],
    run: (file, built) => [built, file],
  })),
  {
    name: "socat",
    title: "socat",
    file: "socat.sh",
    needs: "socat",
    runtime: "socat",
    version: ["socat", "-V"],
    transports: ["tcp", "tls", "unix"],
    cores: [1],
    most: 50,
    run: (file) => ["sh", file],
  },
  {
    name: "ncat",
    title: "ncat",
    file: "ncat.sh",
    needs: "ncat",
    runtime: "ncat",
    version: ["sh", "-c", "ncat --version 2>&1"],
    transports: ["tcp", "tls"],
    cores: [1],
    most: 50,
    run: (file) => ["sh", file],
  },
  ...[1, 2].map((threads): Server => ({
    name: threads === 1 ? "yodel" : "yodel-2",
    title: threads === 1 ? "yodel" : `yodel --workers ${threads}`,
    file: "../../main.ts",
    needs: Deno.execPath(),
    runtime: "Deno",
    version: [Deno.execPath(), "--version"],
    transports: threads === 1 ? ALL : ["tcp", "tls"],
    cores: threads === 1 ? [1, 2] : [2],
    run: () => [...program, "serve", ...threads === 1 ? [] : ["--workers", String(threads)]],
    listen: ({ transport, where, identity: [cert, key] }) => [
      transport === "unix" ? `unix:${where}` : `${transport}://127.0.0.1:${where}`,
      ...["--log-level", "error"],
      ...cert !== undefined && key !== undefined ? ["--cert", cert, "--key", key] : [],
    ],
  })),
];
