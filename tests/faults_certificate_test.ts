/** Wrong certificates, and the reasons for which clients refuse them. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type ClientTls, connect, type Exchange, YodelError } from "../client.ts";
import { FLAWS } from "../net/certificate.ts";
import { inputOf, nowhere } from "./faulty.ts";
import { startLocal } from "./local.ts";
import { PATIENT } from "./machine.ts";
import { available, run, startServer } from "./program.ts";
import { folder } from "./servers.ts";

/** What yodel and openssl say, where they trust the CA that the server wrote. */
const REASONS: Record<typeof FLAWS[number], [yodel: RegExp, openssl: RegExp]> = {
  "expired": [/its certificate has expired/, /num=10:certificate has expired/],
  "not-yet": [/its certificate is not valid yet/, /num=9:certificate is not yet valid/],
  "wrong-name": [/its certificate is for another name/, /num=62:hostname mismatch/],
  "self-signed": [
    /its certificate is self-signed, and not trusted here/,
    /num=18:self.signed certificate/,
  ],
  "unknown-ca": [
    /its certificate is not signed by a CA that is trusted here/,
    /num=20:unable to get local issuer certificate/,
  ],
};

/** Sends a line to a server, verified. */
async function say(port: number, tls: ClientTls): Promise<Exchange> {
  const options = { input: inputOf("hello\n"), output: nowhere, verify: true, timeout: PATIENT };
  return await connect(`tls://localhost:${port}`, { ...options, tls });
}

for (const flaw of FLAWS) {
  Deno.test(`a certificate that is ${flaw} is refused for that`, async () => {
    await using server = await startLocal({ faults: [`certificate=${flaw}`] }, "tls://localhost:0");
    const { port } = server;
    const [yodel, openssl] = REASONS[flaw];
    const { ca = "" } = server.certificate ?? {};
    const file = `${folder}/${flaw}.pem`;
    await Deno.writeTextFile(file, ca);
    const ours = await assertRejects(() => say(port, { ca }), YodelError);
    assertEquals(ours.exitStatus, 2);
    assertMatch(ours.message, yodel);
    if (available("openssl")) {
      const command = `openssl s_client -connect localhost:${port} -CAfile ${file} ` +
        "-verify_return_error -verify_hostname localhost";
      const { code, stdout, stderr } = await run(command.split(" "));
      assertEquals(code, 1);
      assertMatch(stdout + stderr, openssl);
    }
    // Nothing else is wrong with it: a client that does not verify gets an echo.
    assertEquals(await say(port, { insecure: true }), { sent: 6, received: 6 });
  });
}

Deno.test("the CA of a throw-away certificate with a flaw is written for those who refuse it", async () => {
  const file = `${folder}/flawed.pem`;
  await using server = await startServer(
    ["tls://localhost:0", "--fault", "certificate=expired", "--write-ca", file],
  );
  for (const tls of [{ ca: await Deno.readTextFile(file) }, {}]) {
    const { message } = await assertRejects(() => say(server.port, tls), YodelError);
    assertMatch(message, new RegExp(`:${server.port}: its certificate has expired`));
  }
});
