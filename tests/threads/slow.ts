/** A thread that does not listen at once, and then sends back what it is sent. */
import { thread } from "../../async/threads.ts";

await new Promise((resolve) => setTimeout(resolve, 400));
thread<string, string>("slow", import.meta.url, (send) => (message) => send(message));
