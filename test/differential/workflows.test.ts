/**
 * The same definition goes through the same states in every failure case, in each engine: those of the reference graph,
 * and a saga. Step Functions is moto's, which others have written.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SubgraphError, type Task, type TaskScope } from '../../kit';
import { readDefinition, tasksOf, type Definition } from '../../kit/workflows/definition';
import { readStart, type WorkflowEngine } from '../../kit/workflows/engine';
import { amountOf, timeFor } from '../support/amounts';
import { workflowEngines, type EngineGround } from '../support/workflow-engines';
import { bookTrip } from '../support/workflows';

const subgraphs = join(__dirname, '../../subgraphs');
const files = readdirSync(subgraphs, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.asl.json'),
);
const definitions = [bookTrip, ...files.map((file) => readDefinition(join(subgraphs, file)))];

/** How many failure cases of each definition are tried, spread over all. */
const amount = amountOf('WEIR_FAILURES', 2, 1000);
const kinds = ['CONFLICT', 'UNAVAILABLE'];

/** How often each task fails, by its state, and with what. */
interface Case {
  readonly error: string;
  readonly times: Readonly<Record<string, number>>;
}

/** No task fails; one does, for good or, where everything is retried, once; and so do all that are retried, too. */
function casesOf({ States }: Definition): Case[] {
  const tasks = Object.entries(States).flatMap(([name, state]) =>
    state.Type === 'Task' ? [{ name, state }] : [],
  );
  const persistent = ({ state }: (typeof tasks)[number]): boolean =>
    state.Retry?.some(({ ErrorEquals }) => ErrorEquals.includes('States.ALL')) === true ||
    (state.Retry?.some(({ MaxAttempts }) => MaxAttempts > 10) ?? false);
  const compensations = Object.fromEntries(tasks.filter(persistent).map(({ name }) => [name, 1]));
  const steps = tasks.filter((task) => !persistent(task));
  const all = [
    { error: 'NONE', times: {} },
    ...kinds.flatMap((error) => [
      ...tasks.map((task) => ({ error, times: { [task.name]: persistent(task) ? 1 : 1000 } })),
      ...steps.map(({ name }) => ({
        error,
        times: { ...compensations, [name]: 1000 },
      })),
    ]),
  ];
  const step = Math.max(1, (all.length - 1) / (amount - 1));
  return all.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
}

const input = {
  orderId: 'o1',
  buyerId: 'u1',
  lines: [{ upc: 'p1' }],
  deliveryAddress: {},
  paymentToken: 't',
};

/** What happens in each case, a few at a time: what stands in for Step Functions has a thread for each. */
async function runAll(engine: WorkflowEngine, definition: Definition, cases: readonly Case[]) {
  const known = new Map([[definition.name, definition]]);
  const found: unknown[] = [];
  let next = 0;
  async function runNext(): Promise<void> {
    while (next < cases.length) {
      const i = next++;
      const execution = { workflow: definition.name, id: `case${i}` };
      await engine.start(readStart(known, execution, input, { correlationid: 'r1' }));
      const { status, output } = (await engine.wait(execution, 90_000))!;
      const history = (await engine.history(execution))!;
      const path = history.map(({ state, outcome, attempts, error }) => [state, outcome, attempts, error]);
      found[i] = { ...cases[i], status, output, path };
    }
  }
  await Promise.all(Array.from({ length: 6 }, runNext));
  return found;
}

/** Each task fails as its case says, and answers what later states read. */
const tasksFor = (definition: Definition, cases: readonly Case[]): Record<string, Task> =>
  Object.fromEntries(
    tasksOf(definition).map((task) => [
      task,
      (_: never, { key, attempt }: TaskScope) => {
        const [, index, state] = /case(\d+)#(.*)$/.exec(key)!;
        const { error, times } = cases[Number(index)]!;
        if (attempt <= (times[state!] ?? 0)) throw new SubgraphError(error as 'CONFLICT', `${state} fails.`);
        return { total: 10, by: state };
      },
    ]),
  );

const [oracle, ...others] = workflowEngines;
const compared = others.map((engine) => [engine.name, engine] as const);

describe.each(compared)('the engine %s', (_, { skipped, ground }) => {
  const it = skipped === undefined ? global.it : global.it.skip;
  const grounds: EngineGround[] = [];
  beforeAll(async () => {
    if (skipped === undefined) grounds.push(await oracle!.ground(), await ground());
  });
  afterAll(() => Promise.all(grounds.map((each) => each.close())));

  it.each(definitions.map((definition) => [definition.name, definition] as const))(
    'goes through the states of %s as the embedded engine does, whatever fails',
    async (_, definition) => {
      const cases = casesOf(definition);
      const setup = { definitions: [definition], tasks: tasksFor(definition, cases) };
      const runs: unknown[][] = [];
      for (const each of grounds) {
        const engine = await each.open(setup);
        runs.push(await runAll(engine, definition, cases));
        await engine.stop();
      }
      const [expected, found] = runs;
      expect(found).toEqual(expected);
      expect(expected).not.toContainEqual(expect.objectContaining({ status: 'RUNNING' }));
    },
    timeFor(amount, 5),
  );
});
