/** The server among programs that others wrote. CI installs them all. */
import { assertEquals } from "@std/assert";
import { random } from "./local.ts";
import { linux } from "./machine.ts";
import { available, shell } from "./program.ts";
import { caFile, startEcho } from "./servers.ts";

for (
  const [peer, scheme, command] of [
    ["nc", "tcp", "nc -N 127.0.0.1 $PORT"],
    ["ncat", "tcp", "ncat 127.0.0.1 $PORT"],
    ["socat", "tcp", "socat -t 30 - TCP:127.0.0.1:$PORT"],
    ["socat", "unix", "socat -t 30 - UNIX-CONNECT:$SOCKET"],
    ["socat", "tls", `socat -t 30 - OPENSSL:127.0.0.1:$PORT,cafile=${caFile}`],
    ["ncat", "tls", `ncat --ssl-verify --ssl-trustfile ${caFile} localhost $PORT`],
    // It leaves at the end of its input, which waits for the answer, and does not read while it writes.
    [
      "openssl",
      "tls",
      `(cat; until [ "$(wc -c <$FILE.out)" -ge "$(wc -c <$FILE)" ]; do sleep 0.02; done) |
        openssl s_client -quiet -no_ign_eof -CAfile ${caFile} -verify_return_error \\
        -connect 127.0.0.1:$PORT 2>/dev/null | tee $FILE.out`,
    ],
  ] as const
) {
  Deno.test(`${peer} gets back what it sends over ${scheme}, and ends by itself`, {
    // The nc of macOS has no -N, without which it would never end.
    ignore: !available(peer) || (peer === "nc" && !linux),
  }, async () => {
    await using server = await startEcho(scheme);
    const { endpoint, port } = server;
    // Most of them several times what the buffers of both sockets hold.
    const file = await Deno.makeTempFile();
    // openssl takes a Q or an R at the beginning of what it reads for a command.
    const bytes = peer === "openssl"
      ? random(10_000).map((byte) => byte & 0x1f)
      : random(20 * 1024 * 1024);
    await Deno.writeFile(file, bytes);
    const { code, stdout, stderr } = await shell(
      `set -o pipefail; FILE=${file} PORT=${port} SOCKET=${"path" in endpoint ? endpoint.path : ""}
      : >$FILE.out; { ${command}; } <$FILE | cmp - $FILE; code=$?; rm $FILE*; exit $code`,
    );
    assertEquals({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
  });
}
