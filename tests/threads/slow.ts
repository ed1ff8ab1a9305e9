/** A thread that does not listen at once, and then sends back what it is sent. */
import { listen } from "../../async/threads.ts";

await new Promise((resolve) => setTimeout(resolve, 400));
const tell = listen<string, string>((message) => tell(message));
