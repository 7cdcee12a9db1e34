import { dirname, resolve } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { composeFile, type ComposeFileOptions, type FileComposition } from './compose-file';
import {
  loadSupergraphConfig,
  SupergraphConfigError,
  type SupergraphConfigOptions,
} from './supergraph-config';

export interface WatchSupergraphOptions extends ComposeFileOptions {
  /** Called with the first composition and again after every edit of the configuration or a schema file. */
  readonly onComposition: (composition: FileComposition) => void;
}

export interface SupergraphWatch {
  close(): Promise<void>;
}

/**
 * Milliseconds without an edit before composing: editors write a file in several steps, and chokidar drops
 * what follows a change within 50 ms.
 */
const QUIET = 100;

/**
 * Composes a configuration now and after every edit of it or of a schema file that it names. Resolves after
 * the first composition. Introspected subgraphs are asked again at each composition, but not watched.
 */
export async function watchSupergraph(options: WatchSupergraphOptions): Promise<SupergraphWatch> {
  const { onComposition } = options;
  const inputs = new Set([resolve(options.file)]);
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let composing = compose();

  await composing;
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await composing;
      await Promise.all(Array.from(watchers.values(), (watcher) => watcher.close()));
    },
  };

  async function compose(): Promise<void> {
    // Watching begins before reading, or an edit between the two would be missed.
    for (const file of await schemaFiles(options)) inputs.add(file);
    await Promise.all(Array.from(inputs, (file) => watchFolder(dirname(file))));
    const composition = await composeFile(options);
    if (!closed) onComposition(composition);
  }

  // Folders are watched, not files: many editors replace a file, and a missing one may come later.
  async function watchFolder(folder: string): Promise<void> {
    if (closed || watchers.has(folder)) return;
    const watcher = watch(folder, { depth: 0, ignoreInitial: true });
    watchers.set(folder, watcher);
    watcher.on('all', (_event, path) => {
      if (!inputs.has(resolve(path))) return;
      clearTimeout(timer);
      timer = setTimeout(() => void (composing = composing.then(compose)), QUIET);
    });
    await new Promise<void>((ready) => watcher.once('ready', ready));
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
