/** Wrong certificates, and who refuses them for which reason. */
import { assertEquals, assertMatch } from "@std/assert";
import { FLAWS } from "../net/certificate.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { startFaulty } from "./faulty.ts";
import { portOf } from "./local.ts";
import { available, run, startServer, yodel } from "./program.ts";

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

for (const flaw of FLAWS) {
  const file = `${folder}/${flaw}.pem`;

  Deno.test(`a certificate that is ${flaw} is refused for that`, async () => {
    await using server = await startServer(
      ["tls://localhost:0", "--fault", `certificate=${flaw}`, "--write-ca", file],
    );
    const { port } = server;
    const why = REASONS[flaw];
    const ours = await yodel(["connect", `tls://localhost:${port}`, "--ca", file], "hello\n");
    assertEquals([ours.code, ours.stdout], [2, ""]);
    assertMatch(ours.stderr, why.yodel);
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
    const careless = await yodel(["connect", `tls://localhost:${port}`, "--insecure"], "hello\n");
    assertEquals(careless.stdout, "hello\n");
  });
}

Deno.test("the library hands out the CA of its throw-away certificate", async () => {
  await using server = await startFaulty("tls", [{ name: "certificate", value: "expired" }], {
    tls: {},
  });
  const { code, stderr } = await yodel(["connect", formatEndpoint(server.endpoint)], "hello\n");
  assertEquals(code, 2);
  assertMatch(stderr, new RegExp(`:${portOf(server.endpoint)}: its certificate has expired`));
});
