import { type FastifyBaseLogger } from 'fastify';
import { MissingPackage } from '../../optional-packages';
import { StartError } from './start-error';

export interface ProcessOptions {
  readonly name: string;
  /** What `--help` prints. */
  readonly usage: () => string;
  /** Resolves when the server answers requests. Rejects with a {@link StartError} whose message is printed. */
  readonly start: (args: readonly string[]) => Promise<RunningPart>;
}

interface RunningPart {
  readonly url: string;
  readonly log: Pick<FastifyBaseLogger, 'info' | 'error'>;
  stop(): Promise<void>;
}

/** Runs a subgraph as a process: started as its flags say, stopped by a signal or with the process that started it. */
export async function runProcess({ name, usage, start }: ProcessOptions): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    process.stdout.write(usage());
    return;
  }
  // package.json says which versions of Node work; a process need not warn again.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  let running: RunningPart | undefined;
  let stopping = false;
  function stop(): void {
    if (stopping) return;
    stopping = true;
    // A process that is stopped while it starts has no requests in flight.
    void (running?.stop() ?? Promise.resolve()).then(
      () => process.exit(0),
      () => process.exit(1),
    );
  }
  process.once('SIGTERM', stop).once('SIGINT', stop).once('disconnect', stop);
  try {
    running = await start(args);
    const { url, log } = running;
    process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));
    log.info({ url }, 'ready');
    process.send?.({ type: 'ready', url });
  } catch (error) {
    const sentence =
      error instanceof StartError || error instanceof MissingPackage
        ? error.message
        : `It cannot start: ${(error as Error).message}`;
    process.stderr.write(`${name}: ${sentence}\n`);
    process.exit(2);
  }
}
