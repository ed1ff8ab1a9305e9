import { serve } from "../../server.ts";

Deno.test("a circuit breaker opens at the third refused connection and closes again", async () => {
  await using server = await serve("127.0.0.1:0");
  const [endpoint] = server.endpoints;
  const port = endpoint !== undefined && "port" in endpoint ? endpoint.port : 0;
  let failures = 0;

  async function ask(): Promise<string> {
    if (failures >= 3) return "open";
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(new TextEncoder().encode("hello")).catch(() => {});
    const answer = await conn.read(new Uint8Array(9)).catch(() => null);
    failures = answer === null ? failures + 1 : 0;
    return answer === null ? "failed" : "right";
  }

  await server.setFaults(["refuse"]);
  const answers = [await ask(), await ask(), await ask(), await ask()];
  if (answers.join() !== "failed,failed,failed,open") throw new Error(answers.join());
  await server.setFaults([]);
  failures = 2; // half-open: one try
  if (await ask() !== "right" || failures > 0) throw new Error("it stays open");
});
