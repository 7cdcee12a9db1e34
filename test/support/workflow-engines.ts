import { embeddedEngine } from '../../subgraphs/kit/workflows/embedded-engine';
import { type WorkflowEngine } from '../../subgraphs/kit/workflows/engine';
import { executionsTable } from '../../subgraphs/kit/workflows/executions-table';
import { openEmbedded, type EngineSetup } from './embedded-workflows';
import { openTestDatabase } from './subgraph-kit';

/** What an engine runs on; several engines may share it, as processes do. */
export interface EngineGround {
  open(setup: EngineSetup): WorkflowEngine;
  close(): Promise<void>;
}

type OpenGround = () => Promise<EngineGround>;

const embedded: OpenGround = async () => {
  const { db, stop } = await openTestDatabase(executionsTable('test'));
  return { open: (setup) => openEmbedded(db, setup), close: stop };
};

/** Every engine. */
export const workflowEngines: [string, typeof embeddedEngine, OpenGround][] = [
  ['embedded', embeddedEngine, embedded],
];
