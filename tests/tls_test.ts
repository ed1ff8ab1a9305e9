/** TLS: who trusts whom. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { connect, EchoError, ping } from "../client.ts";
import { makeIdentity } from "../net/certificate.ts";
import { formatEndpoint, serve } from "../server.ts";
import { inputOf, nowhere } from "./faulty.ts";
import { runHere } from "./in_process.ts";
import { dialPort, freePort, portOf, startCustom, writeAll } from "./local.ts";
import { PATIENT, pause, until } from "./machine.ts";
import { available, shell, startServer } from "./program.ts";
import { ca, caFile, cert, certFile, folder, key, keyFile, startEcho, write } from "./servers.ts";

const openssl = { ignore: !available("openssl") };

const [client, strange] = [await makeIdentity(["client"]), await makeIdentity(["strange"])];

/** What only openssl makes: certificates for servers only, of version 1, and of their own. */
const made = available("openssl")
  ? await shell(`set -e; cd ${folder}; new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
    openssl req -x509 $new -keyout wanted.key -out wanted.pem -days 5 -subj /CN=wanted
    signed() { openssl req -new $new -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"; echo "$2" >"$1.ext"
      openssl x509 -req -in "$1.csr" -CA wanted.pem -CAkey wanted.key -CAcreateserial -days 5 \\
        -out "$1.pem" \${2:+-extfile "$1.ext"}; }
    signed server extendedKeyUsage=serverAuth
    signed old ""
    openssl req -x509 $new -keyout self.key -out self.pem -days 5 -subj /CN=localhost \\
      -addext subjectAltName=IP:127.0.0.1
    openssl pkcs8 -topk8 -in self.key -passout pass:x -out secret.key`)
  : undefined;

/** Reads a certificate that openssl has made, and its key. */
async function read(name: string): Promise<{ cert: string; key: string }> {
  assertEquals(made?.code, 0, made?.stderr);
  return {
    cert: await Deno.readTextFile(`${folder}/${name}.pem`),
    key: await Deno.readTextFile(`${folder}/${name}.key`),
  };
}

/** How `connect` says hello. */
const hello = () => ({ input: inputOf("hello\n"), output: nowhere, timeout: PATIENT });

Deno.test("a generated certificate is for the endpoint and --cert-name, trusted with --write-ca", async () => {
  const written = `${folder}/written.pem`;
  const more = ["--cert-name", "one.example", "--cert-name", "two.example"];
  await using server = await startServer(["tls://localhost:0", "--write-ca", written, ...more]);
  // A server that cannot listen leaves the CA of another as it is.
  const [first = ""] = server.endpoints;
  const { code, stderr } = await runHere(["serve", first, "--write-ca", written]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, `cannot listen on ${first}: address in use`);
  const ca = await Deno.readTextFile(written);
  for (const endpoint of server.endpoints) {
    for (const serverName of [undefined, "localhost", "one.example", "two.example"]) {
      const options = { count: 1, timeout: PATIENT, tls: { ca, serverName } };
      assertEquals((await ping(endpoint, options)).right, 1, serverName);
    }
  }
  server.process.kill("SIGTERM");
  assertStringIncludes(await server.log, " warn made a throw-away certificate ");
});

Deno.test("a server that is not trusted is one line that says why, with status 2", async () => {
  await using server = await startEcho("tls");
  const name = formatEndpoint(server.endpoint);
  const unsigned = "its certificate is not signed by a CA that is trusted here; " +
    "use --ca FILE to trust its CA, or --insecure to trust any certificate";
  for (
    const [flags, why] of [
      [[], unsigned],
      [["--ca", await write("strange-ca.pem", strange.ca)], unsigned],
      [["--ca", caFile, "--server-name", "example.org"], "its certificate is for another name"],
    ] as const
  ) {
    assertEquals(await runHere(["connect", name, ...flags]), {
      code: 2,
      stdout: "",
      stderr: `yodel: cannot connect to ${name}: ${why}\n`,
    });
  }
  const { code, stderr } = await runHere(["ping", name, "--insecure", "-c1", "-W1m"]);
  assertEquals([code, stderr], [0, "yodel: warning: the server's certificate is not verified\n"]);
});

Deno.test("--client-ca refuses other clients, and the log says why", openssl, async () => {
  const lines: string[] = [];
  const wanted = await read("wanted");
  await using server = await serve("tls://127.0.0.1:0", {
    tls: { cert, key, clientCa: client.ca + wanted.cert },
    log: { info: (_, fields) => void lines.push(String(fields?.error)) },
  });
  const [endpoint = ""] = server.endpoints;
  const say = (tls: Partial<typeof client>) =>
    connect(endpoint, { ...hello(), tls: { cert: tls.cert, key: tls.key, ca } });
  assertEquals(await say(client), { sent: 6, received: 6 });
  for (
    const [shown, why] of [
      [strange, "its certificate is not signed by a CA that is trusted here (CN=yodel)"],
      [await read("server"), "its certificate is not for clients (CN=server)"],
      [await read("old"), "its certificate has X.509 version 1; version 3 is required (CN=old)"],
      [{}, "it sent no certificate"],
    ] as const
  ) {
    const refused =
      "the server ended the connection without an answer; it may require a client certificate";
    await assertRejects(() => say(shown), EchoError, refused);
    await until(() => lines.includes(`refused: ${why}`), `the log says why: ${lines}`);
  }
});

Deno.test("a self-signed certificate is trusted with --ca", openssl, async () => {
  const self = await read("self");
  await using server = await serve("tls://127.0.0.1:0", { tls: self });
  const options = { count: 1, timeout: PATIENT, tls: { ca: self.cert } };
  assertEquals((await ping(server.endpoints[0] ?? "", options)).right, 1);
});

Deno.test("clients that leave in mid-handshake do not stay with a server that asks for certificates", async () => {
  const tls = { cert, key, clientCa: client.ca };
  const limits = { idleTimeout: 0, maxConnections: 1 };
  await using server = await serve("tls://127.0.0.1:0", { tls, ...limits });
  const [endpoint] = server.endpoints;
  for (let i = 0; i < 5; i++) (await dialPort(portOf(endpoint))).close();
  const files = [await write("client.pem", client.cert), await write("client.key", client.key)];
  const [certFile = "", keyFile = ""] = files;
  const show = ["--ca", caFile, "--cert", certFile, "--key", keyFile];
  const { code, stdout } = await runHere(["ping", `${endpoint}`, ...show, "-c1", "-W1m"]);
  assertEquals(code, 0, stdout);
});

Deno.test("what is wrong with a file is one line that names it", openssl, async () => {
  await read("self");
  const at = (name: string) => `${folder}/${name}`;
  const other = await write("strange.key", strange.key);
  const empty = await write("empty.pem", "hello\n");
  const secret = at("secret.key");
  const mismatch = "cannot listen on tls://127.0.0.1:2: the key does not belong to the certificate";
  const old = "cannot listen on tls://127.0.0.1:2: " +
    "the certificate has X.509 version 1; version 3 is required";
  const encrypted = "the key is encrypted; decrypt it";
  for (
    const [words, message] of [
      [`--cert ${certFile} --key ${other}`, mismatch],
      [`--cert ${certFile} --key ${other} --client-ca ${caFile}`, mismatch],
      [
        `--cert ${certFile} --key /nowhere`,
        "--key: cannot read /nowhere: no such file or directory",
      ],
      [
        `--cert ${certFile} --key ${keyFile} --client-ca ${empty}`,
        `--client-ca: ${empty}: it holds no certificate in PEM`,
      ],
      [
        `--cert ${at("self.pem")} --key ${secret}`,
        `--key: ${secret}: ${encrypted}: openssl pkey -in ${secret} -out plain.pem`,
      ],
      [
        `--cert ${keyFile} --key ${certFile}`,
        `--cert: ${keyFile}: it holds a key and no certificate`,
      ],
      [
        `--cert ${certFile} --key ${certFile}`,
        `--key: ${certFile}: it holds a certificate and no key`,
      ],
      [`--cert ${at("old.pem")} --key ${at("old.key")}`, old],
      [`--ca ${empty}`, `--ca: ${empty}: it holds no certificate in PEM`],
    ] as const
  ) {
    const command = words.startsWith("--ca ") ? "connect" : "serve";
    const result = await runHere([command, "tls://127.0.0.1:2", ...words.split(" ")]);
    assertEquals(result, { code: 2, stdout: "", stderr: `yodel: ${message}\n` });
  }
});

Deno.test("the client detects a TLS server that returns something else", openssl, async () => {
  const port = freePort();
  const server = new Deno.Command("openssl", {
    args: [
      ...["s_server", "-quiet", "-rev", "-accept", `127.0.0.1:${port}`],
      ...["-cert", certFile, "-key", keyFile],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  for (let listens = false; !listens; await pause(10)) {
    listens = await dialPort(port).then((conn) => conn.close()).then(() => true, () => false);
  }
  await assertRejects(
    () => connect(`tls://127.0.0.1:${port}`, { ...hello(), verify: true, tls: { ca } }),
    EchoError,
    "differs at byte 0: expected 0x68, got 0x6f",
  ).finally(() => server.kill());
  await server.status;
});

Deno.test("byte order marks in certificates and keys change nothing, on both sides", async () => {
  const mark = "\ufeff";
  await using server = await serve("tls://127.0.0.1:0", {
    tls: { cert: mark + cert, key: mark + key, clientCa: mark + client.ca + mark + strange.ca },
  });
  const { right } = await ping(server.endpoints[0] ?? "", {
    count: 1,
    timeout: PATIENT,
    tls: { ca: mark + ca + mark + strange.ca, cert: mark + client.cert, key: mark + client.key },
  });
  assertEquals(right, 1);
});

Deno.test("a client with TLS says that the server has none", async () => {
  await using server = await startEcho("tcp");
  const name = formatEndpoint(server.endpoint).replace("tcp", "tls");
  assertEquals(await runHere(["connect", name, "--ca", caFile]), {
    code: 2,
    stdout: "",
    stderr: `yodel: cannot connect to ${name}: ` +
      "the server does not use TLS; did you mean tcp://?\n",
  });
});

Deno.test("every client without TLS says that the server has it", async () => {
  await using server = await startEcho("tls");
  const name = formatEndpoint(server.endpoint).replace("tls", "tcp");
  const hint = "; the server expects TLS; did you mean tls://?";
  for (const verify of [false, true]) {
    await assertRejects(() => connect(name, { ...hello(), verify }), EchoError, hint);
  }
  for (const words of [["ping", name, "-c1"], ["load", name, "-c1", "-d200ms"]]) {
    const { code, stdout } = await runHere(words);
    assertEquals(code, 1);
    assertStringIncludes(stdout, hint);
  }
  // Its alert may come before anything is sent.
  const alert = new Uint8Array([21, 3, 3, 0, 2, 2, 40]);
  await using hasty = startCustom((conn) => writeAll(conn, alert));
  const options = { ...hello(), input: inputOf("", false), verify: true };
  await assertRejects(() => connect(hasty.endpoint, options), EchoError, `byte 0 on${hint}`);
});
