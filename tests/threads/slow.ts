/** A thread that does not listen at once, and then returns what it is given. */
import { thread } from "../../async/threads.ts";

await new Promise((resolve) => setTimeout(resolve, 400));
thread("slow", import.meta.url, () => ({ echo: (message: string) => message }));
