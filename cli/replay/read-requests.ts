import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { CommandFailure, type Context } from '../context';
import { BrokenJson, type JsonPiece, JsonScanner } from './json-scanner';
import { type RecordedPiece, readRecorded } from './recorded-requests';
import { type ReplayRequest, requestsOf, type SkipReason } from './requests';

/** A request of the input, or why it is left out; and where it is from, such as `traffic.jsonl:12`. */
export interface InputRequest {
  readonly request: ReplayRequest | SkipReason;
  readonly from: string;
}

/** A file, or what a console has recorded. */
export type RequestSource = string | readonly RecordedPiece[];

/** Reads what is in the memory of consoles; files are read when they are. @throws {CommandFailure} */
export async function openSources(
  from: readonly string[],
  token: string | undefined,
  context: Context,
): Promise<RequestSource[]> {
  const sources: RequestSource[] = [];
  for (const each of from)
    sources.push(/^https?:\/\//.test(each) ? await readRecorded(each, token, context) : each);
  return sources;
}

/** Reads the sources in their order, files a part at a time. @throws {CommandFailure} */
export async function* readRequests(sources: readonly RequestSource[]): AsyncGenerator<InputRequest> {
  for (const source of sources) {
    if (typeof source === 'string') {
      for await (const piece of readPieces(source))
        for (const request of requestsOf(piece)) yield { request, from: `${source}:${piece.line}` };
    } else
      for (const piece of source)
        for (const request of requestsOf(piece)) yield { request, from: piece.from };
  }
}

/** What the sources hold. Nothing of it is kept. */
export interface Survey {
  /** How many requests are sent. */
  readonly total: number;
  /** How many are not, by reason. */
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  /** Another one for other requests. */
  readonly digest: string;
}

/** Reads all of them, so that input that is broken is refused before anything is sent. @throws {CommandFailure} */
export async function survey(sources: readonly RequestSource[], signal: AbortSignal): Promise<Survey> {
  const skipped: Partial<Record<SkipReason, number>> = {};
  const digest = createHash('sha256');
  let total = 0;
  for await (const { request, from } of readRequests(sources)) {
    if (signal.aborted) throw new CommandFailure('weir: stopped before anything was sent.', 2);
    if (typeof request === 'string') skipped[request] = (skipped[request] ?? 0) + 1;
    else {
      total++;
      digest.update(JSON.stringify([from, request.body, request.search]));
    }
  }
  return { total, skipped, digest: digest.digest('hex') };
}

async function* readPieces(file: string): AsyncGenerator<JsonPiece> {
  const scanner = new JsonScanner();
  const stats = await stat(file).catch(() => undefined);
  // A pipe would have nothing for the second reading.
  if (stats?.isFile() === false && !stats.isDirectory())
    throw new CommandFailure(
      `weir: --from names ${file}, which is no regular file: copy what it has into one.`,
      2,
    );
  const handle = await open(file).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  try {
    const buffer = Buffer.allocUnsafeSlow(bytesAtOnce);
    for (let isFirst = true; ; isFirst = false) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length).catch((error: unknown) => {
        throw unreadable(file, error);
      });
      if (bytesRead === 0) break;
      const bytes = buffer.subarray(0, bytesRead);
      // RFC 8259, section 8.1: a byte order mark may be ignored.
      yield* scanner.scan(isFirst && bytes.indexOf('\uFEFF') === 0 ? bytes.subarray(3) : bytes);
    }
    yield* scanner.end();
  } catch (error) {
    if (!(error instanceof BrokenJson)) throw error;
    throw new CommandFailure(
      `weir: ${file}:${error.line} is not JSON: ${error.message}. --from takes JSON lines, a HAR, and requests of the console.`,
      2,
    );
  } finally {
    await handle.close();
  }
}

const bytesAtOnce = 256 * 1024;

function unreadable(file: string, error: unknown): CommandFailure {
  const { code, message } = error as NodeJS.ErrnoException;
  const fact = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code ?? message})`;
  return new CommandFailure(`weir: --from names ${file}, which ${fact}.`, 2);
}
