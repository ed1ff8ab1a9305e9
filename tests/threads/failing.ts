/** A thread that listens, and fails at the first message. */
import { thread } from "../../async/threads.ts";

thread<string, string>("failing", import.meta.url, () => (message) => {
  throw new Error(`no ${message}`);
});
