/** A thread of a server that serves, and dies. */
import { thread } from "../../async/threads.ts";

thread("server", import.meta.url, () => ({
  serve() {
    setTimeout(() => {
      throw new Error("died on purpose");
    });
  },
  finish: () => new Promise(() => {}),
}));
