/** The worker thread in which manifests are read. A file of several megabytes would block the event loop. */
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { buildSchema, parse, validate } from 'graphql';
import { letRequestsGoFirst } from '../../supergraph/thread-priority';
import { validationRules } from '../validation-rules';
import { ManifestError, readManifests, sha256 } from './manifest';

/** Without `schema` the thread sends the operations of the files, with it those that do not fit it. */
export interface ManifestWork {
  readonly files: readonly string[];
  /** The option that names them. @default 'persistedOperations.manifest' */
  readonly option?: string | undefined;
  /** The API schema, in parts. */
  readonly schema?: readonly string[] | undefined;
}

/** An operation with the ids and hashes under which clients send it. */
export interface NamedText {
  readonly text: string;
  readonly names: readonly string[];
}

/** A message of the thread: one for each request to it. */
export type ManifestMessage =
  | { readonly kind: 'refused'; readonly reason: string }
  /** A few operations at a time, as each message is deserialised in one piece. */
  | { readonly kind: 'some'; readonly operations: readonly NamedText[] }
  /** All operations have been sent. `digest` is equal for equal manifests. */
  | { readonly kind: 'all'; readonly digest: string }
  | { readonly kind: 'misfits'; readonly misfits: Misfits };

/** Operations that are not valid against a schema. */
export interface Misfits {
  readonly count: number;
  /** The first ids. */
  readonly ids: readonly string[];
}

function* handOut(byId: ReadonlyMap<string, string>): Generator<ManifestMessage> {
  const namesOf = new Map<string, string[]>();
  const hash = createHash('sha256');
  for (const [id, text] of byId) {
    const names = namesOf.get(text);
    if (names === undefined) namesOf.set(text, [id]);
    else names.push(id);
    hash.update(JSON.stringify([id, text]));
  }
  let operations: NamedText[] = [];
  let size = 0;
  for (const [text, names] of namesOf) {
    operations.push({ text, names: [...names, sha256(text)] });
    size += text.length + 100;
    if (size < portion) continue;
    yield { kind: 'some', operations };
    operations = [];
    size = 0;
  }
  yield { kind: 'some', operations };
  yield { kind: 'all', digest: hash.digest('hex') };
}

/** Characters of operations per message. */
const portion = 128 * 1024;

function misfitsIn(byId: ReadonlyMap<string, string>, parts: readonly string[]): Misfits {
  const schema = buildSchema(parts.join(''), { assumeValid: true, assumeValidSDL: true, noLocation: true });
  const ids: string[] = [];
  let count = 0;
  for (const [id, text] of byId) {
    const document = parse(text, { noLocation: true });
    if (validate(schema, document, validationRules, { maxErrors: 1 }).length === 0) continue;
    count++;
    if (ids.length < mostNamed) ids.push(id);
  }
  return { count, ids };
}

const mostNamed = 5;

function* work({ files, option, schema }: ManifestWork): Generator<ManifestMessage> {
  try {
    const byId = readManifests(files, option);
    if (schema === undefined) yield* handOut(byId);
    else yield { kind: 'misfits', misfits: misfitsIn(byId, schema) };
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    yield { kind: 'refused', reason: error.message };
  }
}

letRequestsGoFirst();
const messages = work(workerData as ManifestWork);
parentPort!.on('message', () => parentPort!.postMessage(messages.next().value));
