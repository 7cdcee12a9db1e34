import type { Child, ChildExit } from './child';

export interface SuperviseOptions {
  /** Called at every start. */
  readonly startChild: () => Child;
  /** Called when the child ends by itself. It is restarted after `delay` milliseconds. */
  readonly onDeath: (exit: ChildExit, delay: number) => void;
  /** Called when the child answers again after a restart. */
  readonly onRecovery?: () => void;
  /**
   * Whether a child that ended before it was ready has refused to start, and has printed the reason. Then it is not
   * restarted automatically.
   *
   * @default false
   */
  readonly isRefusal?: (exit: ChildExit) => boolean;
  /** Milliseconds before the first restart. Doubled for each exit soon after a start. @default 1_000 */
  readonly delay?: number;
}

/** The result of a start: the address that the ready child reports, or how the child ended. */
export type Start = { readonly url: string } | ChildExit;

export interface Supervised {
  /** The first start. */
  readonly started: Promise<Start>;
  /** Stops the child and starts it again at once. */
  restart(): Promise<Start>;
  stop(): Promise<void>;
}

/** The longest pause between two starts, in milliseconds. A child that lives longer counts as healthy again. */
const LONGEST_DELAY = 30_000;

/** Whether a process of Weir has refused to start, and has printed the reason. */
export const isRefused = ({ code }: ChildExit): boolean => code === 2;

/** Keeps a child process running until it is stopped. */
export function supervise(options: SuperviseOptions): Supervised {
  const { startChild, onDeath, onRecovery, isRefusal = () => false, delay: firstDelay = 1_000 } = options;
  let child: Child | undefined;
  let delay = firstDelay;
  let timer: NodeJS.Timeout | undefined;
  /** The child that is to end, so that its exit is expected. */
  let leaving: Child | undefined;
  let stopped = false;
  let restarting: Promise<Start> | undefined;
  return {
    started: start(true),
    restart() {
      // A call while the child is still ending joins the same restart.
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

  /**
   * Starts the child. A start that was requested and is refused is not retried. A child that ran before is restarted
   * until it runs.
   */
  async function start(isRequested: boolean): Promise<Start> {
    if (stopped) return { code: null, signal: null };
    const current = startChild();
    const since = Date.now();
    let ready = false;
    child = current;
    void current.exit.then((exit) => {
      if (leaving === current || (isRequested && !ready && isRefusal(exit))) return;
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
