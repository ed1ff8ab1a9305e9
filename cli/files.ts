// Files that the program reads and writes.
import { reason } from "../errors/reason.ts";
import { YodelError } from "../errors/yodel_error.ts";

/** @throws {YodelError} if the certificate or the key is missing, or cannot be read */
export async function readIdentity(
  flags: { readonly cert?: string; readonly key?: string },
): Promise<{ cert: string; key: string } | undefined> {
  if ((flags.cert === undefined) !== (flags.key === undefined)) {
    throw new YodelError("--cert and --key must be used together");
  }
  const cert = await readPem("cert", flags.cert, "certificate");
  const key = await readPem("key", flags.key, "key");
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

/** @throws {YodelError} if the file that is the value of the flag cannot be read, or holds no such PEM */
export async function readPem(
  flag: string,
  file: string | undefined,
  content: "certificate" | "key",
): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = await Deno.readTextFile(file).catch((error) => {
    throw cannotRead(flag, file, error);
  });
  const flaw = flawOf(text, content, file);
  if (flaw !== undefined) throw new YodelError(`--${flag}: ${file}: ${flaw}`);
  return text;
}

/** Why a text is not what is expected in PEM (RFC 7468). */
function flawOf(text: string, content: "certificate" | "key", file: string): string | undefined {
  // The older format has a header instead of a label (RFC 1421).
  if (content === "key" && /-BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    return `the key is encrypted; decrypt it: openssl pkey -in ${file} -out plain.pem`;
  }
  const holds = {
    certificate: /-BEGIN .*CERTIFICATE-/.test(text),
    key: /-BEGIN .*PRIVATE KEY-/.test(text),
  };
  const other = content === "key" ? "certificate" : "key";
  if (holds[content]) return undefined;
  return holds[other] ? `it holds a ${other} and no ${content}` : `it holds no ${content} in PEM`;
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
    throw cannotRead(flag, file, error);
  }
}

function cannotRead(flag: string, file: string, error: unknown): YodelError {
  return new YodelError(`--${flag}: cannot read ${file}: ${reason(error)}`);
}

/** Writes a file atomically, where a link leads; without a text, checks that it could. */
export async function replaceFile(flag: string, name: string, text?: string): Promise<void> {
  const file = await Deno.realPath(name).catch(() => name);
  const beside = `${file}.${crypto.randomUUID()}`;
  try {
    await Deno.writeTextFile(beside, text ?? "", { createNew: true });
    if (text !== undefined) await Deno.rename(beside, file);
  } catch (error) {
    throw new YodelError(`--${flag}: cannot write ${name}: ${reason(error)}`);
  } finally {
    // It is still there after a check, and after a failure, as on a full disk.
    await Deno.remove(beside).catch(() => {});
  }
}
