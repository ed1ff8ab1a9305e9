import { SCHEMES, STREAMS } from "../../net/transports.ts";
import { fault } from "./fault.ts";

/** How long a datagram waits for the one that overtakes it, in milliseconds. */
const LONGEST_WAIT = 200;

export const reorder = fault({
  name: "reorder",
  chance: { of: "reads", usual: 1 },
  transports: SCHEMES.filter((scheme) => !STREAMS.includes(scheme)),
  help: "send after the next datagram, or in 200ms",
  async *stage(chunks, _, context) {
    const datagrams = chunks[Symbol.asyncIterator]();
    let coming = datagrams.next();
    for (;;) {
      const datagram = await coming;
      if (datagram.done) return;
      coming = datagrams.next();
      let { due } = datagram.value;
      if (context.draw(datagram.value.offset) !== undefined) {
        // Nothing follows the last one.
        const next = await Promise.race([coming, context.wait(LONGEST_WAIT)]);
        context.recordInjection();
        if (typeof next === "object" && !next.done) {
          due = Math.max(due, next.value.due);
          yield next.value;
          coming = datagrams.next();
        }
      }
      yield { ...datagram.value, due };
    }
  },
});
