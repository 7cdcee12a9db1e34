import { type Stats, unwatchFile, watchFile } from 'node:fs';

export interface OptionsWatch {
  /** Watches these files, in place of earlier ones: those that the options are read with. */
  follow(files: readonly string[]): void;
  /**
   * Calls `reload` whenever they may have changed; at once when they may have already, and once for all that happens
   * before it has ended.
   */
  begin(reload: () => Promise<void>): void;
  stop(): void;
}

/**
 * Notices SIGHUP, and that the file of options has changed, if there is one, or a file that they are read with. Begun
 * before they are read, it misses no edit while what they are for starts.
 *
 * Files are looked at again and again rather than watched, as a supergraph file is, for the same reasons.
 */
export function watchOptions(
  config: string | undefined,
  /** Whether SIGHUP is for these options. */
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
    // Node calls this once for a file that does not exist (`fs.watchFile`); all numbers are 0 then.
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

/** Milliseconds. */
const lookInterval = 500;
