import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

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
 * A changed file is read when two looks in a row find the same size and modification time, as a file that is rewritten
 * in place is half-written at first. SIGHUP reads at once.
 *
 * Files are polled and not watched, as a supergraph file is, for the same reasons.
 */
export function watchOptions(
  config: string | undefined,
  { hangup = true, interval = 1_000 }: WatchSettings = {},
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

  /** The files by their paths, with what they were when the options were last read. */
  let read = new Map<string, string>();
  /** What they were at the last look. */
  let seen = new Map<string, string>();
  const always = config === undefined ? [] : [config];
  const follow = (files: readonly string[]): void => {
    const all = new Set([...always, ...files]);
    read = new Map([...all].map((file) => [file, read.get(file) ?? stateNow(file)]));
  };
  const onHangup = (): void => {
    // Otherwise the edit that SIGHUP reports would be read once more at the next look.
    for (const file of read.keys()) read.set(file, stateNow(file));
    reload();
  };
  async function look(): Promise<void> {
    const files = [...read.keys()];
    const states = await Promise.all(
      files.map((file) => stat(file, { bigint: true }).then(stateOf, () => gone)),
    );
    const now = new Map(files.map((file, i) => [file, states[i]!]));
    const isSettled = files.every((file) => seen.get(file) === now.get(file));
    const isNew = files.some((file) => read.get(file) !== now.get(file));
    seen = now;
    if (!isSettled || !isNew) return;
    for (const [file, state] of now) if (read.has(file)) read.set(file, state);
    reload();
  }

  if (hangup) process.on('SIGHUP', onHangup);
  follow([]);
  let isLooking = false;
  const timer = setInterval(() => {
    // A file system may be slow.
    if (isLooking) return;
    isLooking = true;
    void look().finally(() => (isLooking = false));
  }, interval);
  return {
    follow,
    begin(onChange) {
      begun = onChange;
      void reloadWhileChanged();
    },
    stop() {
      begun = undefined;
      process.off('SIGHUP', onHangup);
      clearInterval(timer);
    },
  };
}

export interface WatchSettings {
  /** Whether SIGHUP reloads the options. @default true */
  readonly hangup?: boolean;
  /** Milliseconds between two looks at the files: an edit is read after one to two of them. @default 1000 */
  readonly interval?: number;
}

/** The number is another one where a file was replaced, such as by a symbolic link. */
const stateOf = ({ ino, size, mtimeNs }: BigIntStats): string => `${ino} ${size} ${mtimeNs}`;
const gone = '';

function stateNow(file: string): string {
  try {
    return stateOf(statSync(file, { bigint: true }));
  } catch {
    return gone;
  }
}
