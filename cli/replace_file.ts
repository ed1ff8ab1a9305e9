// Files that the program writes.
import { noFolder, reason } from "../errors/reason.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Finds out whether a file can be written, and leaves it as it is.
 *
 * @param flag whose value the file is
 * @throws {UsageError} where it cannot
 */
export async function checkWritable(flag: string, file: string): Promise<void> {
  await orComplain(flag, file, async () => {
    if (!await isReplaceable(file)) return;
    const beside = besideOf(file);
    await Deno.writeTextFile(beside, "", { createNew: true });
    await Deno.remove(beside);
  });
}

/**
 * Writes a file. What there was of this name stays until all is written: a
 * program that reads it finds the old text or the new one.
 *
 * @param flag whose value the file is
 * @throws {UsageError} where it cannot be written
 */
export async function replaceFile(flag: string, file: string, text: string): Promise<void> {
  await orComplain(flag, file, async () => {
    if (!await isReplaceable(file)) return await Deno.writeTextFile(file, text);
    const beside = besideOf(file);
    await Deno.writeTextFile(beside, text, { createNew: true });
    await Deno.rename(beside, file);
  });
}

/** A pipe or a device has to be written to, not replaced; so does what a link leads to. */
async function isReplaceable(file: string): Promise<boolean> {
  const found = await Deno.lstat(file).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (found?.isDirectory) throw new Error("it is a folder");
  return found === undefined || found.isFile;
}

function besideOf(file: string): string {
  return `${file}.${crypto.randomUUID()}`;
}

async function orComplain(flag: string, file: string, write: () => Promise<void>): Promise<void> {
  await write().catch((error) => {
    const why = error instanceof Deno.errors.NotFound ? noFolder(file) : reason(error);
    throw new UsageError(`--${flag}: cannot write ${file}: ${why}`);
  });
}
