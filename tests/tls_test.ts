/** TLS, in serve and connect, with programs that others wrote. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ping } from "../client.ts";
import { makeIdentity } from "../net/certificate.ts";
import { serve, type Server } from "../server.ts";
import { dialPort, freePort, PATIENT, pause, portOf, random } from "./local.ts";
import { runHere } from "./in_process.ts";
import { available, shell, startServer, yodel } from "./program.ts";

const ignore = !available("openssl");
const folder = await Deno.makeTempDir();

/** Makes a CA, a server's and a client's certificate in files of the folder, once for all tests. */
async function identities(): Promise<void> {
  const server = await makeIdentity(["localhost", "127.0.0.1", "::1"]);
  const client = await makeIdentity(["client"]);
  const strange = await makeIdentity(["example.org"]);
  const files = { server, client, strange };
  for (const [name, { ca, cert, key }] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}-ca.pem`, ca);
    await Deno.writeTextFile(`${folder}/${name}.pem`, cert);
    await Deno.writeTextFile(`${folder}/${name}-key.pem`, key);
  }
  await Deno.writeFile(`${folder}/sent`, random(20 * 1024 * 1024));
}
await identities();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

const own = ["--cert", `${folder}/server.pem`, "--key", `${folder}/server-key.pem`];

/** Starts a server in this process, with that certificate. */
async function start(clientCa?: string): Promise<Server & { port: number; endpoint: string }> {
  const read = async (name: string) => await Deno.readTextFile(`${folder}/${name}.pem`);
  const server = await serve("tls://127.0.0.1:0", {
    tls: {
      cert: await read("server"),
      key: await read("server-key"),
      clientCa: clientCa && await read(clientCa),
    },
    drain: 1,
  });
  const port = portOf(server.endpoints[0]);
  return { ...server, port, endpoint: `tls://127.0.0.1:${port}` };
}
const trust = ["--ca", `${folder}/server-ca.pem`];

Deno.test("20 MiB come back through TLS, verified", { ignore }, async () => {
  await using server = await startServer(["tls://127.0.0.1:0", ...own]);
  assertMatch(server.endpoints[0] ?? "", /^tls:\/\/127\.0\.0\.1:\d+$/);
  const result = await shell(
    `set -o pipefail
    yodel connect ${server.endpoints[0]} ${trust.join(" ")} --verify <${folder}/sent |
      cmp - ${folder}/sent`,
  );
  assertEquals(result, { code: 0, stdout: "", stderr: "" });
});

Deno.test("a server without a certificate makes its own, and --write-ca lets clients trust it", {
  ignore,
}, async () => {
  const ca = `${folder}/written.pem`;
  await using server = await startServer(["tls://localhost:0", "--write-ca", ca]);
  for (const endpoint of [...server.endpoints, `tls://localhost:${server.port}`]) {
    assertEquals(await yodel(["connect", endpoint, "--ca", ca], "hello\n"), {
      code: 0,
      stdout: "hello\n",
      stderr: "",
    });
  }
  server.process.kill("SIGTERM");
  assertStringIncludes(await server.log, " warn made a throw-away certificate ");
});

for (
  const [peer, command] of [
    [
      "openssl",
      `openssl s_client -quiet -no_ign_eof -CAfile TRUSTED -verify_return_error -connect`,
    ],
    ["ncat", "ncat --ssl-verify --ssl-trustfile TRUSTED"],
    ["socat", "socat -t 10 - OPENSSL:"],
    ["python3", "python3"],
  ] as const
) {
  Deno.test(`${peer} gets back through TLS what it sends`, {
    ignore: ignore || !available(peer),
  }, async () => {
    await using server = await start();
    const { port } = server;
    const withCa = command.replace("TRUSTED", `${folder}/server-ca.pem`);
    const words = {
      // It leaves at the end of its input, so that has to wait for the answer.
      openssl: `: >${folder}/out
        { cat ${folder}/some
          until [ "$(wc -c <${folder}/out)" -ge "$(wc -c <${folder}/some)" ]; do sleep 0.02; done
        } | ${withCa} 127.0.0.1:${port} 2>/dev/null >${folder}/out; cat ${folder}/out`,
      ncat: `${withCa} localhost ${port} <${folder}/some`,
      socat: `${withCa}127.0.0.1:${port},cafile=${folder}/server-ca.pem <${folder}/some`,
      python3: `python3 -c '
import socket, ssl, sys
context = ssl.create_default_context(cafile="${folder}/server-ca.pem")
s = context.wrap_socket(socket.create_connection(("127.0.0.1", ${port})), server_hostname="localhost")
sent = open("${folder}/some", "rb").read()
s.sendall(sent)
returned = b""
while len(returned) < len(sent): returned += s.recv(65536)
sys.stdout.buffer.write(returned)'`,
    };
    await Deno.writeTextFile(`${folder}/some`, "hello, wörld\n".repeat(1000));
    const { code, stderr } = await shell(
      `set -o pipefail; { ${words[peer]}; } | cmp - ${folder}/some`,
    );
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
  });
}

Deno.test("a certificate that is not to be trusted is one line that says why, status 2", {
  ignore,
}, async () => {
  await using server = await start();
  const { endpoint } = server;
  const unsigned = "its certificate is not signed by a CA that is trusted here; " +
    "--ca FILE trusts one, --insecure trusts anybody";
  for (
    const [flags, why] of [
      [[], unsigned],
      [["--ca", `${folder}/strange-ca.pem`], unsigned],
      [[...trust, "--server-name", "example.org"], "its certificate is for another name"],
    ] as const
  ) {
    assertEquals(await yodel(["connect", endpoint, ...flags], "hello\n"), {
      code: 2,
      stdout: "",
      stderr: `yodel: cannot connect to ${endpoint}: ${why}\n`,
    });
  }
  const insecure = await yodel(["connect", endpoint, "--insecure", "--verify"], "hello\n");
  assertEquals(insecure, {
    code: 0,
    stdout: "hello\n",
    stderr: "yodel: warning: the server's certificate is not verified\n",
  });
  const named = await yodel(["connect", endpoint, ...trust, "--server-name", "localhost"], "hi\n");
  assertEquals(named, { code: 0, stdout: "hi\n", stderr: "" });
});

Deno.test("a certificate that has expired is not trusted", { ignore }, async () => {
  await Deno.mkdir(`${folder}/ca`);
  // Only `openssl ca` can make a certificate of the past.
  const made = await shell(`cd ${folder}/ca; : >index; echo 01 >serial
    printf 'subjectAltName=IP:127.0.0.1' >names
    printf '%s\n' '[ca]' default_ca=d '[d]' database=index serial=serial new_certs_dir=. \
      default_md=sha256 policy=p '[p]' commonName=supplied >config
    new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
    openssl req -x509 $new -keyout ca.key -out ca.pem -subj /CN=ca -days 30 &&
    openssl req $new -keyout old.key -out old.csr -subj /CN=old &&
    openssl ca -batch -config config -cert ca.pem -keyfile ca.key -in old.csr -out old.pem \
      -startdate 20200101000000Z -enddate 20200201000000Z -extfile names`);
  assertEquals(made.code, 0, made.stderr);
  const at = `${folder}/ca`;
  await using server = await startServer(
    ["tls://127.0.0.1:0", "--cert", `${at}/old.pem`, "--key", `${at}/old.key`],
  );
  const [endpoint = ""] = server.endpoints;
  assertEquals(await yodel(["connect", endpoint, "--ca", `${at}/ca.pem`], "hello\n"), {
    code: 2,
    stdout: "",
    stderr: `yodel: cannot connect to ${endpoint}: its certificate has expired\n`,
  });
});

Deno.test("--client-ca refuses clients that it has not signed", { ignore }, async () => {
  await using server = await start("client-ca");
  const { endpoint } = server;
  const show = (name: string) => [
    ...["--cert", `${folder}/${name}.pem`, "--key", `${folder}/${name}-key.pem`],
  ];
  const signed = await shell(
    `set -o pipefail
    yodel connect ${endpoint} ${[...trust, ...show("client")].join(" ")} --verify <${folder}/sent |
      cmp - ${folder}/sent`,
  );
  assertEquals(signed, { code: 0, stdout: "", stderr: "" });
  for (const flags of [[], show("strange")]) {
    const refused = await yodel(["connect", endpoint, ...trust, ...flags], "hello\n");
    assertEquals({ code: refused.code, stdout: refused.stdout }, { code: 1, stdout: "" });
    assertMatch(refused.stderr, /^yodel: tls:.*\n$/);
  }
});

Deno.test("what is no TLS, or leaves in mid-handshake, disturbs nobody", { ignore }, async () => {
  await using server = await startServer(["tls://127.0.0.1:0", ...own]);
  const plain = await dialPort(server.port);
  await plain.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
  for (let i = 0; i < 10; i++) (await dialPort(server.port)).close();
  using silent = await dialPort(server.port);
  const endpoint = server.endpoints[0] ?? "";
  const { code, stdout } = await yodel(["connect", endpoint, ...trust, "--verify"], "hello\n");
  assertEquals({ code, stdout }, { code: 0, stdout: "hello\n" });
  plain.close();
  silent.close();
  server.process.kill("SIGTERM");
  assertEquals((await server.process.status).code, 0);
});

Deno.test("a key that does not match, or a file that is not there, is one line, status 2", {
  ignore,
}, async () => {
  const cert = `${folder}/server.pem`;
  assertEquals(
    await runHere([
      "serve",
      "tls://127.0.0.1:0",
      "--cert",
      cert,
      "--key",
      `${folder}/client-key.pem`,
    ]),
    {
      code: 2,
      stdout: "",
      stderr: "yodel: cannot listen on tls://127.0.0.1:0: the key is not that of the certificate\n",
    },
  );
  assertEquals(await runHere(["serve", "tls://127.0.0.1:0", "--cert", cert, "--key", "/nowhere"]), {
    code: 2,
    stdout: "",
    stderr: "yodel: --key: cannot read /nowhere: no such file\n",
  });
});

Deno.test("a client CA that is none, or a key for another certificate, is one line", {
  ignore,
}, async () => {
  for (
    const [key, ca, message] of [
      ["server-key.pem", "sent", `--client-ca: ${folder}/sent: it holds no certificate in PEM`],
      [
        "client-key.pem",
        "client-ca.pem",
        "cannot listen on tls://127.0.0.1:0: the key is not that of the certificate",
      ],
    ]
  ) {
    const files = ["--cert", `${folder}/server.pem`, "--key", `${folder}/${key}`];
    const flags = [...files, "--client-ca", `${folder}/${ca}`];
    assertEquals(await runHere(["serve", "tls://127.0.0.1:0", ...flags]), {
      code: 2,
      stdout: "",
      stderr: `yodel: ${message}\n`,
    });
  }
});

Deno.test(
  "clients that leave in mid-handshake do not stay with a server that asks for certificates",
  {
    ignore,
  },
  async () => {
    await using server = await startServer([
      ...["tls://127.0.0.1:0", ...own, "--client-ca", `${folder}/client-ca.pem`],
      ...["--idle-timeout", "0", "--max-connections", "1"],
    ]);
    for (let i = 0; i < 5; i++) (await dialPort(server.port)).close();
    const show = ["--cert", `${folder}/client.pem`, "--key", `${folder}/client-key.pem`];
    const [endpoint = ""] = server.endpoints;
    const { code, stdout } = await yodel(["connect", endpoint, ...trust, ...show], "hello\n");
    assertEquals({ code, stdout }, { code: 0, stdout: "hello\n" });
  },
);

Deno.test("the client finds out a TLS server that returns something else", {
  ignore,
}, async () => {
  const port = freePort();
  const server = new Deno.Command("openssl", {
    args: [
      ...["s_server", "-quiet", "-rev", "-accept", `127.0.0.1:${port}`],
      ...["-cert", `${folder}/server.pem`, "-key", `${folder}/server-key.pem`],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let listens = false;
  while (!listens) {
    listens = await dialPort(port).then((conn) => conn.close()).then(() => true, () => false);
    await pause(10);
  }
  const words = ["connect", `tls://127.0.0.1:${port}`, ...trust, "--verify"];
  const result = await yodel(words, "hello\n");
  server.kill();
  await server.status;
  assertEquals(result.code, 1);
  assertStringIncludes(
    result.stderr,
    "differs at byte 0: expected 0x68, got 0x6f",
  );
});

Deno.test("byte order marks in certificates and keys change nothing, on both sides", async () => {
  const mark = "\ufeff";
  const [server, client] = [await makeIdentity(["127.0.0.1"]), await makeIdentity(["client"])];
  const other = await makeIdentity(["other"]);
  await using running = await serve("tls://127.0.0.1:0", {
    tls: {
      cert: mark + server.cert,
      key: mark + server.key,
      clientCa: mark + client.ca + mark + other.ca,
    },
  });
  const [endpoint] = running.endpoints;
  assert(endpoint !== undefined);
  const { right } = await ping(endpoint, {
    count: 1,
    timeout: PATIENT,
    tls: {
      ca: mark + server.ca + mark + other.ca,
      cert: mark + client.cert,
      key: mark + client.key,
    },
  });
  assertEquals(right, 1);
});
