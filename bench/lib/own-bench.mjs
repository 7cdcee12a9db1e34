/** What the scripts have in common that measure one gateway: the replay, the clients, and a folder that goes with them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { subgraphNames } from '../fixture/subgraphs.mjs';
import { startHelper } from './helper.mjs';
import { inspectable } from './inspector.mjs';
import { killAll, startSystem } from './running-system.mjs';
import { findSystem } from '../systems.mjs';

/**
 * Runs `work({ replay, clients, urls, folder, start })`; whatever happens, nothing is left behind. `subgraphs` is the
 * server that stands for all of them.
 */
export async function withHelpers(work, subgraphs = 'replay.mjs') {
  const folder = ownFolder();
  const replay = startHelper(subgraphs, 1);
  const clients = startHelper('load.mjs', 1);
  const { ports } = await replay.ask({ command: 'listen' });
  const urls = Object.fromEntries(
    subgraphNames.map((name) => [name, `http://127.0.0.1:${ports[name]}/graphql`]),
  );
  /** Starts Weir on these cores, inspectable. */
  const start = (supergraph, operation, cores) =>
    startSystem(findSystem('weir'), {
      supergraph,
      operation: JSON.stringify(operation),
      cores,
      nodeFlags: [inspectable],
    });
  try {
    await work({ replay, clients, urls, folder, start });
  } finally {
    killAll();
    replay.stop();
    clients.stop();
  }
}

/** A folder that is there until the bench ends. No system that was started outlives it either. */
export function ownFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  process.on('exit', () => {
    killAll();
    rmSync(folder, { recursive: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  return folder;
}

/** The load of one workload at a fixed rate, as `clients` understand it; every answer is compared with `expected`. */
export const atRate = (running, workload, expected, rate, seconds) => ({
  port: running.port,
  connections: 10,
  body: JSON.stringify(workload.operation),
  expected,
  stamp: workload.stamp,
  warmUp: 0,
  rate,
  seconds,
});
