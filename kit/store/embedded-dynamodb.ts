import { mkdir } from 'node:fs/promises';
import { type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { claimFolder, portOf, probe } from './data-folder';
import { correctDynalite } from './embedded-conditions';
import { StartError } from '../serve/start-error';

/** An embedded DynamoDB: in this process, or in the process that owns the folder. */
export interface EmbeddedDynamoDB {
  readonly endpoint: string;
  /** False: another process owns the folder and this one uses its DynamoDB. */
  readonly owner: boolean;
  readonly stop: () => Promise<void>;
}

export interface EmbeddedDynamoDBOptions {
  /** Where the data is kept; in memory when it is not given. */
  readonly folder?: string;
  /** @default a free one, or the one of the last owner of the folder */
  readonly port?: number;
}

/** Opens a data folder: as its owner, or through the process that owns it. Throws a {@link StartError}. */
export async function openEmbeddedDynamoDB(options: EmbeddedDynamoDBOptions = {}): Promise<EmbeddedDynamoDB> {
  const { folder, port } = options;
  if (folder === undefined) return serve(undefined, port ?? 0);

  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new StartError(`The data folder ${folder} cannot be made: ${(error as Error).message}`);
  });
  const claim = await claimFolder(folder);
  if (claim.kind === 'taken') return standBy(folder, claim.endpoint);
  try {
    const served = await serve(folder, port ?? claim.lastPort ?? 0).catch((error: unknown) => {
      // The last owner's port is taken: any other will do.
      if (port === undefined && isAddressInUse(error)) return serve(folder, 0);
      throw error;
    });
    await claim.announce(served.endpoint);
    return {
      ...served,
      async stop() {
        await served.stop();
        await claim.release();
      },
    };
  } catch (error) {
    await claim.release();
    if (isAddressInUse(error))
      throw new StartError(`Port ${port ?? 0} is in use; choose another one with --port.`);
    throw error;
  }
}

const standByMilliseconds = 500;

/** Uses the owner's DynamoDB, and inherits the folder, at the same port, should the owner end before this process. */
function standBy(folder: string, endpoint: string): EmbeddedDynamoDB {
  const stopping = new AbortController();
  const { signal } = stopping;

  async function watch(): Promise<EmbeddedDynamoDB | undefined> {
    for (;;) {
      await sleep(standByMilliseconds, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return undefined;
      if ((await probe(endpoint)) !== 'refuses') continue;
      // Of several waiting processes one becomes the owner; the others wait again.
      const heir = await openEmbeddedDynamoDB({ folder, port: portOf(endpoint) }).catch(() => undefined);
      if (heir) return heir;
    }
  }
  const watching = watch();
  return {
    endpoint,
    owner: false,
    async stop() {
      stopping.abort();
      await (await watching)?.stop();
    },
  };
}

async function serve(path: string | undefined, port: number): Promise<EmbeddedDynamoDB> {
  // Loaded only by the process that runs it.
  const [{ default: dynalite }, { default: db }] = await Promise.all([
    import('dynalite'),
    import('dynalite/db/index.js'),
  ]);
  correctDynalite(db);
  const delays = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
  const server = dynalite({ ...delays, ...(path !== undefined && { path }) });
  // dynalite throws, and would end this process, when a client ends in the middle of its request.
  server.on('request', (request) => request.removeAllListeners('error').on('error', () => undefined));
  try {
    await listen(server, port);
  } catch (error) {
    // dynalite closes its data only after it has listened; left open, no other process could open the folder.
    await listen(server, 0);
    await close(server);
    throw error;
  }
  const { port: actualPort } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${actualPort}`, owner: true, stop: () => close(server) };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    // A connection without a request counts as one in use, and nothing else would end it.
    const late = setTimeout(() => server.closeAllConnections(), lastAnswersMilliseconds);
    server.close((error) => {
      clearTimeout(late);
      if (error) reject(error);
      else resolve();
    });
    server.closeIdleConnections();
  });
}

/** How long requests may take that are under way when it stops. */
const lastAnswersMilliseconds = 2000;

function isAddressInUse(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
}

if (require.main === module) void main();

/** `node embedded-dynamodb.js --data DIR [--port N]`: the embedded DynamoDB as a process of its own. */
async function main(): Promise<void> {
  try {
    const { values } = parseArgs({ options: { data: { type: 'string' }, port: { type: 'string' } } });
    const port = values.port === undefined ? undefined : Number(values.port);
    const embedded = await openEmbeddedDynamoDB({
      ...(values.data !== undefined && { folder: values.data }),
      ...(port !== undefined && { port }),
    });
    if (!embedded.owner && port !== undefined && port !== 0 && port !== portOf(embedded.endpoint)) {
      throw new StartError(
        `The data folder ${values.data ?? ''} is served by another process at ${embedded.endpoint}.`,
      );
    }
    // Waiting for the folder does not keep a process alive, nor does an idle IPC channel.
    const alive = setInterval(() => undefined, 2 ** 30);
    let stopping = false;
    const stop = () => {
      if (stopping) return;
      stopping = true;
      clearInterval(alive);
      void embedded.stop().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    };
    process.once('SIGTERM', stop).once('SIGINT', stop).once('disconnect', stop);
    process.send?.({ type: 'ready', endpoint: embedded.endpoint });
  } catch (error) {
    process.stderr.write(`embedded-dynamodb: ${(error as Error).message}\n`);
    process.exit(2);
  }
}
