/**
 * A client of Node's sockets that does the work of `generator trips` and of `yodel load`: one
 * message under way on each connection, every byte compared, every round trip counted.
 *
 *     node node_client.mjs PORT CONNECTIONS SIZE WARM_UP SECONDS RATE
 *
 * With a RATE above 0 so many messages a second are due in all, and their time counts from when
 * they were. Prints an object of JSON, as the generator does.
 */
import { randomBytes } from "node:crypto";
import net from "node:net";
import process from "node:process";

const [port, connections, size, warmUp, seconds, rate] = process.argv.slice(2).map(Number);
/** Messages begin at every place of the first half, so that they differ. */
const pattern = randomBytes(256 + size);
/** Round trips by their time: 64 buckets for each power of two of nanoseconds. */
let buckets = new Float64Array(64 * 64);
let counted = 0;
let begun = 0;
let first = 0;
let start = 0;
let over = false;
const free = [];

class Connection {
  constructor(number) {
    this.number = number;
    this.position = 0;
    this.due = 0;
    this.socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    this.socket.on("connect", () => free.push(this) === connections && begin());
    this.socket.on("data", (bytes) => this.take(bytes));
    this.socket.on("error", ({ message }) => over || fail(message));
    this.socket.on("end", () => over || fail("the server ended a connection"));
  }

  send(due) {
    this.due = due;
    this.number = (this.number + 1) % 256;
    this.position = 0;
    this.socket.write(pattern.subarray(this.number, this.number + size));
  }

  take(bytes) {
    const from = this.number + this.position;
    this.position += bytes.length;
    if (
      this.position > size || pattern.compare(bytes, 0, bytes.length, from, from + bytes.length)
    ) {
      fail("what came back differs");
    }
    if (this.position < size || over) return;
    const time = performance.now();
    const nanoseconds = Math.max(64, (time - this.due) * 1e6);
    const power = Math.floor(Math.log2(nanoseconds));
    buckets[(power - 6) * 64 + Math.floor(nanoseconds / 2 ** (power - 6)) - 64]++;
    counted++;
    if (rate > 0) free.push(this);
    else this.send(time);
  }
}

/** All begin at once, when all are open. */
function begin() {
  first = start = performance.now();
  setTimeout(() => {
    buckets = new Float64Array(buckets.length);
    counted = 0;
    start = performance.now();
  }, warmUp * 1000);
  setTimeout(finish, (warmUp + seconds) * 1000);
  if (rate > 0) keepRate();
  else for (const connection of free) connection.send(first);
}

/** Sends what is due, and looks again as soon as events have been handled. */
function keepRate() {
  for (; free.length > 0; begun++) {
    const due = first + begun / rate * 1000;
    if (due > performance.now()) break;
    free.shift().send(due);
  }
  if (!over) setImmediate(keepRate);
}

function percentile(share) {
  let rank = share * counted;
  const at = buckets.findIndex((count) => (rank -= count) < 0);
  return (64.5 + at % 64) * 2 ** Math.floor(at / 64) / 1000;
}

function finish() {
  over = true;
  const perSecond = counted / (performance.now() - start) * 1000;
  const result = { per_second: perSecond, p50_us: percentile(0.5), p99_us: percentile(0.99) };
  console.log(JSON.stringify(result));
  process.exit(0);
}

function fail(what) {
  console.error(`node_client: ${what}`);
  process.exit(1);
}

for (let number = 0; number < connections; number++) new Connection(number * 37 % 256);
