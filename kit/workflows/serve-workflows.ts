import { z } from 'zod';
import { SubgraphError } from '../errors';
import { operatorRoute, withAction, type OperatorRoutes } from '../serve/operator-route';
import { nameOf, readName, type ExecutionName, type WorkflowEngine } from './engine';

export interface ServeWorkflowsOptions extends OperatorRoutes {
  readonly engine: Pick<WorkflowEngine, 'list' | 'get' | 'history' | 'retry'>;
}

const mostListed = 100;
const statuses = ['FAILED', 'RUNNING'] as const;

/** `WORKFLOW.ID`, such as `place-order.o1`. */
const execution = z.string();
const workflowsBody = z.preprocess(
  withAction('list'),
  z.discriminatedUnion('action', [
    z.strictObject({
      action: z.literal('list'),
      /** Not there: those that have failed, then those that run. */
      status: z.enum(statuses).optional(),
      /** For each status. */
      limit: z.int().min(1).max(mostListed).default(mostListed),
    }),
    z.strictObject({ action: z.literal('show'), execution }),
    z.strictObject({ action: z.literal('retry'), execution }),
  ]),
);

/** Serves what operators do with executions of workflows: `/workflows`. An empty object lists. */
export function serveWorkflows({ engine, ...routes }: ServeWorkflowsOptions): void {
  operatorRoute(routes, '/workflows', {
    body: workflowsBody,
    async act(request) {
      if (request.action === 'list') {
        const { status, limit } = request;
        const wanted = status === undefined ? statuses : [status];
        const found = await Promise.all(wanted.map((each) => engine.list(each, limit)));
        return { executions: found.flat() };
      }
      const name = nameIn(request.execution);
      if (request.action === 'retry') return { execution: await engine.retry(name) };
      const [found, history] = await Promise.all([engine.get(name), engine.history(name)]);
      if (!found || !history)
        throw new SubgraphError('NOT_FOUND', `There is no execution "${nameOf(name)}".`);
      return { execution: found, history };
    },
  });
}

function nameIn(text: string): ExecutionName {
  const name = readName(text);
  if (name) return name;
  throw new SubgraphError(
    'BAD_USER_INPUT',
    'An execution is named WORKFLOW.ID, such as place-order.o1: the id has letters, digits, "-" and "_".',
  );
}
