/** How the clients reach a server: waiting for it, by a family of addresses, and what they print. */
import { createSocket } from "node:dgram";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type DialOptions, type Endpoint, EndpointError, load, ping } from "../client.ts";
import { reason } from "../errors/reason.ts";
import { dial } from "../net/dial.ts";
import { formatEndpoint, serve } from "../server.ts";
import { inputOf, nowhere } from "./faulty.ts";
import { runHere } from "./in_process.ts";
import { portOf, readBytes, startCustom, startLocal } from "./local.ts";
import { heldMemory, inEach, onLinux, PATIENT, undisturbed, unix, until } from "./machine.ts";
import { results } from "./pings.ts";
import { available, program, run, yodel } from "./program.ts";
import {
  ca,
  caFile,
  cert,
  deserted,
  folder,
  key,
  startEcho,
  startRelay,
  write,
} from "./servers.ts";
import { onTerminal, openTerminal } from "./terminal.ts";

/** The clients, as the command line has them. */
const clients = [["connect", "--verify"], ["ping", "-c2", "-i0"], ["load", "-c2", "-n10"]] as const;

/** Each client, sending a little to an endpoint; what went wrong, undefined where nothing did. */
const calls = {
  async connect(endpoint: Endpoint, options: DialOptions) {
    const streams = { input: inputOf("hello\n"), output: nowhere };
    await connect(endpoint, { ...streams, verify: true, timeout: PATIENT, ...options });
    return undefined;
  },
  async ping(endpoint: Endpoint, options: DialOptions) {
    const settings = { count: 2, interval: 0, timeout: PATIENT, ...options };
    const { found } = await results(endpoint, settings);
    return found.find(({ outcome }) => outcome !== "right")?.error;
  },
  async load(endpoint: Endpoint, options: DialOptions) {
    const settings = { connections: 2, messages: 10, timeout: PATIENT, ...options };
    const { examples } = await load(endpoint, settings);
    return examples[0]?.replace(/^\w+: connection \d: /, "");
  },
};

/** Why a client cannot connect. */
async function failureOf(
  call: typeof calls[keyof typeof calls],
  endpoint: Endpoint,
  options: DialOptions,
): Promise<string> {
  try {
    return await call(endpoint, options) ?? "it could";
  } catch (error) {
    if (error instanceof EndpointError) return reason(error.cause);
    throw error;
  }
}

for (const scheme of ["tcp", "tls", "udp", "unix"] as const) {
  Deno.test(`with wait a client begins once the server is there, over ${scheme}`, {
    ignore: scheme === "unix" && !unix,
  }, async () => {
    await inEach(Object.entries(calls), async ([client, call]) => {
      const endpoint: Endpoint = scheme === "unix"
        ? { scheme, path: `${folder}/wait-${client}.sock` }
        : { scheme, host: "127.0.0.1", port: portOf(deserted()) };
      const retried = Promise.withResolvers<string>();
      const options = { tls: { ca }, wait: PATIENT, onRetry: retried.resolve };
      const waiting = call(endpoint, options);
      await Promise.race([retried.promise, waiting]);
      await using _server = await serve(endpoint, { tls: { cert, key }, drain: 1 });
      assertEquals(await waiting, undefined, client);
      const why = { unix: "no such file or directory", udp: "nothing came back" };
      const expected = scheme in why ? why[scheme as keyof typeof why] : "connection refused";
      assertEquals(await retried.promise, expected);
    });
  });
}

for (const scheme of ["tcp", "tls"] as const) {
  Deno.test(`with wait a port that accepts and closes is not the server yet, over ${scheme}`, async () => {
    await using server = await startEcho(scheme);
    for (const [client, call] of Object.entries(calls)) {
      let retries = 0;
      await using forwarder = startRelay(server, () => retries >= 2);
      const options = { tls: { ca }, wait: PATIENT, onRetry: () => void retries++ };
      assertEquals(await call(forwarder.endpoint, options), undefined, client);
      assert(retries >= 2, client);
    }
  });
}

Deno.test("--wait on a terminal says once what it waits for", onTerminal, async () => {
  await inEach(clients, async ([client, ...flags]) => {
    const words = [...program, client, formatEndpoint(deserted()), ...flags, "--wait", "1s"];
    const terminal = openTerminal(`${words.join(" ")} </dev/null`);
    assertEquals(await terminal.ended, 2);
    const all = terminal.raw().replaceAll("\r\x1b[2K", "").replaceAll("\r", "").trimEnd();
    const lines = all.split("\n");
    assertEquals(lines.at(0), "waiting for the server: connection refused", all);
    assertEquals(all.match(/waiting for/g)?.length, 1, all);
    const said = lines.slice(-2).join(" ");
    assertMatch(said, /^yodel: cannot connect to \S+: connection refused; retried for 1s$/);
    assertEquals(lines.slice(-2).filter((line) => line.length > 80), [], all);
  });
});

Deno.test("probes that were due while ping waited for the server do not follow all at once", async () => {
  const times = await undisturbed(async () => {
    const endpoint = deserted();
    const times: number[] = [];
    let retries = 0;
    const options = { count: 3, interval: 100, wait: PATIENT, timeout: PATIENT };
    const pinging = ping(endpoint, {
      ...options,
      onRetry: () => void retries++,
      onResult: () => void times.push(performance.now()),
    });
    await until(() => retries > 4, "it has waited longer than for all probes");
    await using _server = await serve(endpoint, { drain: 1 });
    await pinging;
    return times;
  });
  const [first = NaN, , third = NaN] = times;
  assert(third - first > 150, `${times}`);
});

Deno.test("a server that does not answer within --wait is an error with that time", async () => {
  const port = portOf(deserted());
  await undisturbed(() =>
    inEach(["tcp", "udp"] as const, async (scheme) => {
      const why = { tcp: "connection refused; retried for", udp: "nothing came back in" }[scheme];
      for (const call of Object.values(calls)) {
        const failure = await failureOf(call, { scheme, host: "127.0.0.1", port }, { wait: 300 });
        assertEquals(failure, `${why} 0.3s`);
      }
    })
  );
});

Deno.test("a TLS handshake that takes all of --wait has timed out", async () => {
  await using server = startCustom(async (conn) => void await readBytes(conn, 1_000_000));
  const endpoint: Endpoint = { ...server.endpoint, scheme: "tls" } as Endpoint;
  const { outcomes } = await results(endpoint, { count: 1, timeout: 0, wait: 300 });
  assertMatch(outcomes.join(), /^1 unsent: timed out after 0\.\d{1,3}s$/);
});

Deno.test("--wait does not retry a failed TLS handshake", async () => {
  await using server = await startEcho("tls");
  let retries = 0;
  const options = { wait: PATIENT, onRetry: () => void retries++ };
  assertMatch(await failureOf(calls.connect, server.endpoint, options), /certificate/);
  assertEquals(retries, 0);
});

/** Runs yodel after a script that gives it files of its own under /etc. */
const runAfter = (script: string, words: readonly string[]) =>
  run(["unshare", "-m", "sh", "-c", `${script}; exec "$@"`, "sh", ...program, ...words]);

/** Whether this user may do that. */
const mayMount = available("unshare") &&
  new Deno.Command("unshare", { args: ["-m", "true"] }).outputSync().success;

Deno.test("localhost needs no hosts file and no resolver", { ignore: !mayMount }, async () => {
  const empty = await write("empty", "");
  const files = "/etc/hosts /etc/resolv.conf /etc/nsswitch.conf";
  const hide = `for file in ${files}; do [ ! -e $file ] || mount --bind ${empty} $file; done`;
  await inEach(["tcp", "udp"] as const, async (scheme) => {
    await using server = await startEcho(scheme);
    const words = ["ping", `${scheme}://localhost:${portOf(server.endpoint)}`, "-c1", "-W1m"];
    const { code, stdout, stderr } = await runAfter(hide, words);
    assertEquals([code, stderr], [0, ""], stdout);
  });
});

Deno.test("the time limit includes the look-up of the name", {
  // It takes a file system of its own to say which server looks up names.
  ignore: !mayMount,
}, async () => {
  const dns = createSocket("udp4");
  await new Promise<void>((resolve) => dns.bind(53, "127.0.0.153", resolve));
  // The system would try for longer than a test may take.
  const text = "nameserver 127.0.0.153\noptions timeout:30 attempts:5\n";
  const file = await write("resolv.conf", text);
  const script = `mount --bind ${file} /etc/resolv.conf`;
  const commands = [
    "ping silent.example:1 -4 -c1 -W300ms",
    "ping udp://silent.example:1 -c1 -W300ms",
    "connect udp://silent.example:1 --timeout 300ms",
    "load udp://silent.example:1 --timeout 300ms",
    "load udp://silent.example:1 --wait 300ms",
    "load silent.example:1 --wait 300ms",
  ];
  await inEach(commands, async (words) => {
    const { code, stderr } = await runAfter(script, words.split(" "));
    assertMatch(stderr, /: timed out after 0\.3s\n$/);
    assertEquals(code, 2);
  });
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

Deno.test("a client uses only addresses of the family that was chosen", async () => {
  await using server = await startEcho("tcp");
  const port = portOf(server.endpoint);
  for (const call of Object.values(calls)) {
    const name = { scheme: "tcp", host: "localhost", port } as const;
    assertEquals(await call(name, { family: 4 }), undefined);
    const failure = await failureOf(call, { ...name, host: "127.0.0.1" }, { family: 6 });
    assertEquals(failure, "it has no IPv6 address");
  }
  const { stderr } = await runHere(["ping", `127.0.0.1:${port}`, "-6", "-c1", "-q"]);
  assertEquals(
    stderr,
    `yodel: cannot connect to tcp://127.0.0.1:${port}: it has no IPv6 address\n`,
  );
});

Deno.test("localhost is 127.0.0.1 and ::1 with one port, and a client may choose one", async () => {
  for (const scheme of ["tcp", "udp"] as const) {
    await using server = await serve({ scheme, host: "localhost", port: 0 }, { drain: 1 });
    const port = portOf(server.endpoints[0]);
    const both = [`${scheme}://127.0.0.1:${port}`, `${scheme}://[::1]:${port}`];
    assertEquals(server.endpoints.map(formatEndpoint), both);
    for (const [family, host] of [[4, "127.0.0.1"], [6, "[::1]"]] as const) {
      const options = { family, count: 1, timeout: PATIENT };
      const { outcomes, summary } = await results({ scheme, host: "localhost", port }, options);
      assertEquals([outcomes, summary.address], [["1 right"], `${host}:${port}`]);
    }
  }
});

Deno.test("connect -v prints the connection, TLS and what passed", async () => {
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
    }[scheme];
    const [first = "", ...rest] = stderr.split("\n");
    const place = `${scheme}://localhost:${port} \\(127.0.0.1:${port}\\)`;
    assertMatch(first, new RegExp(`^connected to ${place}${how}$`));
    assertMatch(rest.join("\n"), new RegExp(`^sent 6 bytes, 6 came back in ${time}: .*B/s\n$`));
  });
});

Deno.test("a Unix socket may have a name and no file, on Linux", onLinux, async () => {
  const path = `@yodel-${crypto.randomUUID()}`;
  const endpoint = { scheme: "unix", path } as const;
  await using server = await serve(endpoint, { drain: 1 });
  assertEquals(server.endpoints.map(formatEndpoint), [`unix:${path}`]);
  assertEquals(await calls.connect(endpoint, {}), undefined);
  const ofThatName = [...Deno.readDirSync(".")].filter((file) => file.name.startsWith("@yodel"));
  assertEquals(ofThatName, []);
});
