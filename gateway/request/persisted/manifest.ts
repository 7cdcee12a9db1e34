import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse } from 'graphql';
import { z } from 'zod';

/** A manifest that cannot be used. The message has the file and the reason. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/**
 * Reads manifests as Apollo's tools write them (`apollo-persisted-query-manifest`), or Relay's (a map from ids to
 * texts): texts by their ids. It takes long for large manifests, so it runs in a thread: see `trusted-operations.ts`.
 *
 * @param option which names the files
 * @throws {ManifestError} with the file that is wrong, and the reason
 */
export function readManifests(
  files: readonly string[],
  option = 'persistedOperations.manifest',
): ReadonlyMap<string, string> {
  const byId = new Map<string, string>();
  for (const file of files) {
    const refuse = (reason: string): never => {
      throw new ManifestError(`\`${option}\` names ${file}, which ${reason}.`);
    };
    for (const { id, body } of operationsIn(readJson(file, refuse), refuse)) {
      try {
        parse(body, { noLocation: true });
      } catch (error) {
        refuse(`has no GraphQL under the id "${id}": ${(error as Error).message.replace(/\.$/, '')}`);
      }
      if ((byId.get(id) ?? body) !== body) refuse(`has another operation under the id "${id}" than before`);
      byId.set(id, body);
    }
  }
  return byId;
}

/** The SHA-256 of a text, in hex. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

type Refuse = (reason: string) => never;

function readJson(file: string, refuse: Refuse): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return refuse(code === 'ENOENT' ? 'does not exist' : `cannot be read: ${message}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    return refuse(`is not valid JSON: ${(error as Error).message}`);
  }
}

const operation = z.object({ id: z.string().min(1), body: z.string().min(1) });
const apolloManifest = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(operation),
});
const relayManifest = z.record(z.string().min(1), z.string().min(1));

function operationsIn(manifest: unknown, refuse: Refuse): readonly z.output<typeof operation>[] {
  const isApollo = typeof manifest === 'object' && manifest !== null && 'format' in manifest;
  const { data, error } = (isApollo ? apolloManifest : relayManifest).safeParse(manifest);
  if (data === undefined) {
    const position = error.issues[0]!.path.join('.');
    return refuse(
      isApollo
        ? `is no manifest of version 1 of \`apollo-persisted-query-manifest\`: look at \`${position}\``
        : position === ''
          ? "is neither a manifest of Apollo's tools nor a map from ids to operations, as Relay's compiler writes it"
          : `must have the text of an operation under each id, but has something else under "${position}"`,
    );
  }
  if (isApollo) return (data as z.output<typeof apolloManifest>).operations;
  return Object.entries(data as z.output<typeof relayManifest>).map(([id, body]) => ({ id, body }));
}
