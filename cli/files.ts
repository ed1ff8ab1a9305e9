// Files that the program reads and writes.
import { folderOf, noFolder, reason } from "../errors/reason.ts";
import { YodelError } from "../errors/yodel_error.ts";

/** @throws {YodelError} if the file that is the value of the flag cannot be read */
export async function readText(flag: string, file: string): Promise<string> {
  return await Deno.readTextFile(file).catch(async (error) => {
    throw await readError(flag, file, error);
  });
}

/** The lines of a file, or of stdin for `-`, as they arrive, without a byte order mark. */
export async function* linesOf(flag: string, file: string): AsyncGenerator<string> {
  try {
    const { readable } = file === "-" ? Deno.stdin : await Deno.open(file);
    let line = "";
    for await (const part of readable.pipeThrough(new TextDecoderStream())) {
      const lines = (line + part).split("\n");
      line = lines.pop() ?? "";
      yield* lines;
    }
    yield line;
  } catch (error) {
    throw await readError(flag, file, error);
  }
}

async function readError(flag: string, file: string, error: unknown): Promise<YodelError> {
  const isLost = isAbsent(error) && await Deno.stat(folderOf(file)).then(() => false, isAbsent);
  return new YodelError(
    `--${flag}: cannot read ${file}: ${isLost ? noFolder(file) : reason(error)}`,
  );
}

/** Writes a file atomically; without a text, checks that it could. */
export async function replaceFile(flag: string, file: string, text?: string): Promise<void> {
  try {
    if (!await isReplaceable(file)) {
      if (text !== undefined) await Deno.writeTextFile(file, text);
      return;
    }
    const beside = `${file}.${crypto.randomUUID()}`;
    try {
      await Deno.writeTextFile(beside, text ?? "", { createNew: true });
      if (text !== undefined) await Deno.rename(beside, file);
    } finally {
      // It is still there after a check, and after a failure, as on a full disk.
      await Deno.remove(beside).catch(() => {});
    }
  } catch (error) {
    const why = isAbsent(error) ? noFolder(file) : reason(error);
    throw new YodelError(`--${flag}: cannot write ${file}: ${why}`);
  }
}

/** Pipes, devices and the targets of links have to be written to, not replaced. */
async function isReplaceable(file: string): Promise<boolean> {
  const found = await Deno.lstat(file).catch((error) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
  if (found?.isDirectory) throw new Error("it is a folder");
  return found === undefined || found.isFile;
}

function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound;
}
