/** How the clients reach a server: waiting for it, by a family of addresses, and what they tell. */
import { createSocket } from "node:dgram";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ping } from "../client.ts";
import { dial } from "../net/dial.ts";
import { formatEndpoint, serve } from "../server.ts";
import {
  heldMemory,
  inEach,
  linux,
  PATIENT,
  pause,
  portOf,
  readBytes,
  startCustom,
  startLocal,
  unix,
  writeAll,
} from "./local.ts";
import { available, program, run, startServer, yodel } from "./program.ts";
import { caFile, deserted, folder, startEcho } from "./servers.ts";

const clients = [["connect", "--verify"], ["ping", "-c2", "-i0"], ["load", "-c2", "-n10"]] as const;

for (const scheme of ["tcp", "tls", "udp", "unix"] as const) {
  Deno.test(`with --wait a client begins once the server is there, over ${scheme}`, {
    ignore: scheme === "unix" && !unix,
  }, async () => {
    await inEach(clients, async ([client, ...flags]) => {
      const name = scheme === "unix"
        ? `unix:${folder}/wait-${client}.sock`
        : formatEndpoint({ scheme, host: "127.0.0.1", port: portOf(deserted()) });
      const trust = scheme === "tls" ? ["--insecure"] : [];
      const waiting = yodel([client, name, ...flags, ...trust, "--wait", "20s"], "hello\n");
      let done = false;
      waiting.finally(() => done = true);
      // Longer than it takes to find nobody there; that is not what is tested.
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert(!done, "it did not wait");
      await using _server = await startServer([name, "--log-level", "error"]);
      const { code, stdout, stderr } = await waiting;
      assertEquals([code, stderr.replace(/^yodel: --insecure.*\n/, "")], [0, ""], stdout);
    });
  });
}

Deno.test("on a terminal --wait says once what it waits for, and lines are broken between words", {
  ignore: !available("script") || !linux,
}, async () => {
  await inEach(clients, async ([client, ...flags]) => {
    const words = [...program, client, formatEndpoint(deserted()), ...flags, "--wait", "400ms"];
    const command = `stty cols 80; ${words.join(" ")} </dev/null`;
    const { code, stdout } = await run(["script", "-q", "-e", "-c", command, "/dev/null"]);
    const lines = stdout.replaceAll("\r\x1b[2K", "").replaceAll("\r", "").trimEnd().split("\n");
    assertEquals([code, lines.at(0)], [2, "waiting for the server: connection refused"], stdout);
    assertEquals(stdout.match(/waiting for/g)?.length, 1, stdout);
    const said = lines.slice(-2).join(" ");
    assertMatch(said, /^yodel: cannot connect to \S+: connection refused, and no better in 0\.4s$/);
    assertEquals(lines.slice(-2).filter((line) => line.length > 80), [], stdout);
  });
});

Deno.test("probes that were due while ping waited for the server do not follow all at once", async () => {
  const endpoint = deserted();
  const told: number[] = [];
  const options = { count: 3, interval: 300, wait: PATIENT, timeout: PATIENT };
  const pinging = ping(endpoint, { ...options, onResult: () => void told.push(performance.now()) });
  await pause(1000);
  await using _server = await serve(endpoint, { drain: 1 });
  await pinging;
  const [first = NaN, , third = NaN] = told;
  assert(third - first > 500, `${told}`);
});

Deno.test("a server that is not there in the time of --wait is status 2 and one line", async () => {
  const port = portOf(deserted());
  await inEach(["tcp://", "udp://"], async (scheme) => {
    await inEach(clients, async ([client, ...flags]) => {
      const name = `${scheme}127.0.0.1:${port}`;
      const { code, stderr } = await yodel([client, name, ...flags, "--wait", "300ms"], "x");
      assertEquals(code, 2);
      assertMatch(stderr, new RegExp(`^yodel: cannot connect to ${name}: .* in 0\\.3s\n$`), client);
    });
  });
});

Deno.test("a handshake of TLS that takes all of --wait has timed out after so many milliseconds", async () => {
  await using server = startCustom(async (conn) => void await readBytes(conn, 1_000_000));
  const name = `tls://127.0.0.1:${portOf(server.endpoint)}`;
  const { code, stderr } = await yodel(["ping", name, "-c1", "-W0", "--wait", "300ms"]);
  assertEquals(code, 2);
  assertMatch(stderr, /: timed out after 0\.\d{1,3}s\n$/);
});

Deno.test("what the handshake of TLS fails with is not waited for", async () => {
  await using server = await startEcho("tls");
  const start = performance.now();
  const args = ["connect", formatEndpoint(server.endpoint), "--wait", "20s"];
  const { code, stderr } = await yodel(args, "x");
  assertEquals(code, 2);
  assertMatch(stderr, /certificate/);
  assert(performance.now() - start < 10_000);
});

Deno.test("the time for a try has the look-up of the name in it, also with -4 and over udp", {
  // It takes a file system of its own to say which server looks up names.
  ignore: !available("unshare") ||
    !new Deno.Command("unshare", { args: ["-m", "true"] }).outputSync().success,
}, async () => {
  const dns = createSocket("udp4");
  await new Promise<void>((resolve) => dns.bind(53, "127.0.0.153", resolve));
  const file = `${folder}/resolv.conf`;
  await Deno.writeTextFile(file, "nameserver 127.0.0.153\n");
  const script = `mount --bind ${file} /etc/resolv.conf && exec "$@"`;
  const start = performance.now();
  await inEach(
    [
      ["ping", "silent.example:1", "-4", "-c1", "-W300ms"],
      ["ping", "udp://silent.example:1", "-c1", "-W300ms"],
      ["connect", "udp://silent.example:1", "--timeout", "300ms"],
      ["load", "udp://silent.example:1", "--timeout", "300ms"],
      ["load", "udp://silent.example:1", "--wait", "300ms"],
      ["load", "silent.example:1", "--wait", "300ms"],
    ],
    async (words) => {
      const prefix = ["unshare", "-m", "sh", "-c", script, "sh"];
      const { code, stderr } = await run([...prefix, ...program, ...words]);
      assertMatch(stderr, /: timed out after 0\.3s\n$/);
      assertEquals(code, 2);
    },
  );
  assert(performance.now() - start < 5000);
  dns.close();
});

Deno.test("connecting again and again, also with -4, takes no memory", async () => {
  await using server = await startLocal({ log: {} });
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port: server.port } as const;
  const { signal } = new AbortController();
  const connect = async () => {
    for (let i = 0; i < 1000; i++) {
      (await dial(endpoint, { timeout: PATIENT, signal, family: 4 })).conn.close();
    }
    return heldMemory();
  };
  const before = await connect();
  const more = await connect() - before;
  assert(more < 1_000_000, `${more} bytes`);
});

Deno.test("-4 and -6 take an address of that family only", async () => {
  await using server = await startEcho("tcp");
  const port = portOf(server.endpoint);
  await inEach(clients, async ([client, ...flags]) => {
    const right = await yodel([
      client,
      `localhost:${port}`,
      ...flags,
      client === "ping" ? "-4D" : "-4",
    ], "hello\n");
    assertEquals([right.code, right.stderr], [0, ""]);
    const wrong = await yodel([client, `127.0.0.1:${port}`, ...flags, "-6"], "hello\n");
    assertEquals([wrong.code, wrong.stderr], [
      2,
      `yodel: cannot connect to tcp://127.0.0.1:${port}: it has no IPv6 address\n`,
    ]);
  });
});

Deno.test("localhost has both families where one is asked for, whatever the system says", async () => {
  await inEach(["tcp", "udp"], async (scheme) => {
    await using server = await startServer([`${scheme}://localhost:0`]);
    await inEach(["-4", "-6"], async (family) => {
      const words = ["connect", `${scheme}://localhost:${server.port}`, family, "-v"];
      const { code, stderr } = await yodel(words, "hello\n");
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, family === "-4" ? "(127.0.0.1:" : "([::1]:");
    });
  });
});

Deno.test("connect -v tells of the connection, of TLS and of what passed", async () => {
  const time = "[\\d.]+ (µs|ms|s)";
  await inEach(["tcp", "tls", "udp"] as const, async (scheme) => {
    await using server = await startEcho(scheme);
    const port = portOf(server.endpoint);
    const trust = scheme === "tls" ? ["--ca", caFile, "--server-name", "127.0.0.1"] : [];
    const args = ["connect", `${scheme}://localhost:${port}`, "-4", "-v", ...trust];
    const { code, stdout, stderr } = await yodel(args, "hello\n");
    assertEquals([code, stdout], [0, "hello\n"]);
    const how = {
      tcp: ` in ${time}`,
      tls: ` in ${time}, TLSv1.3, certificate of CN=yodel`,
      udp: "",
    };
    assertMatch(
      stderr,
      new RegExp(
        `^connected to ${scheme}://localhost:${port} \\(127.0.0.1:${port}\\)${how[scheme]}\n` +
          `sent 6 bytes, 6 came back in ${time}: .*B/s\n$`,
      ),
    );
  });
});

Deno.test("connect says when the server may have ended an idle connection", async () => {
  await using server = startCustom(async (conn) => {
    await writeAll(conn, await readBytes(conn, 6));
    await new Promise((resolve) => setTimeout(resolve, 3000));
  });
  const name = formatEndpoint(server.endpoint);
  const [command = "", ...words] = [...program, "connect", name];
  const child = new Deno.Command(command, {
    args: words,
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const typing = child.stdin.getWriter();
  await typing.write(new TextEncoder().encode("hello\n"));
  const stderr = await new Response(child.stderr).text();
  await typing.close().catch(() => {});
  assertEquals((await child.status).code, 1);
  assertMatch(
    stderr,
    /came back; 3s without a byte: was that its idle time, or is it stopping\?\n/,
  );
});

Deno.test("a Unix socket may have a name and no file, on Linux", { ignore: !linux }, async () => {
  const name = `unix:@yodel-${crypto.randomUUID()}`;
  await using server = await startServer([name]);
  assertEquals(server.endpoints, [name]);
  const result = await yodel(["connect", name, "--verify"], "hello\n");
  assertEquals(result, { code: 0, stdout: "hello\n", stderr: "" });
  const ofThatName = [...Deno.readDirSync(".")].filter((file) => file.name.startsWith("@yodel"));
  assertEquals(ofThatName, []);
});
