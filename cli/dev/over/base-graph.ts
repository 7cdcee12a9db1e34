import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { RegistryReader, SubgraphSchema } from '../../../schema';
import type * as Schema from '../../../schema';
import { CommandFailure } from '../../context';
import type { OverFlags } from './over-flags';

/** Loaded only when it is needed, as it takes long. */
const loadSchema = () => require('../../../schema') as typeof Schema;

/** The graph over which local subgraphs run. */
export interface BaseGraph {
  /** Its file, or its name in the registry. */
  readonly name: string;
  /** The subgraphs as they are now. @throws {SupergraphConfigError} if they cannot be read */
  read(): Promise<readonly SubgraphSchema[]>;
  stop(): Promise<void>;
}

/** @throws {CommandFailure} if it is in a registry, and none is named */
export async function openBaseGraph({ over = '', registry }: OverFlags): Promise<BaseGraph> {
  const [, location = registry, name = over] = /^registry:([^#]+)#([^#]+)$/.exec(over) ?? [];
  const isPublished = name !== over || (/^[\w-]+@[\w-]+$/.test(over) && !existsSync(over));
  if (!isPublished) return fromFile(over);
  if (location === undefined || location === '')
    throw new CommandFailure(
      `weir: in which registry is ${name}? Name it with --registry LOCATION, or in WEIR_REGISTRY.`,
      2,
    );
  return fromRegistry(location, name);
}

/** From a supergraph, which is taken apart again when its text has changed. */
function fromFile(file: string): BaseGraph {
  let last: { readonly text: string; readonly subgraphs: readonly SubgraphSchema[] } | undefined;
  return {
    name: file,
    async read() {
      try {
        const text = await readFile(file, 'utf8');
        if (last?.text !== text) last = { text, subgraphs: loadSchema().recoverSubgraphs(text, file) };
        return last.subgraphs;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const [first] = message.split('\n', 1);
        return unreadable(
          code === 'ENOENT' ? `${file} does not exist.` : `${file} is no supergraph: ${first}`,
        );
      }
    },
    stop: () => Promise.resolve(),
  };
}

/** From the version that runs, whose schemas are read again when it is another one. */
async function fromRegistry(location: string, name: string): Promise<BaseGraph> {
  const { openRegistryStore, parseVariant, RegistryError, RegistryReader: Reader, StoreError } = loadSchema();
  const explained = (error: unknown): string => {
    if (error instanceof RegistryError || error instanceof StoreError) return error.message;
    throw error;
  };
  const fail = (error: unknown): never => {
    throw new CommandFailure(`weir: ${explained(error)}`, 2);
  };
  const store = await openRegistryStore(location).catch(fail);
  let reader: RegistryReader;
  try {
    reader = new Reader({ store, variant: parseVariant(name) });
  } catch (error) {
    await store.close();
    return fail(error);
  }
  let last: { readonly number: number; readonly subgraphs: readonly SubgraphSchema[] } | undefined;
  return {
    name,
    async read() {
      try {
        const version = (await reader.lastRun()) ?? (await reader.newest());
        const { contract, number } = version;
        if (contract !== undefined)
          return unreadable(
            `${name} is a contract, which shows a part of ${contract.of}: give --over ${contract.of}.`,
          );
        if (last?.number !== number) last = { number, subgraphs: await reader.schemas(version) };
        return last.subgraphs;
      } catch (error) {
        if (error instanceof loadSchema().SupergraphConfigError) throw error;
        return unreadable(explained(error));
      }
    },
    stop: () => store.close(),
  };
}

function unreadable(message: string): never {
  const { SupergraphConfigError } = loadSchema();
  throw new SupergraphConfigError([{ level: 'error', code: 'SCHEMA_UNREADABLE', message, locations: [] }]);
}
