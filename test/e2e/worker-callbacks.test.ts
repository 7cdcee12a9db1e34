/** HTTP callbacks to a gateway of several processes, behind one port. */
import { composeSupergraph } from '../../schema';
import {
  defineSubgraph,
  memoryEventSource,
  startSubgraph,
  subscriptionField,
  type Resolvers,
  type RunningSubgraph,
} from '../../kit';
import { freePort } from '../support/free-port';
import { childrenOf, endAll, eventually, startWeir } from '../support/process';
import { temporaryFolder } from '../support/subgraph-kit';
import { overEventStream, type Subscriber } from '../support/subscription-clients';

const folder = temporaryFolder();
let subgraph: RunningSubgraph;
const open: Subscriber[] = [];
afterAll(async () => {
  for (const { close } of open) close();
  await endAll();
  await subgraph.stop();
  folder.remove();
});

const sdl = 'type Query { one: Int }  type Subscription { moved: Move }  type Move { step: Int! }';
interface Move {
  readonly step: number;
}
const resolvers: Resolvers<object> = {
  Subscription: {
    moved: subscriptionField<object, object, Move>({
      event: 'Moved',
      keys: () => 'all',
      resolve: (move) => move,
    }),
  },
};

it('brings the callbacks of all workers to one of them, which passes on those of the others', async () => {
  const schema = folder.write('parcels.graphql', sdl);
  const source = memoryEventSource();
  const parcels = defineSubgraph({ name: 'parcels', schema, resolvers, events: () => source });
  subgraph = await startSubgraph(parcels, { port: 0, logLevel: 'silent' });
  const { supergraphSdl } = composeSupergraph({
    subgraphs: [{ name: 'parcels', routingUrl: subgraph.url, sdl, file: 'parcels.graphql' }],
  });
  const [port, adminPort, callbackPort] = [await freePort(), await freePort(), await freePort()];
  const config = folder.write(
    'weir.yaml',
    `supergraph: ${folder.write('supergraph.graphql', supergraphSdl!)}
port: ${port}
admin: { port: ${adminPort} }
logging: { level: warn }
subgraphs: { parcels: { subscriptions: { protocol: callback, heartbeat: 1s } } }
subscriptions: { callback: { port: ${callbackPort}, publicUrl: 'http://127.0.0.1:${callbackPort}' } }
`,
  );
  const gateway = startWeir(['gateway', '--workers', '2', '--config', config]);
  await gateway.printed(/2 workers answer at /);

  const subscribe = (): Subscriber => {
    const query = 'subscription { moved { step } }';
    const subscriber = overEventStream(`http://127.0.0.1:${port}/graphql`, { query });
    open.push(subscriber);
    return subscriber;
  };
  /** Of each worker that serves. */
  const seriesOf = async (name: string): Promise<number[]> => {
    const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    const lines = metrics.split('\n').filter((line) => line.startsWith(name) && /worker="[1-9]"/.test(line));
    return lines.map((line) => Number(line.split(' ').at(-1)));
  };
  const isActive = async (count: number): Promise<boolean> =>
    (await seriesOf('weir_subscriptions_active')).reduce((sum, active) => sum + active, 0) === count;
  const bothHaveSources = async (): Promise<boolean> =>
    (await seriesOf('weir_subscriptions_upstreams')).join() === '1,1';
  /** @param others how many subscriptions there are already */
  const subscribeToBoth = async (others: number): Promise<Subscriber[]> => {
    const subscribers = Array.from({ length: 6 }, subscribe);
    for (;;) {
      await eventually(() => isActive(others + subscribers.length));
      if (await bothHaveSources()) return subscribers;
      // A worker that is busy is given no connections.
      subscribers.push(subscribe());
    }
  };
  const publish = (step: number): void => {
    source.publish({ type: 'Moved', key: 'p', data: { step } satisfies Move });
  };
  const readAll = (subscribers: readonly Subscriber[]) => Promise.all(subscribers.map(({ next }) => next()));
  const moved = (step: number) => expect.objectContaining({ data: { moved: { step } } });

  const first = await subscribeToBoth(0);
  for (const step of [1, 2, 3]) {
    publish(step);
    expect(await readAll(first)).toEqual(first.map(() => moved(step)));
  }

  // It is the one with the port that all callbacks come to, or another one.
  const [victim] = childrenOf(gateway.pid).map(({ pid }) => pid);
  let left = first.length;
  for (const { ended } of first) void ended.then(() => left--);
  process.kill(victim!, 'SIGKILL');
  await gateway.printed(/died \(SIGKILL\); starting another/);
  await eventually(async () => (await seriesOf('weir_subscriptions_upstreams')).length === 2);
  await eventually(() => isActive(left));
  const second = await subscribeToBoth(left);
  publish(4);
  expect(await readAll(second)).toEqual(second.map(() => moved(4)));
  expect(left).toBeGreaterThan(0);
});
