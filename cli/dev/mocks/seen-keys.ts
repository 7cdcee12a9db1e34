import { readFileSync } from 'node:fs';
import type { GraphQLObjectType, GraphQLSchema } from 'graphql';
import type {
  Interceptor,
  SubgraphRequest,
  SubgraphResponse,
} from '../../../gateway/subgraph-calls/contract/transport';
import type { EntityKey, SubgraphSchema } from '../../../schema';
import type * as Schema from '../../../schema';
import { CommandFailure } from '../../context';
import { privately, replaceFile } from '../../terminal/replace-file';
import type { Output } from '../output';
import { at, type Fields, isInventedKey, put } from './mock-objects';
import { readAnswer } from './plain-answer';

/** How many keys of a type are kept: a mock needs a few. */
const mostKeys = 100;
/** Characters. */
const longestKey = 1_000;
/** Milliseconds from the first new key until the file is written. */
const pause = 500;

/** The keys of entities that real subgraphs have answered, in a file: mocks make up entities that these know. */
export class SeenKeys {
  readonly #file: string;
  readonly #output: Output;
  /** By type, and then by their text. */
  readonly #keys: Map<string, Map<string, Fields>>;
  /** Of the subgraphs that are not mocked. */
  #schemas: ReadonlyMap<string, GraphQLSchema> = new Map();
  #entityKeys: ReadonlyMap<string, readonly EntityKey[]> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #written = Promise.resolve();

  /** @throws {CommandFailure} if the file has something else */
  constructor(file: string, output: Output) {
    this.#file = file;
    this.#output = output;
    this.#keys = new Map(
      Object.entries(readKeys(file)).map(([type, keys]) => [
        type,
        new Map(keys.slice(0, mostKeys).map((key) => [JSON.stringify(key), key])),
      ]),
    );
  }

  of(type: string): readonly Fields[] {
    return [...(this.#keys.get(type)?.values() ?? [])];
  }

  /** Reads answers by these schemas from now on. */
  take(subgraphs: readonly SubgraphSchema[], mocked: readonly string[]): void {
    const { asSubgraphs, executableSubgraph } = require('../../../schema') as typeof Schema;
    const all = asSubgraphs(subgraphs, () => true).map((subgraph) => ({
      name: subgraph.name,
      ...executableSubgraph(subgraph),
    }));
    const entityKeys = new Map<string, readonly EntityKey[]>();
    for (const { keys } of all)
      for (const [type, own] of keys) entityKeys.set(type, [...(entityKeys.get(type) ?? []), ...own]);
    this.#entityKeys = entityKeys;
    this.#schemas = new Map(
      all.filter(({ name }) => !mocked.includes(name)).map(({ name, schema }) => [name, schema]),
    );
  }

  readonly interceptor: Interceptor = (next) => async (request) => {
    const response = await next(request);
    this.#read(request, response);
    return response;
  };

  async stop(): Promise<void> {
    if (this.#timer !== undefined) this.#write();
    await this.#written;
  }

  #read(
    { operation: { subgraph, document, kind } }: SubgraphRequest,
    { status, body }: SubgraphResponse,
  ): void {
    const schema = this.#schemas.get(subgraph);
    if (schema === undefined || status !== 200 || kind === 'subscription') return;
    try {
      const { data } = JSON.parse(body.toString()) as { data?: unknown };
      readAnswer(schema, document, data, (type, fields) => this.#keep(type, fields));
    } catch {
      // What is no answer is reported where it is used.
    }
  }

  #keep(object: GraphQLObjectType, fields: Fields): void {
    const { name: type } = object;
    const complete = (this.#entityKeys.get(type) ?? []).filter((key) =>
      key.every((path) => at(fields, path) != null),
    );
    if (complete.length === 0) return;
    const key: Record<string, unknown> = {};
    for (const path of complete.flat()) put(key, path, at(fields, path));
    const kept = this.#keys.get(type) ?? new Map<string, Fields>();
    const text = JSON.stringify(key);
    // A subgraph that repeats a key does not know it.
    if (kept.has(text) || kept.size >= mostKeys || text.length > longestKey || isInventedKey(object, key))
      return;
    this.#keys.set(type, kept.set(text, key));
    this.#timer ??= setTimeout(() => this.#write(), pause);
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const types = Array.from(this.#keys, ([type, keys]) => [type, [...keys.values()]] as const);
    const text = `${JSON.stringify(Object.fromEntries(types.sort(([one], [other]) => (one < other ? -1 : 1))), null, 2)}\n`;
    this.#written = this.#written
      .then(() => replaceFile(this.#file, text, privately))
      .catch((error: unknown) => this.#output.say((error as Error).message));
  }
}

function readKeys(file: string): Readonly<Record<string, readonly Fields[]>> {
  const wrong = (fact: string): CommandFailure =>
    new CommandFailure(`weir: --record: ${file} ${fact}: name a file that was recorded, or a new one.`, 2);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    throw wrong(`cannot be read (${message})`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong('is no JSON');
  }
  const isMap = (each: unknown): boolean => typeof each === 'object' && each !== null && !Array.isArray(each);
  const isRecord =
    isMap(value) && Object.values(value as object).every((keys) => Array.isArray(keys) && keys.every(isMap));
  if (!isRecord) throw wrong('has no keys by type');
  return value as Record<string, Fields[]>;
}
