import { dirname, resolve } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import {
  composeInputs,
  type ComposeFileOptions,
  type CompositionInputs,
  type FileComposition,
  readInputs,
} from './compose-file';
import type { SubgraphSchema } from './compose';
import type { Problem } from './problem';
import {
  loadSupergraphConfig,
  type SubgraphConfig,
  SupergraphConfigError,
  type SupergraphConfigOptions,
} from './supergraph-config';

export interface WatchSupergraphOptions extends Omit<ComposeFileOptions, 'instead'> {
  /**
   * Called with the first composition, again after every edit of the configuration or a schema file, and when an
   * introspected subgraph has another schema, comes or goes.
   */
  readonly onComposition: (composition: FileComposition) => void;
  /** Milliseconds between two questions for the schema of introspected subgraphs. @default 2_000 */
  readonly interval?: number;
}

export interface SupergraphWatch {
  /** Asks introspected subgraphs now, which the watch does by itself in a while. */
  refresh(): void;
  close(): Promise<void>;
}

/**
 * Milliseconds without an edit before composing: editors write a file in several steps, and chokidar drops
 * what follows a change within 50 ms.
 */
const QUIET = 100;

/**
 * Composes a configuration now and whenever something that it is made of has changed. Resolves after the first
 * composition. An introspected subgraph that answers no longer is composed with its last schema, and a hint says so.
 */
export async function watchSupergraph(options: WatchSupergraphOptions): Promise<SupergraphWatch> {
  const { onComposition, interval = 2_000 } = options;
  const inputs = new Set([resolve(options.file)]);
  const watchers = new Map<string, FSWatcher>();
  const lastAnswers = new LastAnswers();
  let timer: NodeJS.Timeout | undefined;
  let nextQuestion: NodeJS.Timeout | undefined;
  let composedOf: string | undefined;
  let closed = false;
  const isClosed = (): boolean => closed;
  let composing = compose();

  await composing;
  return {
    refresh: ask,
    async close() {
      closed = true;
      clearTimeout(timer);
      clearTimeout(nextQuestion);
      await composing;
      await Promise.all(Array.from(watchers.values(), (watcher) => watcher.close()));
    },
  };

  async function compose({ onlyChanged = false } = {}): Promise<void> {
    if (closed) return;
    clearTimeout(nextQuestion);
    // Watching begins before reading, or an edit between the two would be missed.
    for (const file of await schemaFiles(options)) inputs.add(file);
    await Promise.all(Array.from(inputs, (file) => watchFolder(dirname(file))));
    const { instead, hints } = lastAnswers.follow();
    const read = await readInputs({ ...options, instead });
    const made = JSON.stringify([read, hints]);
    if (!(onlyChanged && made === composedOf) && !isClosed()) {
      composedOf = made;
      lastAnswers.keep(read);
      const composition = composeInputs(read);
      onComposition(
        composition.errors ? composition : { ...composition, hints: [...hints, ...composition.hints] },
      );
    }
    const isAsked = read.config?.subgraphs.some(({ schema }) => schema.kind === 'url') === true;
    if (isAsked && !isClosed()) nextQuestion = setTimeout(ask, interval);
  }

  function ask(): void {
    composing = composing.then(() => compose({ onlyChanged: true }));
  }

  // Folders are watched, not files: many editors replace a file, and a missing one may come later.
  async function watchFolder(folder: string): Promise<void> {
    if (closed || watchers.has(folder)) return;
    const watcher = watch(folder, { depth: 0, ignoreInitial: true });
    watchers.set(folder, watcher);
    watcher.on('all', (_event, path) => {
      if (!inputs.has(resolve(path))) return;
      clearTimeout(timer);
      timer = setTimeout(() => void (composing = composing.then(() => compose())), QUIET);
    });
    await new Promise<void>((ready) => watcher.once('ready', ready));
  }
}

/** What introspected subgraphs have answered last, for while they do not. */
class LastAnswers {
  readonly #schemas = new Map<string, SubgraphSchema>();

  /** For one reading: gives the last answer in place of a missing one, and collects the hints that say so. */
  follow() {
    const hints: Problem[] = [];
    const instead = ({ name, routingUrl }: SubgraphConfig, problem: Problem): SubgraphSchema | undefined => {
      const last = this.#schemas.get(name);
      if (last === undefined) return undefined;
      const message = `${problem.message} Its last one is used.`;
      hints.push({ ...problem, level: 'warning', message });
      return { ...last, routingUrl };
    };
    return { hints, instead };
  }

  keep(inputs: CompositionInputs): void {
    if (inputs.errors) return;
    this.#schemas.clear();
    for (const { name, schema } of inputs.config.subgraphs) {
      const read = inputs.subgraphs.find((each) => each.name === name);
      if (schema.kind === 'url' && read !== undefined) this.#schemas.set(name, read);
    }
  }
}

/** None of a configuration that cannot be read: composing it says why. */
async function schemaFiles(options: SupergraphConfigOptions): Promise<string[]> {
  try {
    const { subgraphs } = await loadSupergraphConfig(options);
    return subgraphs.flatMap(({ schema }) => (schema.kind === 'file' ? [schema.path] : []));
  } catch (error) {
    if (error instanceof SupergraphConfigError) return [];
    throw error;
  }
}
