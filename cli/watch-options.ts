import { type Stats, unwatchFile, watchFile } from 'node:fs';

export interface OptionsWatch {
  /** Watches these files instead of earlier ones: the options file and the files that it refers to. */
  follow(files: readonly string[]): void;
  /**
   * Calls `reload` whenever the options may have changed, at once if they may have already. Changes during a reload
   * cause one more reload.
   */
  begin(reload: () => Promise<void>): void;
  stop(): void;
}

/**
 * Notices SIGHUP, and changes of the options file or of a file that the options refer to. Created before the options
 * are read, it misses no edit during the start.
 *
 * Files are polled and not watched, as a supergraph file is, for the same reasons.
 */
export function watchOptions(
  config: string | undefined,
  /** Whether SIGHUP reloads the options. */
  { hangup = true } = {},
): OptionsWatch {
  let isChanged = false;
  let isReloading = false;
  let begun: (() => Promise<void>) | undefined;
  async function reloadWhileChanged(): Promise<void> {
    isReloading = true;
    while (isChanged && begun !== undefined) {
      isChanged = false;
      await begun();
    }
    isReloading = false;
  }
  const reload = (): void => {
    isChanged = true;
    if (!isReloading) void reloadWhileChanged();
  };
  const onChange = (now: Stats, before: Stats): void => {
    // Node also calls this once for a file that does not exist (`fs.watchFile`). Then all numbers are 0.
    if (now.mtimeMs !== 0 || before.mtimeMs !== 0) reload();
  };
  const watched = new Set<string>();
  const watchOnly = (files: readonly string[]): void => {
    for (const file of watched) {
      if (files.includes(file)) continue;
      watched.delete(file);
      unwatchFile(file, onChange);
    }
    for (const file of files) {
      if (watched.has(file)) continue;
      watched.add(file);
      watchFile(file, { interval: lookInterval }, onChange);
    }
  };
  const always = config === undefined ? [] : [config];
  if (hangup) process.on('SIGHUP', reload);
  watchOnly(always);
  return {
    follow: (files) => watchOnly([...always, ...files]),
    begin(told) {
      begun = told;
      void reloadWhileChanged();
    },
    stop() {
      begun = undefined;
      process.off('SIGHUP', reload);
      watchOnly([]);
    },
  };
}

/** Milliseconds between two checks. */
const lookInterval = 500;
