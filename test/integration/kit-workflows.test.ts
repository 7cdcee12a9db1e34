/** Workflows of a subgraph of the kit: how they are defined, started, run, and go on in another process. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  defineSubgraph,
  openEmbeddedDynamoDB,
  startSubgraph,
  SubgraphError,
  type EmbeddedDynamoDB,
  type RequestScope,
  type RunningSubgraph,
  type TaskScope,
} from '../../kit';
import { lambdaHandler } from '../../kit/serve/lambda';
import { readDefinition } from '../../kit/workflows/definition';
import { readStart } from '../../kit/workflows/engine';
import { executionsTable } from '../../kit/workflows/executions-table';
import { readWorkflows } from '../../kit/workflows/open-workflows';
import { orders } from '../../subgraphs/orders';
import { examplesOf } from '../support/documentation';
import { openEmbedded } from '../support/embedded-workflows';
import { eventually } from '../support/process';
import { openTestDatabase, temporaryFolder } from '../support/subgraph-kit';

import { bookTrip, define, taskState } from '../support/workflows';

const folder = temporaryFolder();
const schema = folder.write(
  'schema.graphql',
  `type Query { trip(id: String!): String  told: String }
   type Mutation { book(id: String!, seats: Int!): String  bookLater(id: String!): String }`,
);
const definition = folder.write('book-trip.asl.json', bookTrip.text);

let dynamodb: EmbeddedDynamoDB;
const started: RunningSubgraph[] = [];
beforeAll(async () => (dynamodb = await openEmbeddedDynamoDB()));
afterEach(() => Promise.all(started.splice(0).map((each) => each.stop())));
afterAll(async () => {
  await dynamodb.stop();
  folder.remove();
});

type TripTask = (input: { seats: number }, scope: TaskScope<'greeting'>) => unknown;
const names = ['reserveHotel', 'reserveCar', 'pay', 'confirm', 'refund', 'releaseCar', 'releaseHotel'];

/** A process of the subgraph `trips`, whose tasks do what they are told, or nothing. */
async function start(tasks: Readonly<Record<string, TripTask>> = {}) {
  const calls: string[] = [];
  const all = Object.fromEntries(
    names.map((name) => [
      name,
      (input: { seats: number }, scope: TaskScope<'greeting'>) => {
        calls.push(`${name} ${scope.key}`);
        return tasks[name]?.(input, scope);
      },
    ]),
  );
  const subgraph = await startSubgraph(
    defineSubgraph({
      name: 'trips',
      schema,
      options: { greeting: { description: 'A text.', default: 'hello' } },
      workflows: [{ definition, tasks: all }],
      context: (scope) => scope,
      resolvers: {
        Query: {
          trip: async (_: unknown, { id }: { id: string }, { workflows }: RequestScope) => {
            const history = await workflows.history('book-trip', id);
            return history?.map(({ state, outcome }) => `${state} ${outcome}`).join() ?? null;
          },
        },
        Mutation: {
          book: async (
            _: unknown,
            { id, seats }: { id: string; seats: number },
            { workflows }: RequestScope,
          ) => {
            await workflows.start('book-trip', id, { seats });
            return (await workflows.wait('book-trip', id, { milliseconds: 30_000 }))?.status;
          },
          bookLater: async (_: unknown, { id }: { id: string }, { workflows }: RequestScope) =>
            (await workflows.start('book-trip', id, { seats: 1 })).status,
        },
      },
    }),
    {
      port: 0,
      logLevel: 'silent',
      database: { kind: 'endpoint', endpoint: dynamodb.endpoint, credentials: false },
    },
  );
  started.push(subgraph);
  async function send(query: string, headers: Record<string, string> = {}) {
    const response = await fetch(subgraph.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query }),
    });
    return JSON.parse(await response.text());
  }
  return { subgraph, calls, send };
}

it('starts a workflow, and answers with its end', async () => {
  const scopes: TaskScope<'greeting'>[] = [];
  const { send, calls } = await start({
    pay: (input, scope) => (scopes.push(scope), { amount: input.seats * 10 }),
  });
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const answer = await send('mutation { book(id: "t1", seats: 3) }', {
    'x-request-id': 'r1',
    traceparent: trace,
  });
  expect(answer).toEqual({ data: { book: 'SUCCEEDED' } });
  expect(calls).toEqual(
    ['reserveHotel#ReserveHotel', 'reserveCar#ReserveCar', 'pay#Pay', 'confirm#Confirm'].map((call) =>
      call.replace('#', ' book-trip.t1#'),
    ),
  );
  expect(scopes[0]).toMatchObject({
    options: { greeting: 'hello' },
    propagation: { 'x-request-id': 'r1', traceparent: trace },
  });
  expect(await send('{ trip(id: "t1") }')).toEqual({
    data: {
      trip: 'ReserveHotel SUCCEEDED,ReserveCar SUCCEEDED,Pay SUCCEEDED,Confirm SUCCEEDED,Booked SUCCEEDED',
    },
  });
});

it('undoes what was done, in reverse, when a step fails', async () => {
  let refunds = 0;
  const { send } = await start({
    confirm: () => {
      throw new SubgraphError('CONFLICT', 'Too late.');
    },
    refund: () => {
      if (refunds++ === 0) throw new Error('down');
    },
  });
  expect(await send('mutation { book(id: "t2", seats: 1) }')).toEqual({ data: { book: 'SUCCEEDED' } });
  expect((await send('{ trip(id: "t2") }')).data.trip).toMatch(
    /Confirm CAUGHT,Refund SUCCEEDED,ReleaseCar SUCCEEDED,ReleaseHotel SUCCEEDED,Refused SUCCEEDED$/,
  );
});

it('goes on in another process when one stops, whose task in flight completes first', async () => {
  let complete!: () => void;
  const held = new Promise<void>((resolve) => (complete = resolve));
  const first = await start({ pay: () => held });
  await first.send('mutation { bookLater(id: "t3") }');
  await eventually(() => first.calls.includes('pay book-trip.t3#Pay'));
  const stopped = first.subgraph.stop();
  complete();
  await stopped;
  const second = await start();
  await eventually(async () =>
    (await second.send('{ trip(id: "t3") }')).data.trip.endsWith('Booked SUCCEEDED'),
  );
  expect(second.calls).toEqual(['confirm book-trip.t3#Confirm']);
});

const refused = (workflows: { definition: string; tasks: Record<string, TripTask> }[]) =>
  startSubgraph(defineSubgraph({ name: 'trips', schema, resolvers: {}, workflows }), {
    port: 0,
    logLevel: 'silent',
  });

it('refuses to start with a definition that names a task which is not there', async () => {
  await expect(refused([{ definition, tasks: { reserveHotel: () => null } }])).rejects.toThrow(
    `The workflow ${definition} is refused: the state "ReserveCar" calls the task "reserveCar", which the subgraph does not have; its tasks are: reserveHotel.`,
  );
});

it.each([
  [
    'a state that is not supported',
    { Take: { Type: 'Parallel', End: true } },
    'the state "Take" has the Type "Parallel", which is not supported; use Task, Choice, Pass, Wait, Succeed, Fail.',
  ],
  [
    'a broken path',
    { Take: { Type: 'Pass', InputPath: '$..upc', End: true } },
    'InputPath of the state "Take" must be a path of names and indexes, such as $.order.lines[0], but got: "$..upc".',
  ],
])('refuses to start with %s', async (_, states, sentence) => {
  const text = JSON.stringify({ StartAt: 'Take', States: states });
  const other = folder.write('refused.asl.json', text);
  await expect(refused([{ definition: other, tasks: {} }])).rejects.toThrow(
    `The workflow ${other} is refused: ${sentence}`,
  );
});

it('refuses the embedded engine on Lambda, before it opens a database', async () => {
  const other = folder.write('lambda.asl.json', define({ Take: taskState('take', { End: true }) }).text);
  const workflows = [{ definition: other, tasks: { take: () => null } }];
  const handler = lambdaHandler(defineSubgraph({ name: 'trips', schema, resolvers: {}, workflows }));
  const servers = () => process.getActiveResourcesInfo().filter((each) => each === 'TCPServerWrap').length;
  const before = servers();
  await expect(handler({}, {})).rejects.toThrow(/has workflows, which a Lambda function cannot run/);
  expect(servers()).toBe(before);
});

it('starts no workflow that is not defined', async () => {
  const given = [new Map(), { workflow: 'rent-boat', id: 'r1' }, {}, { correlationid: 'r' }] as const;
  expect(() => readStart(...given)).toThrow('There is no workflow "rent-boat"; there are: none.');

  const { send } = await start();
  const { errors } = await send('mutation { book(id: "no such id!", seats: 1) }');
  expect(errors[0]).toMatchObject({
    message: 'The id of an execution must have 1 to 40 letters, digits, "-" and "_", but is "no such id!".',
    extensions: { code: 'BAD_USER_INPUT' },
  });
});

describe('the definition of the documentation', () => {
  const [example] = examplesOf('docs/workflows.md').filter(({ language }) => language === 'json');
  const tasks = ['reserveBoat', 'takePayment', 'refundPayment', 'releaseBoat'];

  /** The execution at its end, and the calls of its tasks, some of which fail. */
  async function runWith(failures: Record<string, SubgraphError>) {
    const calls: string[] = [];
    const call = (name: string) => (input: object) => {
      calls.push(`${name} ${JSON.stringify(input)}`);
      if (failures[name]) throw failures[name];
    };
    const { db, stop } = await openTestDatabase(executionsTable('test'));
    const definition = readDefinition(folder.write('rent-boat.asl.json', example!.text));
    const engine = openEmbedded(db, {
      definitions: [definition],
      tasks: Object.fromEntries(tasks.map((name) => [name, call(name)])),
    });
    const execution = { workflow: 'rent-boat', id: 'r1' };
    const input = { boat: 'b1', buyer: 'u1', price: 3 };
    await engine.start(
      readStart(new Map([['rent-boat', definition]]), execution, input, { correlationid: 'r' }),
    );
    const ended = await engine.wait(execution, 5000);
    await engine.stop();
    await stop();
    return { ended, calls };
  }

  it('runs, with its compensations in reverse', async () => {
    const { ended, calls } = await runWith({ takePayment: new SubgraphError('CONFLICT', 'No.') });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', state: 'Refused' });
    expect(calls).toEqual([
      'reserveBoat {"boat":"b1"}',
      'takePayment {"buyer":"u1","price":3}',
      'refundPayment {}',
      'releaseBoat {"boat":"b1"}',
    ]);
  });

  it('fails at once, with a sentence, where no attempt of a compensation can succeed', async () => {
    const { ended, calls } = await runWith({
      reserveBoat: new SubgraphError('OUT_OF_STOCK', 'Taken.'),
      releaseBoat: new SubgraphError('NOT_FOUND', 'There is no boat "b1".'),
    });
    expect(ended).toMatchObject({
      status: 'FAILED',
      error: { error: 'NOT_FOUND', cause: 'There is no boat "b1".' },
    });
    expect(calls).toEqual(['reserveBoat {"boat":"b1"}', 'releaseBoat {"boat":"b1"}']);
  });
});

const subgraphs = join(__dirname, '../../subgraphs');
const files = readdirSync(subgraphs, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.asl.json'),
);

it('supports every definition of the reference graph, whose tasks are there', () => {
  const supported = files.map((file) => readDefinition(join(subgraphs, file)).name);
  const { definitions } = readWorkflows(orders);
  expect([...definitions.keys()].sort()).toEqual(supported.sort());
});
