import type { Child, ChildExit } from './child';

export interface SuperviseOptions {
  /** Called at every start. */
  readonly startChild: () => Child;
  /** The child ended though nobody asked it to; it is started again in `delay` milliseconds. */
  readonly onDeath: (exit: ChildExit, delay: number) => void;
  /** The child answers again after a death. */
  readonly onRecovery?: () => void;
  /**
   * Whether a child that ended so before it was ready cannot start as it was asked to, and has said why: then it is not
   * started again by itself. @default false
   */
  readonly isRefusal?: (exit: ChildExit) => boolean;
  /** Milliseconds before the first restart; doubled for each death soon after a start. @default 1_000 */
  readonly delay?: number;
}

/** How a start went: the address that the child reports when it is ready, or how it ended instead. */
export type Start = { readonly url: string } | ChildExit;

export interface Supervised {
  /** The first start. */
  readonly started: Promise<Start>;
  /** Ends the child and starts it anew, at once. */
  restart(): Promise<Start>;
  stop(): Promise<void>;
}

/** The longest wait between two starts, in milliseconds, and how long a child must live to be healthy again. */
const LONGEST_DELAY = 30_000;

/** How a process of Weir's own ends that cannot start as it was asked to, and has said why. */
export const isRefused = ({ code }: ChildExit): boolean => code === 2;

/** Keeps a child process running until it is stopped. */
export function supervise(options: SuperviseOptions): Supervised {
  const { startChild, onDeath, onRecovery, isRefusal = () => false, delay: firstDelay = 1_000 } = options;
  let child: Child | undefined;
  let delay = firstDelay;
  let timer: NodeJS.Timeout | undefined;
  /** The child that is asked to end, and therefore not missed. */
  let leaving: Child | undefined;
  let stopped = false;
  let restarting: Promise<Start> | undefined;
  return {
    started: start(true),
    restart() {
      // Asked for again while the child still ends, it is the same restart.
      restarting ??= end().then(() => {
        restarting = undefined;
        delay = firstDelay;
        return start(true);
      });
      return restarting;
    },
    stop() {
      stopped = true;
      return end();
    },
  };

  /** What was asked for and is refused is not tried again; what ran before comes back as soon as it can. */
  async function start(asked: boolean): Promise<Start> {
    if (stopped) return { code: null, signal: null };
    const current = startChild();
    const since = Date.now();
    let ready = false;
    child = current;
    void current.exit.then((exit) => {
      if (leaving === current || (asked && !ready && isRefusal(exit))) return;
      if (Date.now() - since > LONGEST_DELAY) delay = firstDelay;
      onDeath(exit, delay);
      timer = setTimeout(() => void start(false).then((again) => 'url' in again && onRecovery?.()), delay);
      delay = Math.min(delay * 2, LONGEST_DELAY);
    });
    const url = await current.ready;
    ready = url !== undefined;
    return url === undefined ? current.exit : { url };
  }

  async function end(): Promise<void> {
    clearTimeout(timer);
    leaving = child;
    await child?.stop();
  }
}

/** How a process ended, as the end of a sentence. */
export function describeExit({ code, signal }: ChildExit): string {
  return signal === null ? `ended with exit code ${code ?? 'unknown'}` : `was ended by ${signal}`;
}
