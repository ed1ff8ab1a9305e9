/** The HTTP of `--metrics`, with clients that do what they should not. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { serveMetrics } from "../metrics/metrics.ts";
import { collect, dialPort, freePort, type LogLine, readBytes, writeAll } from "./local.ts";
import { descriptorsOf, onLinux, until } from "./machine.ts";
import { program, startServer } from "./program.ts";

/** Serves metrics in this process, at a port. */
async function start(host = "127.0.0.1", log: LogLine[] = []) {
  const at = { scheme: "tcp", host, port: 0 } as const;
  const metrics = await serveMetrics(at, "1.2.3", () => true, collect(log));
  const { urls: [url = ""] } = metrics;
  const port = Number(new URL(url).port);
  return { metrics, port, [Symbol.asyncDispose]: () => metrics[Symbol.asyncDispose]() };
}

/** Sends a text and returns all that comes back. */
async function answerTo(port: number, text: string): Promise<string> {
  using conn = await dialPort(port);
  await writeAll(conn, new TextEncoder().encode(text));
  return new TextDecoder().decode(await readBytes(conn, 1_000_000));
}

Deno.test("a lack of descriptors ends neither the server nor its metrics", onLinux, async () => {
  const port = freePort();
  const limited = ["bash", "-c", `ulimit -n 64 && exec "$@"`, "bash", ...program, "serve"];
  await using server = await startServer(["127.0.0.1:0", "--metrics", `${port}`], limited);
  const idle = await Promise.all(Array.from({ length: 100 }, () => dialPort(server.port)));
  await until(
    () => descriptorsOf(server.process.pid) >= 64,
    "the server has as many files open as it may",
  );
  const waiting = answerTo(port, "GET /healthz HTTP/1.0\r\n\r\n");
  for (const conn of idle) conn.close();
  assertMatch(await waiting, /^HTTP\/1\.1 200 \r\n.*\r\n\r\nok\n$/s);
  server.process.kill("SIGTERM");
  assertEquals((await server.process.status).code, 0);
});

Deno.test("clients that never finish do not delay the end", async () => {
  const server = await start();
  const conns: Deno.TcpConn[] = [];
  for (
    const text of [
      "",
      "GET /metrics HTTP/1.1\r\n",
      "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000),
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]
  ) {
    const conn = await dialPort(server.port);
    await writeAll(conn, new TextEncoder().encode(text));
    conns.push(conn);
  }
  // All are accepted, and another is served meanwhile.
  assertMatch(await answerTo(server.port, "GET /healthz HTTP/1.0\r\n\r\n"), / 200 \r/);
  await server[Symbol.asyncDispose]();
  for (const conn of conns) {
    await readBytes(conn, 1_000_000).catch(() => {});
    conn.close();
  }
});

Deno.test("a malformed request gets 400, and is not logged", async () => {
  const log: LogLine[] = [];
  await using server = await start("127.0.0.1", log);
  for (
    const head of [
      ...["a b", "[::1", "x:99999", "\x1b[31m", "a/b", "a@b"].map((host) => `Host: ${host}\r\n`),
      "Host: a\r\nHost: b\r\n",
      "",
    ]
  ) {
    const answer = await answerTo(server.port, `GET /metrics HTTP/1.1\r\n${head}\r\n`);
    assertMatch(answer, /^HTTP\/1\.1 400 \r\n/, JSON.stringify(head));
  }
  for (const line of ["GET", "get / HTTP/1.1", "GET /x HTTP/3", `GET /${"x".repeat(20_000)}`]) {
    assertMatch(await answerTo(server.port, `${line}\r\nHost: a\r\n\r\n`), / 400 /, line);
  }
  for (const host of ["localhost", "127.0.0.1:9140", "[::1]:9140", "a-b.example", ""]) {
    const text = `GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    assertMatch(await answerTo(server.port, text), / 200 \r/, host);
  }
  assertEquals(log, []);
});

Deno.test("only GET and HEAD are allowed, and other paths are not there", async () => {
  await using server = await start();
  const url = `http://127.0.0.1:${server.port}`;
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const body = method === "OPTIONS" ? undefined : "x".repeat(10_000);
    const answer = await fetch(`${url}/metrics`, { method, body });
    assertEquals([answer.status, answer.headers.get("allow")], [405, "GET, HEAD"]);
    await answer.text();
  }
  assertMatch(await answerTo(server.port, "TRACE /metrics HTTP/1.0\r\n\r\n"), / 405 /);
  const head = await fetch(`${url}/metrics`, { method: "HEAD" });
  assert(head.status === 200 && Number(head.headers.get("content-length")) > 100);
  assertEquals(await head.text(), "");
  const other = await fetch(`${url}/x?y=1`);
  assertEquals([other.status, await other.text()], [404, "not found; use /metrics or /healthz\n"]);
  assertEquals(await fetch(`${url}/healthz?x`).then((answer) => answer.text()), "ok\n");
});

Deno.test("metrics on all addresses are worth a warning", async () => {
  for (const [host, warnings] of [["*", 1], ["0.0.0.0", 1], ["localhost", 0]] as const) {
    const log: LogLine[] = [];
    await using _server = await start(host, log);
    assertEquals(log.filter(({ level }) => level === "warn").length, warnings, host);
  }
});

Deno.test("the process is shown by the usual names, in the usual units", async () => {
  await using server = await start();
  const text = await (await fetch(server.metrics.urls[0] ?? "")).text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  const started = value("process_start_time_seconds") * 1000;
  assert(started <= Date.now() && started > Date.now() - 24 * 3600 * 1000, `${started}`);
  assert(value("process_resident_memory_bytes") > 1e7, text);
});
