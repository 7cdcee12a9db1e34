import type { Context } from '../context';

/**
 * Aborted when the shell has ended in which npm runs `weir dev`: npm that is told to end tells its shell so, and nobody
 * tells what runs in it. Never aborted for who was started in another way: with `nohup`, `setsid` or by a service manager
 * it is to outlive its shell, as it is in the background of another script.
 */
export function npmShellGone(env: Context['env'], parent = (): number => process.ppid): AbortSignal {
  const gone = new AbortController();
  if (env['npm_lifecycle_script'] === startScript) {
    const shell = parent();
    const timer = setInterval(() => {
      if (parent() === shell) return;
      clearInterval(timer);
      gone.abort();
    }, lookInterval).unref();
  }
  return gone.signal;
}

/** As `package.json` has it. */
const startScript = 'node cli/weir.mjs dev';
/** Milliseconds. */
const lookInterval = 500;
