/** Access control: --allow, --deny, --max-per-client and --udp-rate. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createSocket } from "node:dgram";
import { connect as dialNode, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { TlsStream } from "../net/tls_stream.ts";
import { type Endpoint, OptionError, serve, type ServeOptions } from "../server.ts";
import { type Access, AccessControl, accessControlOf } from "../server/access_control.ts";
import { planServe } from "../server/plan.ts";
import { replaced } from "./in_process.ts";
import { dialPort, exchange, portOf, random, startLocal } from "./local.ts";
import { inEach, onLinux, until } from "./machine.ts";
import { startServer, yodel } from "./program.ts";
import { cert, key } from "./servers.ts";

type Scheme = "tcp" | "tls" | "udp";

function start(endpoints: readonly string[], options: ServeOptions) {
  return startLocal({ tls: { cert, key }, ...options }, endpoints);
}

type Started = Awaited<ReturnType<typeof start>>;

/** Opens a connection from an address of this machine. */
function dialFrom(from: string, endpoint: Endpoint): Socket {
  const host = from === "::1" ? from : "127.0.0.1";
  const where = { host, port: portOf(endpoint), localAddress: from, rejectUnauthorized: false };
  const socket = endpoint.scheme === "tls" ? connectTls(where) : dialNode(where);
  return socket.on("error", () => {});
}

/** Whether the server sends back a byte, or closes the connection without one. */
async function isServed(socket: Socket): Promise<boolean> {
  const answered = new Promise<boolean>((resolve) => {
    socket.once("data", () => resolve(true));
    socket.once("close", () => resolve(false));
  });
  socket.write("x");
  return await answered;
}

/** Whether a datagram from an address is answered, or the log says that it was refused. */
async function isAnswered(from: string, endpoint: Endpoint, { logged }: Started): Promise<boolean> {
  const isIPv6 = from.includes(":");
  const socket = createSocket(isIPv6 ? "udp6" : "udp4");
  let answered = false;
  socket.on("message", () => void (answered = true));
  await new Promise<void>((resolve) => socket.bind({ address: from, port: 0 }, resolve));
  const before = logged("refused").length;
  const isRefused = () => logged("refused").length > before;
  socket.send("x", portOf(endpoint), isIPv6 ? "::1" : "127.0.0.1");
  await until(() => answered || isRefused(), `a datagram from ${from} is answered or refused`);
  await new Promise<void>((resolve) => void socket.close(() => resolve()));
  return answered;
}

async function isLetIn(from: string, endpoint: Endpoint, server: Started): Promise<boolean> {
  if (endpoint.scheme === "udp") return await isAnswered(from, endpoint, server);
  const socket = dialFrom(from, endpoint);
  const served = await isServed(socket);
  socket.destroy();
  return served;
}

for (
  const [options, welcome, others] of [
    [{ allow: ["127.0.0.2"] }, ["127.0.0.2"], ["127.0.0.3", "::1"]],
    [{ allow: ["127.0.0.2", "::1"] }, ["127.0.0.2", "::1"], ["127.0.0.3"]],
    [{ deny: ["127.0.0.2/31"] }, ["127.0.0.4", "::1"], ["127.0.0.2", "127.0.0.3"]],
    [{ allow: ["127.0.0.0/8"], deny: ["127.0.0.3"] }, ["127.0.0.2"], ["127.0.0.3", "::1"]],
    [{ allow: ["::ffff:127.0.0.0/127"] }, ["127.0.0.1"], ["127.0.0.2", "::1"]],
    [{ allow: ["::/0"] }, ["::1"], ["127.0.0.1"]],
    [{ deny: ["::1"], maxPerClient: 5, udpRate: 5 }, ["127.0.0.1"], ["::1"]],
    [{ deny: ["::1"], faults: ["delay=1ms"] }, ["127.0.0.1"], ["::1"]],
  ] as [ServeOptions, string[], string[]][]
) {
  Deno.test(`${JSON.stringify(options)} admits ${welcome.join()}`, onLinux, async () => {
    await inEach<Scheme>(["tcp", "tls", "udp"], async (scheme) => {
      // At :: IPv4 comes in the form of IPv6.
      const asked = [`${scheme}://[::]:0`, `${scheme}://127.0.0.1:0`];
      await using server = await start(asked, options);
      for (const endpoint of server.endpoints) {
        const isHere = (from: string) => from !== "::1" || endpoint === server.endpoints[0];
        for (const from of welcome.filter(isHere)) {
          assertEquals(await isLetIn(from, endpoint, server), true, `${scheme} from ${from}`);
        }
        for (const from of others.filter(isHere)) {
          assertEquals(await isLetIn(from, endpoint, server), false, `${scheme} from ${from}`);
        }
      }
      await server.stop();
      const refused = others.reduce((sum, from) => sum + (from === "::1" ? 1 : 2), 0);
      const what = scheme === "udp" ? "datagrams_denied" : "connections_denied";
      assertEquals(server.logged("stopped")[0]?.fields[what], refused);
      const levels = server.logged("refused").map(({ level }) => level);
      assertEquals(levels, ["warn", ...Array(refused - 1).fill("debug")]);
    });
  });
}

Deno.test("connections that can be reset are refused as others are", async () => {
  await using server = await start(["[::]:0"], { deny: ["127.0.0.1"], faults: ["reset-after=1m"] });
  assertEquals(await isLetIn("127.0.0.1", server.endpoint, server), false);
  assertEquals(await isLetIn("::1", server.endpoint, server), true);
});

Deno.test("a connection that was reset before accept is not denied", onLinux, async () => {
  const flags = ["--fault", "reset-after=1m", "--allow", "127.0.0.1", "--log-level", "debug"];
  await using server = await startServer(["127.0.0.1:0", ...flags]);
  server.process.kill("SIGSTOP");
  const socket = dialNode(server.port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  await new Promise((resolve) => socket.once("close", resolve).resetAndDestroy());
  server.process.kill("SIGCONT");
  const { code, stderr } = await yodel(["connect", `:${server.port}`], "x");
  assertEquals([code, stderr], [0, ""]);
  server.process.kill("SIGTERM");
  const log = await server.log;
  assert(!/denied|peer=:0/.test(log) && log.includes("stopped connections=1\n"), log);
});

Deno.test("a denied client is closed before a handshake of TLS begins", async () => {
  await using server = await start(["tls://127.0.0.1:0"], { deny: ["127.0.0.1"], idleTimeout: 0 });
  using conn = await dialPort(server.port);
  // A handshake would wait for the client.
  assertEquals(await conn.read(new Uint8Array(1)), null);
});

Deno.test("a connection that cannot be set up is closed and no longer counts", async () => {
  const options = { maxPerClient: 1, maxConnections: 1 };
  await using server = await start(["tls://127.0.0.1:0"], options);
  for (let i = 0; i < 2; i++) {
    const receive = () => {
      throw new Error("no memory");
    };
    using _broken = replaced(TlsStream.prototype, { receive });
    using conn = await dialPort(server.port);
    assertEquals(await conn.read(new Uint8Array(1)), null);
  }
  assertEquals(server.logged("cannot set up a connection").length, 2);
  assertEquals(await isLetIn("127.0.0.1", server.endpoint, server), true);
});

Deno.test("a client that waits for its admission does not hold up another", async () => {
  const decided = Promise.withResolvers<boolean>();
  const answers = [decided.promise, true];
  using _access = replaced<Access>(AccessControl.prototype, {
    enter: () => answers.shift() ?? false,
  });
  await using server = await start(["127.0.0.1:0"], { maxPerClient: 5 });
  using first = await dialPort(server.port);
  const waiting = exchange(first, random(10));
  using second = await dialPort(server.port);
  assertEquals((await exchange(second, random(10))).length, 10);
  decided.resolve(true);
  assertEquals((await waiting).length, 10);
});

Deno.test("a denied client does not count for --max-connections", onLinux, async () => {
  await using server = await start(["127.0.0.1:0"], { deny: ["127.0.0.3"], maxConnections: 1 });
  for (let i = 0; i < 3; i++) {
    assertEquals(await isLetIn("127.0.0.3", server.endpoint, server), false);
  }
  assertEquals(await isLetIn("127.0.0.1", server.endpoint, server), true);
});

Deno.test("--max-per-client is for one address at all endpoints", onLinux, async () => {
  const asked = ["tcp://127.0.0.1:0", "tcp://[::]:0", "tls://127.0.0.1:0"];
  await using server = await start(asked, { maxPerClient: 3 });
  const open: Socket[] = [];
  for (const endpoint of server.endpoints) {
    const socket = dialFrom("127.0.0.2", endpoint);
    assertEquals(await isServed(socket), true);
    open.push(socket);
  }
  for (const endpoint of server.endpoints) {
    assertEquals(await isLetIn("127.0.0.2", endpoint, server), false);
    assertEquals(await isLetIn("127.0.0.3", endpoint, server), true);
  }
  const closed = () =>
    server.logged("closed").filter(({ fields }) => /127\.0\.0\.2\b/.test(`${fields.peer}`))
      .length;
  open.pop()?.destroy();
  for (const [others, endpoint] of server.endpoints.entries()) {
    await until(() => closed() === 1 + others, "one is closed");
    assertEquals(await isLetIn("127.0.0.2", endpoint, server), true);
  }
  const refused = server.logged("refused");
  assertEquals(refused.map(({ level }) => level), ["warn", "debug", "debug"]);
  const { peer, why } = refused[0]?.fields ?? {};
  assertMatch(`${peer} ${why}`, /^127\.0\.0\.2:\d+ connections_over_limit$/);
  for (const socket of open) socket.destroy();
  await server.stop();
  const [stopped] = server.logged("stopped");
  assertEquals(stopped?.fields, { connections: 9, connections_over_limit: 3 });
});

Deno.test("--udp-rate limits the answers to one address in a second", onLinux, async () => {
  await using server = await start(["udp://127.0.0.1:0"], { udpRate: 5 });
  const begin = performance.now();
  let answered = 0;
  for (let i = 0; i < 20; i++) {
    if (await isLetIn("127.0.0.2", server.endpoint, server)) answered++;
  }
  const seconds = 1 + Math.floor((performance.now() - begin) / 1000);
  assert(answered >= 5 && answered <= 5 * seconds, `${answered} answers in ${seconds} s`);
  assertEquals(await isLetIn("127.0.0.3", server.endpoint, server), true);
  await server.stop();
  assertEquals(server.logged("stopped")[0]?.fields, {
    datagrams_answered: answered + 1,
    datagrams_not_answered: 0,
    ...answered < 20 ? { datagrams_over_limit: 20 - answered } : {},
  });
  const reasons = server.logged("refused").map(({ fields }) => fields.why);
  assertEquals(reasons, Array(20 - answered).fill("datagrams_over_limit"));
});

/** Access control, asked with addresses. */
async function access(options: ServeOptions) {
  const access = await accessControlOf(planServe(options, []));
  if (access === undefined) throw new Error("it refuses no client");
  const on = { scheme: "udp", host: "::", port: 7 } as const;
  const from = (hostname: string) => ({ transport: "udp", hostname, port: 40_000 }) as const;
  return {
    enter: (address: string) => access.enter(from(address), on),
    leave: (address: string) => access.leave(from(address)),
    mayAnswer: (address: string, now: number) => access.mayAnswer(from(address), on, now),
  };
}

Deno.test("a client is an address of IPv4, and 64 bits of one of IPv6", async () => {
  for (
    const [one, other, same] of [
      ["192.0.2.1", "192.0.2.1", true],
      ["192.0.2.1", "::ffff:192.0.2.1", true],
      ["192.0.2.1", "192.0.2.2", false],
      ["::ffff:192.0.2.1", "::ffff:192.0.2.2", false],
      ["2001:db8::1", "2001:db8::2:3:4:5", true],
      ["2001:db8::1", "2001:db8:0:0:1:2:3:4", true],
      ["2001:db8::1", "2001:db8:0:1::1", false],
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", true],
      ["2001:db8::5:0:0:0:1", "2001:db8:0:5::2", true],
      ["fe80::1%eth0", "fe80::2", true],
      ["::1", "::2", true],
    ] as const
  ) {
    const { enter, leave } = await access({ maxPerClient: 1 });
    assertEquals(enter(one), true);
    assertEquals(enter(other), !same, `${one} and ${other}`);
    leave(one);
    assertEquals(enter(one), true, "there is room again");
  }
});

Deno.test("each second has its own --udp-rate, and what is counted has a bound", async () => {
  const { mayAnswer } = await access({ udpRate: 2 });
  const times = [0, 1, 2, 998, 999, 1000, 1001, 1002, 5000];
  assertEquals(times.map((now) => mayAnswer("192.0.2.1", now)), [
    ...[true, true, false, false, false],
    ...[true, true, false, true],
  ]);
  assertEquals([mayAnswer("192.0.2.1", 5001), mayAnswer("192.0.2.1", 5002)], [true, false]);
  for (let i = 0; i < 10_000; i++) mayAnswer(`10.0.${i >> 8}.${i & 255}`, 5003);
  assertEquals(mayAnswer("192.0.2.1", 5004), true, "the counts have begun anew");
});

Deno.test("to listen on all addresses is worth no warning with --allow or --deny", async () => {
  for (
    const [options, warnings] of [
      [{ allow: ["10.0.0.0/8"] }, 0],
      [{ deny: ["10.0.0.0/8"] }, 0],
      [{ maxPerClient: 5 }, 1],
    ] as const
  ) {
    await using server = await start(["*:0"], options);
    assertEquals(server.log.filter(({ level }) => level === "warn").length, warnings);
  }
});

Deno.test("the library refuses what is no network before it listens", async () => {
  for (
    const text of ["", "10.0.0.0/33", "10.0.0", "1.2.3.4.5", "::/129", ":::", "::1%lo", "a.b", "."]
  ) {
    const error = await assertRejects(() => serve("127.0.0.1:0", { deny: [text] }), OptionError);
    const given = text === "" ? "an empty value" : JSON.stringify(text);
    const expected = "an address or a network such as 10.0.0.0/8";
    assertEquals(error.message, `deny: expected ${expected}, not ${given}`);
  }
});
