import assert from "node:assert";
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { after, before, test } from "node:test";

let yodel, port, control;

async function find(stream, pattern) {
  let text = "";
  for await (const chunk of stream) {
    const found = pattern.exec(text += chunk);
    if (found) return found[1];
  }
}

before(async () => {
  yodel = spawn("yodel", ["serve", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
  [port, control] = await Promise.all([
    find(yodel.stdout, /:(\d+)\n/),
    find(yodel.stderr, /(http:\S+\/faults)/),
  ]);
});
after(() => yodel.kill());

async function setFaults(...faults) {
  const { ok } = await fetch(control, { method: "PUT", body: JSON.stringify({ faults }) });
  assert(ok);
}

function ask(text) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (answer) => (resolve(String(answer)), socket.destroy()));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed without an answer")));
  });
}

async function askAgain(text, tries) {
  for (;;) {
    try {
      return await ask(text);
    } catch (error) {
      if (--tries === 0) throw error;
    }
  }
}

test("a client that retries survives two refused connections", async () => {
  await setFaults("refuse@1..2");
  assert.equal(await askAgain("hello", 3), "hello");
  const { injected } = await (await fetch(control)).json();
  assert.equal(injected["refuse@1..2"], 2);
});

test("a circuit breaker opens at the third failure and closes again", async () => {
  let failures = 0;
  const guarded = async (text) => {
    if (failures >= 3) throw new Error("open");
    return await ask(text).then((answer) => (failures = 0, answer), (error) => {
      failures++;
      throw error;
    });
  };
  await setFaults("refuse");
  for (let i = 0; i < 3; i++) await assert.rejects(guarded("hello"), /closed|ECONNRESET|EPIPE/);
  await assert.rejects(guarded("hello"), /open/);
  await setFaults();
  failures = 2; // half-open: one try
  assert.equal(await guarded("hello"), "hello");
  assert.equal(failures, 0);
});
