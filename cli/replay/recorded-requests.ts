import { z } from 'zod';
import { CommandFailure, type Context } from '../context';
import { type AdminPort, findAdminPorts, readConsole } from '../operators/admin-port';

/** A request that a console has recorded: its JSON, and the address of its page. */
export interface RecordedPiece {
  readonly text: string;
  readonly from: string;
}

/**
 * The requests that the console of a gateway has recorded, the oldest first. They are read once, and kept, as the gateway
 * goes on recording.
 *
 * @param url of its port for operators
 * @throws {CommandFailure}
 */
export async function readRecorded(
  url: string,
  token: string | undefined,
  context: Context,
): Promise<readonly RecordedPiece[]> {
  const [port] = findAdminPorts({ admin: [url], ...(token !== undefined && { token }) }, '--from');
  const pieces: RecordedPiece[] = [];
  let bytes = 0;
  for await (const id of recordedIds(port!, context)) {
    const found = await readConsole(port!, `requests/${encodeURIComponent(id)}`, recorded, context);
    // Newer ones have replaced it, or it has no operation.
    if (found?.document === undefined) continue;
    const text = JSON.stringify(found);
    if ((bytes += text.length) > mostBytes)
      throw new CommandFailure(
        `weir: the console at ${port!.url} has more than 64 MiB of requests: save those that you want to a file, and name it with --from.`,
        2,
      );
    pieces.push({ text, from: `${port!.url}/console#/requests/${id}` });
  }
  return pieces.reverse();
}

/** Of all pages of the list, the newest first. */
async function* recordedIds(port: AdminPort, context: Context): AsyncGenerator<string> {
  let before = '';
  for (;;) {
    const page = await readConsole(port, `requests${before}`, summaries, context);
    for (const { id } of page) yield id;
    const last = page.at(-1);
    if (last === undefined) return;
    before = `?before=${last.at}`;
  }
}

const mostBytes = 64 * 1024 * 1024;

const summaries = z.array(z.object({ id: z.string(), at: z.number() }));
const recorded = z
  .object({
    operation: z.object({ name: z.string().nullable(), type: z.string() }).optional(),
    document: z.object({ text: z.string() }).optional(),
    variables: z.record(z.string(), z.unknown()).optional(),
  })
  .optional();
