import type { Context } from '../context';

/**
 * Aborted when the shell ends in which npm runs `weir dev`. If npm is terminated, it passes the signal only to that
 * shell, and not to the process in it. Never aborted if `weir dev` was started in another way: with `nohup`, `setsid`,
 * a service manager, or in the background of a script it must outlive its shell.
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

/** The start script in `package.json`. */
const startScript = 'node cli/weir.mjs dev';
/** Milliseconds between two checks. */
const lookInterval = 500;
