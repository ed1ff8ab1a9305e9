/** TLS: handshakes that do not come to an end, certificates that are refused, and what is given back. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect as dialNode } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { ping } from "../client.ts";
import { serve } from "../server.ts";
import { finish } from "./loads.ts";
import {
  collect,
  dialPort,
  linux,
  type LogLine,
  PATIENT,
  portOf,
  until,
  writeAll,
} from "./local.ts";
import { runHere } from "./in_process.ts";
import { available, program, run, shell, startServer, yodel } from "./program.ts";
import { ca, caFile, cert, folder, key, startEcho } from "./servers.ts";

const openssl = { ignore: !available("openssl") };

/** How many descriptors a process has open. */
function descriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** Waits until the other end has closed a connection. */
async function closed(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  while (await conn.read(buffer).catch(() => null) !== null);
}

Deno.test(
  "clients that never begin their handshake are let go, and no more of them than the limit are held",
  { ignore: !linux },
  async () => {
    await using server = await startServer([
      ...["tls://127.0.0.1:0", "--idle-timeout", "400ms", "--max-connections", "5"],
      ...["--log-level", "debug"],
    ]);
    const { pid } = server.process;
    const before = descriptors(pid);
    const silent = await Promise.all(Array.from({ length: 20 }, () => dialPort(server.port)));
    let [left, most] = [silent.length, 0];
    for (const conn of silent) closed(conn).then(() => left--);
    await until(() => {
      most = Math.max(most, descriptors(pid));
      return left === 0;
    }, "all are let go");
    await until(() => descriptors(pid) === before, "all are given back");
    // Those that are being closed may be there for a moment, beside the next ones.
    assert(most <= before + 2 * 5, `it holds ${most - before}, more than the limit`);
    for (const conn of silent) conn.close();
    server.process.kill("SIGTERM");
    let open = 0;
    const opened = (await server.log).match(/ (opened|closed) .*/g)?.map((line) => {
      assert(/^ opened| why=idle/.test(line), line);
      return open += line.startsWith(" opened") ? 1 : -1;
    });
    assertEquals([opened?.length, Math.max(...opened ?? [])], [2 * 20, 5]);
  },
);

/** What a client of TLS sends first. */
async function clientHello(): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const socket = connectTls({ host: "127.0.0.1", port: listener.addr.port }).on("error", () => {});
  using conn = await listener.accept();
  const hello = new Uint8Array(4096);
  const length = await conn.read(hello);
  socket.destroy();
  return hello.subarray(0, length ?? 0);
}

Deno.test("clients that leave before their handshake leave nothing in memory", {
  ignore: !linux,
}, async () => {
  const heap = program.toSpliced(2, 0, "--v8-flags=--max-old-space-size=16");
  const many = ["--backlog", "1000"];
  await using server = await startServer(["tls://127.0.0.1:0", ...many], [...heap, "serve"]);
  for (const sent of [new Uint8Array(0), await clientHello()]) {
    // All of them have left before the server sees the first.
    server.process.kill("SIGSTOP");
    for (let i = 0; i < 1000; i++) {
      using conn = await dialPort(server.port);
      await writeAll(conn, sent);
    }
    server.process.kill("SIGCONT");
    // Had it all of them at once, it would run out of memory.
    const options = { count: 1, timeout: PATIENT, tls: { insecure: true } };
    assertEquals((await ping(server.endpoints[0] ?? "", options)).right, 1);
  }
});

Deno.test("a client that has shaken hands and does not read is let go when it is idle", async () => {
  const log: LogLine[] = [];
  const ends = () => log.filter(({ message }) => message === "closed");
  await using server = await serve("tls://127.0.0.1:0", {
    ...{ tls: { cert, key }, idleTimeout: 500, log: collect(log) },
  });
  const port = portOf(server.endpoints[0]);
  const broken = new Set<TLSSocket>();
  const sockets = await Promise.all(Array.from({ length: 10 }, async () => {
    // Node's client can leave its socket unread.
    const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
    socket.on("error", () => broken.add(socket));
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    socket.pause();
    socket.write(new Uint8Array(8_000_000));
    return socket;
  }));
  await until(() => ends().length === 10, "all are closed");
  await until(() => {
    for (const socket of sockets) if (!broken.has(socket)) socket.write("x");
    return broken.size === 10;
  }, "no socket of the server's is left to take more");
  assertEquals(ends().map(({ fields }) => fields.why), Array(10).fill("idle"));
  for (const socket of sockets) socket.destroy();
});

Deno.test("a ping gives back the sockets of handshakes that the server does not answer", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) accepted.push(closed(conn).finally(() => conn.close()));
  })();
  const endpoint = `tls://127.0.0.1:${listener.addr.port}`;
  const { unsent } = await ping(endpoint, { count: 4, interval: 50, timeout: 100, tls: { ca } });
  assertEquals([unsent, accepted.length], [4, 4]);
  await Promise.all(accepted);
  listener.close();
  await accepting;
});

Deno.test("silent clients do not disturb others", async () => {
  await using server = await startEcho("tls");
  const port = portOf(server.endpoint);
  const silent = await Promise.all(Array.from({ length: 200 }, () => dialPort(port)));
  const { messages } = await finish(server.endpoint, { connections: 20, messages: 2000 });
  assertEquals(messages.right, 2000);
  for (const conn of silent) conn.close();
});

/** Makes authorities and certificates that a server is to refuse, each for another reason. */
const made = available("openssl")
  ? await shell(`cd ${folder}
    authority() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \\
      -keyout "$1.key" -out "$1.pem" -days 5 -subj "/CN=$1" 2>/dev/null; }
    signed() { openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \\
      -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
      echo "$3" >"$1.ext"
      openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 5 \\
        -out "$1.pem" \${3:+-extfile "$1.ext"} 2>/dev/null; }
    authority wanted; authority another
    signed good wanted extendedKeyUsage=clientAuth
    signed stranger another extendedKeyUsage=clientAuth
    signed server wanted extendedKeyUsage=serverAuth
    signed old wanted ""
    openssl req -x509 -key good.key -out self.pem -days 5 -subj /CN=localhost \\
      -addext subjectAltName=IP:127.0.0.1 2>/dev/null; cp good.key self.key`)
  : undefined;

for (
  const [client, why] of [
    ["good", undefined],
    ["stranger", "its certificate is not signed by a CA that is trusted here (CN=stranger)"],
    ["server", "its certificate is not for clients (CN=server)"],
    ["old", "its certificate is X.509 version 1, and version 3 is needed (CN=old)"],
    [undefined, "it shows no certificate"],
  ] as const
) {
  const who = client === undefined ? "no certificate" : `the certificate "${client}"`;
  Deno.test(
    `a client with ${who} is ${why === undefined ? "served" : `told off: ${why}`}`,
    openssl,
    async () => {
      assertEquals(made?.code, 0, made?.stderr);
      const lines: string[] = [];
      await using server = await serve("tls://127.0.0.1:0", {
        tls: { cert, key, clientCa: await Deno.readTextFile(`${folder}/wanted.pem`) },
        log: { info: (_, fields) => void lines.push(String(fields?.error)) },
      });
      const show = client === undefined
        ? []
        : ["--cert", `${folder}/${client}.pem`, "--key", `${folder}/${client}.key`];
      const words = ["connect", `tls://127.0.0.1:${portOf(server.endpoints[0])}`, "--ca", caFile];
      const { code, stdout, stderr } = await yodel([...words, ...show], "hello\n");
      if (why === undefined) return assertEquals([code, stdout], [0, "hello\n"]);
      assertEquals([code, stdout], [1, ""]);
      assertStringIncludes(stderr, "ended by the server without an answer: it may want a client");
      await until(() => lines.includes(`refused: ${why}`), `the log says why: ${lines}`);
    },
  );
}

Deno.test("a self-signed certificate is trusted by those who name it", openssl, async () => {
  const files = ["--cert", `${folder}/self.pem`, "--key", `${folder}/self.key`];
  await using server = await startServer(["tls://127.0.0.1:0", ...files]);
  const words = ["connect", ...server.endpoints, "--ca", `${folder}/self.pem`];
  assertEquals(await yodel(words, "hello\n"), { code: 0, stdout: "hello\n", stderr: "" });
});

Deno.test("answers over TLS do not wait for acknowledgements", async () => {
  await using server = await serve("tls://127.0.0.1:0", { tls: { cert, key } });
  const [endpoint = ""] = server.endpoints;
  // With Nagle's algorithm each of them takes 40 ms or more, however fast the machine is.
  const { latencies } = await ping(endpoint, {
    ...{ count: 30, interval: 0, size: 40_000, timeout: PATIENT, tls: { ca } },
  });
  const fast = latencies.percentile(20);
  assert(fast < 30, `of the fastest fifth one took ${fast} ms`);
});

Deno.test(
  "what is wrong with a file is one line that names it and what to do",
  openssl,
  async () => {
    const secret = await run([
      ...["openssl", "pkcs8", "-topk8", "-in", `${folder}/self.key`, "-passout", "pass:x"],
      ...["-out", `${folder}/secret.key`],
    ]);
    assertEquals(secret.code, 0, secret.stderr);
    await Deno.writeTextFile(`${folder}/empty.pem`, "hello\n");
    const at = (name: string) => `${folder}/${name}`;
    for (
      const [command, flags, message] of [
        [
          "serve",
          ["--cert", at("self.pem"), "--key", at("secret.key")],
          `--key: ${at("secret.key")}: the key is encrypted; decrypt it: openssl pkey -in ${
            at("secret.key")
          } -out plain.pem`,
        ],
        [
          "serve",
          ["--cert", at("self.key"), "--key", at("self.pem")],
          `--cert: ${at("self.key")}: it holds a key and no certificate`,
        ],
        [
          "serve",
          ["--cert", at("self.pem"), "--key", at("self.pem")],
          `--key: ${at("self.pem")}: it holds a certificate and no key`,
        ],
        [
          "connect",
          ["--ca", at("empty.pem")],
          `--ca: ${at("empty.pem")}: it holds no certificate in PEM`,
        ],
        [
          "serve",
          ["--cert", at("old.pem"), "--key", at("old.key")],
          "cannot listen on tls://127.0.0.1:2: the certificate is X.509 version 1, and version 3 is needed",
        ],
      ] as const
    ) {
      const result = await runHere([command, "tls://127.0.0.1:2", ...flags]);
      assertEquals(result, { code: 2, stdout: "", stderr: `yodel: ${message}\n` });
    }
  },
);

Deno.test("a server without TLS that is dialled with TLS is named as what it is", async () => {
  await using server = await serve("127.0.0.1:0");
  const port = portOf(server.endpoints[0]);
  assertEquals(await yodel(["connect", `tls://127.0.0.1:${port}`, "--ca", caFile]), {
    code: 2,
    stdout: "",
    stderr: `yodel: cannot connect to tls://127.0.0.1:${port}: ` +
      "it sends back what it gets, without TLS: tcp:// instead of tls://?\n",
  });
});

Deno.test("a server that cannot listen leaves the CA of another as it is", async () => {
  const written = `${folder}/written.pem`;
  const words = ["--write-ca", written, "--cert-name", "one.example", "--cert-name", "two.example"];
  await using server = await startServer(["tls://127.0.0.1:0", ...words]);
  const [endpoint = ""] = server.endpoints;
  const { code, stderr } = await runHere(["serve", endpoint, "--write-ca", written]);
  assertEquals(code, 2, stderr);
  assertStringIncludes(stderr, `cannot listen on ${endpoint}: address in use`);
  for (const name of ["127.0.0.1", "one.example", "two.example"]) {
    const result = await yodel(
      ["connect", endpoint, "--ca", written, "--server-name", name],
      "hello\n",
    );
    assertEquals(result, { code: 0, stdout: "hello\n", stderr: "" });
  }
});

Deno.test("a server with TLS that is dialled without is named as what it is, by every client", async () => {
  await using server = await serve("tls://127.0.0.1:0", { tls: { cert, key } });
  const endpoint = `tcp://127.0.0.1:${portOf(server.endpoints[0])}`;
  const hint = "; it speaks TLS: tls:// instead of tcp://?";
  for (const flags of [[], ["--verify"]]) {
    const { code, stderr } = await yodel(["connect", endpoint, ...flags], "hello\n");
    assertEquals(code, 1);
    assertStringIncludes(stderr, hint);
  }
  const pinged = await runHere(["ping", endpoint, "-c", "1"]);
  assertEquals(pinged.code, 1);
  assertStringIncludes(pinged.stdout, hint);
  const loaded = await runHere(["load", endpoint, "-c", "1", "-d", "200ms"]);
  assertEquals(loaded.code, 1);
  assertStringIncludes(loaded.stdout, hint);
});

for (const scheme of ["tcp", "tls"] as const) {
  Deno.test(`probes that come and go over ${scheme}, also by a reset, are for debugging only`, async () => {
    const lines: string[] = [];
    const add = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
    await using server = await serve(`${scheme}://127.0.0.1:0`, {
      tls: { cert, key, clientCa: ca },
      log: { debug: add("debug"), info: add("info"), warn: add("warn") },
    });
    const port = portOf(server.endpoints[0]);
    (await dialPort(port)).close();
    const socket = dialNode(port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    // One that is reset before it is accepted is no connection yet.
    await until(
      () => lines.filter((line) => line === "debug opened").length === 2,
      "both are open",
    );
    socket.resetAndDestroy();
    const closed = () => lines.filter((line) => line.endsWith(" closed"));
    await until(() => closed().length === 2, "both are closed");
    assertEquals(closed(), ["debug closed", "debug closed"]);
  });
}
