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
import { loadSupergraphConfig, type SubgraphConfig, SupergraphConfigError } from './supergraph-config';

export interface WatchSupergraphOptions extends Omit<ComposeFileOptions, 'instead'> {
  /**
   * Called with the first composition, after every edit of the configuration or a schema file, and when an introspected
   * subgraph changes its schema, becomes available or unavailable.
   */
  readonly onComposition: (composition: FileComposition) => void;
  /** Milliseconds between two introspections of a subgraph. @default 2_000 */
  readonly interval?: number;
}

export interface SupergraphWatch {
  /** Introspects subgraphs now instead of at the next interval. */
  refresh(): void;
  close(): Promise<void>;
}

/**
 * Milliseconds without an edit before composing: editors write a file in several steps, and chokidar drops events
 * within 50 ms of a change.
 */
const QUIET = 100;

/**
 * Composes a configuration now and whenever one of its inputs has changed. Resolves after the first composition. An
 * introspected subgraph that stops answering is composed with its last schema, and a hint says so.
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
    // Watching begins before reading, so that no edit in between is missed.
    for (const file of await schemaFiles(options)) inputs.add(file);
    await Promise.all(Array.from(inputs, (file) => watchFolder(dirname(file))));
    const { instead, hints } = lastAnswers.follow();
    const read = await readInputs({ ...options, instead });
    // The text of a schema is that of its document.
    const made = JSON.stringify([read, hints], (key, value: unknown) =>
      key === 'document' ? undefined : value,
    );
    if (!(onlyChanged && made === composedOf) && !isClosed()) {
      composedOf = made;
      lastAnswers.keep(read);
      const composition = composeInputs(read);
      onComposition(
        composition.errors ? composition : { ...composition, hints: [...hints, ...composition.hints] },
      );
    }
    const isAsked = read.config?.subgraphs.some(({ schema }) => schema.kind === 'url') === true;
    if ((isAsked || options.load !== undefined) && !isClosed()) nextQuestion = setTimeout(ask, interval);
  }

  function ask(): void {
    composing = composing.then(() => compose({ onlyChanged: true }));
  }

  // Folders are watched, not files: many editors replace a file, and a missing file may be created later.
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

/** The last schemas of introspected subgraphs, for when they do not answer. */
class LastAnswers {
  readonly #schemas = new Map<string, SubgraphSchema>();

  /** For one round of introspection: replaces missing answers by the last ones, and collects a hint for each. */
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

/** The schema files of a configuration. Empty if it cannot be read; composing it reports why. */
async function schemaFiles(options: WatchSupergraphOptions): Promise<string[]> {
  try {
    const { subgraphs } = await (options.load?.() ?? loadSupergraphConfig(options));
    return subgraphs.flatMap(({ schema, overlay = [] }) =>
      ['path' in schema ? schema.path : [], overlay].flat(),
    );
  } catch (error) {
    if (error instanceof SupergraphConfigError) return [];
    throw error;
  }
}
