import { rm } from 'node:fs/promises';
import { CommandFailure, type Context } from '../context';
import { embeddedDynamoDBScript } from '../own-package';
import { startChild } from './child';
import type { Output } from './output';
import { freePorts } from './ports';
import { describeExit, isRefused, supervise } from './supervisor';

export interface DatabaseOptions {
  /** The data folder of the embedded DynamoDB. */
  readonly folder: string;
  /** Whether the data is deleted first. */
  readonly reset: boolean;
  readonly env: Context['env'];
  readonly output: Output;
}

/** The DynamoDB of the graph. */
export interface DevDatabase {
  /** The environment variables with which subgraphs use it. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder or address, for messages. */
  readonly place: string;
  /** A sentence on what helps a subgraph that does not start, by the reason that it has printed; undefined for none. */
  readonly remedyFor: (reason: string) => string | undefined;
  stop(): Promise<void>;
}

/** Starts the embedded DynamoDB, unless the environment names another one. @throws {CommandFailure} */
export async function startDatabase({ folder, reset, env, output }: DatabaseOptions): Promise<DevDatabase> {
  const endpoint = env['DYNAMODB_ENDPOINT'];
  if (endpoint) {
    if (reset) throw new CommandFailure('weir: --reset empties the embedded DynamoDB only.', 2);
    return { env: {}, place: endpoint, remedyFor: () => undefined, stop: () => Promise.resolve() };
  }
  if (reset) await emptyFolder(folder, env, output);

  let port = '';
  const process = supervise({
    startChild: () =>
      startChild({
        script: embeddedDynamoDBScript(),
        // After a restart it must listen at the address that the subgraphs know.
        args: ['--data', folder, ...(port === '' ? [] : ['--port', port])],
        env,
        onLine: (line) => output.line('dynamodb', line),
      }),
    isRefusal: isRefused,
    onDeath: (exit, delay) =>
      output.say(`DynamoDB ${describeExit(exit)}; it is started again in ${delay / 1000} s.`),
    onRecovery: () => output.say('DynamoDB is back.'),
  });
  const start = await process.started;
  if (!('url' in start)) {
    await process.stop();
    throw new CommandFailure(`weir: the embedded DynamoDB ${describeExit(start)} before it was ready.`, 2);
  }
  port = new URL(start.url).port;
  return {
    env: { DYNAMODB_ENDPOINT: start.url },
    place: folder,
    // Subgraphs say this only where the keys or indexes of a table are not those of the code.
    remedyFor: (reason) =>
      reason.includes('delete the table')
        ? `The tables in ${folder} are of another version of Weir: --reset deletes them and begins with new sample data.`
        : undefined,
    stop: () => process.stop(),
  };
}

/**
 * Deletes a data folder, but only if no other process uses it: a process that can serve the folder owns it. The port is
 * chosen here, as without one that process would accept another owner and wait.
 */
async function emptyFolder(folder: string, env: Context['env'], output: Output): Promise<void> {
  const [port] = await freePorts(1);
  const owner = startChild({
    script: embeddedDynamoDBScript(),
    args: ['--data', folder, '--port', String(port)],
    env,
    onLine: (line) => output.line('dynamodb', line),
  });
  const owned = (await owner.ready) !== undefined;
  await owner.stop();
  if (!owned) throw new CommandFailure(`weir: ${folder} was not reset.`, 2);
  await rm(folder, { recursive: true, force: true });
}
