/** A thread that listens, and fails at the first message. */
import { listen } from "../../async/threads.ts";

listen<string, string>((message) => {
  throw new Error(`no ${message}`);
});
