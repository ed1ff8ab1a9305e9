// Files that the program reads and writes.
import { folderOf, noFolder, reason } from "../errors/reason.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Reads a text file that is the value of a flag.
 *
 * @throws {UsageError} if it cannot be read
 */
export async function readText(flag: string, file: string): Promise<string> {
  return await Deno.readTextFile(file).catch(async (error) => {
    const isLost = isAbsent(error) && await Deno.stat(folderOf(file)).then(() => false, isAbsent);
    const why = isLost ? noFolder(file) : reason(error);
    throw new UsageError(`--${flag}: cannot read ${file}: ${why}`);
  });
}

/** Checks whether {@linkcode replaceFile} could write a file, without changing it. */
export async function checkWritable(flag: string, file: string): Promise<void> {
  await replaceFile(flag, file);
}

/**
 * Writes a file atomically: a program that reads it finds the old text or the new one.
 *
 * @param text undefined leaves the file as it is
 * @throws {UsageError} if it cannot be written
 */
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
    throw new UsageError(`--${flag}: cannot write ${file}: ${why}`);
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
