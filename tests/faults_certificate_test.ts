/** Wrong certificates, and who refuses them for which reason. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type ClientTls, connect, type Exchange, YodelError } from "../client.ts";
import { FLAWS } from "../net/certificate.ts";
import { serve } from "../server.ts";
import { inputOf, nowhere } from "./faulty.ts";
import { PATIENT, portOf } from "./local.ts";
import { available, run, startServer } from "./program.ts";

const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** What each of them says, where it trusts the CA that the server wrote. */
const REASONS: Record<typeof FLAWS[number], Record<"yodel" | "openssl" | "curl", RegExp>> = {
  "expired": {
    yodel: /its certificate has expired/,
    openssl: /verify error:num=10:certificate has expired/,
    curl: /certificate has expired|expired/,
  },
  "not-yet": {
    yodel: /its certificate is not valid yet/,
    openssl: /verify error:num=9:certificate is not yet valid/,
    curl: /not yet valid/,
  },
  "wrong-name": {
    yodel: /its certificate is for another name/,
    openssl: /verify error:num=62:hostname mismatch/,
    curl: /(no alternative certificate subject name matches|does not match)/,
  },
  "self-signed": {
    yodel: /its certificate is self-signed, and not trusted here/,
    openssl: /verify error:num=18:self.signed certificate/,
    curl: /self.signed certificate/,
  },
  "unknown-ca": {
    yodel: /its certificate is not signed by a CA that is trusted here/,
    openssl: /verify error:num=20:unable to get local issuer certificate/,
    curl: /unable to get local issuer certificate/,
  },
};

/** Sends a line to a server, verified. */
async function say(port: number, tls: ClientTls): Promise<Exchange> {
  const options = { input: inputOf("hello\n"), output: nowhere, verify: true, timeout: PATIENT };
  return await connect(`tls://localhost:${port}`, { ...options, tls });
}

for (const flaw of FLAWS) {
  const file = `${folder}/${flaw}.pem`;

  Deno.test(`a certificate that is ${flaw} is refused for that`, async () => {
    await using server = await serve("tls://localhost:0", { faults: [`certificate=${flaw}`] });
    const port = portOf(server.endpoints[0]);
    const why = REASONS[flaw];
    const { ca = "" } = server.certificate ?? {};
    await Deno.writeTextFile(file, ca);
    const ours = await assertRejects(() => say(port, { ca }), YodelError);
    assertEquals(ours.exitStatus, 2);
    assertMatch(ours.message, why.yodel);
    if (available("openssl")) {
      const { code, stdout, stderr } = await run(
        `openssl s_client -connect localhost:${port} -CAfile ${file} -verify_return_error -verify_hostname localhost`
          .split(" "),
      );
      assertEquals(code, 1);
      assertMatch(stdout + stderr, why.openssl);
    }
    if (available("curl")) {
      const { code, stderr } = await run(
        `curl -sS --cacert ${file} https://localhost:${port}/`.split(" "),
      );
      assertEquals(code, 60);
      assertMatch(stderr, why.curl);
    }
    // Nothing else is wrong with it: who does not look gets an echo.
    assertEquals(await say(port, { insecure: true }), { sent: 6, received: 6 });
  });
}

Deno.test("the CA of a throw-away certificate with a flaw is written for those who refuse it", async () => {
  const file = `${folder}/ca.pem`;
  await using server = await startServer(
    ["tls://localhost:0", "--fault", "certificate=expired", "--write-ca", file],
  );
  for (const tls of [{ ca: await Deno.readTextFile(file) }, {}]) {
    const { message } = await assertRejects(() => say(server.port, tls), YodelError);
    assertMatch(message, new RegExp(`:${server.port}: its certificate has expired`));
  }
});
