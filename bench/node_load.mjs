/**
 * A Node client that does the work of `yodel load -c CONNECTIONS -s SIZE`: one
 * message under way on each connection, every byte compared, every round trip
 * in an HdrHistogram.
 *
 *     node node_load.mjs MODULES PORT CONNECTIONS SIZE SECONDS
 *
 * MODULES is a folder in whose node_modules hdr-histogram-js is. Prints JSON.
 */
import { createRequire } from "node:module";
import net from "node:net";
import process from "node:process";

const [modules, ...numbers] = process.argv.slice(2);
const [port, connections, size, seconds] = numbers.map(Number);
const { Float64Histogram } = createRequire(`${modules}/`)("hdr-histogram-js");

const histogram = new Float64Histogram(1, 3.6e12, 3);
const messages = Array.from({ length: 256 }, (_, i) => {
  const message = Buffer.alloc(size);
  for (let at = 0; at < size; at++) message[at] = Math.random() * 256;
  message[0] = i;
  return message;
});
let right = 0;
let altered = 0;
let over = false;
let open = 0;
let start = 0;

function converse(first) {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
  let number = first;
  let position = 0;
  let sentAt = 0;
  const send = () => {
    sentAt = performance.now();
    socket.write(messages[number & 255]);
  };
  socket.on("connect", () => {
    // All begin at once, when all are open.
    if (++open < connections) return void waiting.push(send);
    start = performance.now();
    setTimeout(finish, seconds * 1000);
    for (const begin of [...waiting, send]) begin();
  });
  socket.on("data", (bytes) => {
    const expected = messages[number & 255];
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== expected[position + i]) altered++;
    }
    position += bytes.length;
    if (position < size) return;
    right++;
    histogram.recordValue(Math.round((performance.now() - sentAt) * 1e6));
    position = 0;
    number++;
    if (over) socket.destroy();
    else send();
  });
}

function finish() {
  over = true;
  const elapsed = performance.now() - start;
  console.log(JSON.stringify({
    messages_per_s: right / elapsed * 1000,
    p50_ms: histogram.getValueAtPercentile(50) / 1e6,
    altered,
  }));
}

const waiting = [];
for (let i = 0; i < connections; i++) converse(i * 37);
