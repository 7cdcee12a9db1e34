import { unwatchFile, watchFile } from 'node:fs';

/**
 * Calls `reload` on SIGHUP, and when the file of options changes, if there is one. Returns what ends this.
 *
 * The file is looked at again and again rather than watched, as a supergraph file is, for the same reasons.
 */
export function watchOptions(config: string | undefined, reload: () => void): () => void {
  process.on('SIGHUP', reload);
  if (config !== undefined) watchFile(config, { interval: lookInterval }, reload);
  return () => {
    process.off('SIGHUP', reload);
    if (config !== undefined) unwatchFile(config, reload);
  };
}

/** Milliseconds. */
const lookInterval = 500;
