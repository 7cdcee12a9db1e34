import { runCli } from '../../cli/program';

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  /** What was printed so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves when `stdout` or `stderr` has a match. */
  printed(pattern: RegExp): Promise<void>;
  /** Asks the command to stop, as Ctrl-C does, and waits for its end. */
  stop(): Promise<CliResult>;
  readonly result: Promise<CliResult>;
}

/** Runs a `weir` command line in this process. */
export function startCli(args: readonly string[], env: Record<string, string> = {}): RunningCli {
  const controller = new AbortController();
  const printed = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  const output = (name: keyof typeof printed) => ({
    write(text: string) {
      printed[name] += text;
      for (const check of waiting) check();
    },
  });
  const result = runCli(args, {
    stdout: output('stdout'),
    stderr: output('stderr'),
    env,
    signal: controller.signal,
  }).then((exitCode) => ({ exitCode, ...printed }));
  return {
    get stdout() {
      return printed.stdout;
    },
    get stderr() {
      return printed.stderr;
    },
    printed: (pattern) =>
      new Promise((resolve) => {
        const check = () => {
          if (!pattern.test(printed.stdout) && !pattern.test(printed.stderr)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    stop() {
      controller.abort();
      return result;
    },
    result,
  };
}
