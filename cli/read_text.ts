// Files that the program reads.
import { folderOf, noFolder, reason } from "../errors/reason.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Reads a file of text.
 *
 * @param flag whose value the file is
 * @throws {UsageError} where it cannot be read
 */
export async function readText(flag: string, file: string): Promise<string> {
  return await Deno.readTextFile(file).catch(async (error) => {
    const folder = await Deno.stat(folderOf(file)).catch(() => undefined);
    const why = folder === undefined ? noFolder(file) : reason(error);
    throw new UsageError(`--${flag}: cannot read ${file}: ${why}`);
  });
}
