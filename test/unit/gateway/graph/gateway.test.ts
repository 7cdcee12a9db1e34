import { buildSchema } from 'graphql';
import { Gateway } from '../../../../gateway/graph/gateway';
import type { Generation } from '../../../../gateway/graph/generation';
import { createLogger } from '../../../../gateway/telemetry/logger';
import { createMetrics, type Metrics } from '../../../../gateway/telemetry/metrics/metrics';
import { sourceOf } from '../../../support/running-gateway';

let metrics: Metrics;
beforeEach(() => (metrics = createMetrics()));
afterEach(() => metrics.close());

/** A generation that only says when it is retired. */
function generationOf(supergraphSdl: string) {
  const generation = {
    supergraphSdl,
    apiSchema: buildSchema('type Query { a: Int }'),
    unknownSubgraphs: [],
    retired: false,
    retire: () => (generation.retired = true),
  };
  return generation;
}

function createGateway(first: string | undefined) {
  const source = sourceOf(first);
  const built: ReturnType<typeof generationOf>[] = [];
  const moved: string[] = [];
  const waiting: { readonly sdl: string; finish(): void; fail(): void }[] = [];
  const gateway = new Gateway({
    source,
    build: (sdl) =>
      new Promise((resolve, reject) => {
        const finish = () => {
          built.push(generationOf(sdl));
          resolve(built.at(-1) as unknown as Generation);
        };
        if (sdl === first) finish();
        else waiting.push({ sdl, finish, fail: () => reject(new Error('No.')) });
      }),
    runningSubscriptions: {
      moveTo: async () => {
        moved.push(gateway.current!.supergraphSdl);
      },
    },
    loads: { note: () => undefined },
    logger: createLogger({ level: 'silent' }),
    metrics,
  });
  const live: string[] = [];
  gateway.onSchemaLoadOrUpdate(({ coreSupergraphSdl }) => live.push(coreSupergraphSdl));
  return { gateway, source, built, waiting, live, moved };
}

const turn = () => new Promise((next) => setImmediate(next));

it('builds one supergraph at a time, and then only the newest that came meanwhile', async () => {
  const { gateway, source, built, waiting, live } = createGateway('1');
  await gateway.start();
  gateway.follow();
  for (const sdl of ['2', '3', '4']) source.report(sdl);
  expect(waiting.map(({ sdl }) => sdl)).toEqual(['2']);
  waiting[0]!.finish();
  await turn();
  waiting[1]!.finish();
  await turn();
  expect(live).toEqual(['1', '2', '4']);
  expect(built.map(({ retired }) => retired)).toEqual([true, true, false]);
});

it('builds a supergraph that comes just when another one is done', async () => {
  const { gateway, source, waiting, live } = createGateway('1');
  await gateway.start();
  gateway.follow();
  gateway.onSchemaLoadOrUpdate(({ coreSupergraphSdl }) => {
    if (coreSupergraphSdl === '2') source.report('3');
  });
  source.report('2');
  waiting[0]!.finish();
  await turn();
  waiting[1]!.finish();
  await turn();
  expect(live).toEqual(['1', '2', '3']);
});

it('moves subscriptions to no other supergraph once other options have replaced its own', async () => {
  const { gateway, source, built, waiting, live, moved } = createGateway('1');
  await gateway.start();
  gateway.follow();
  for (const sdl of ['2', '3']) source.report(sdl);
  gateway.freeze();
  waiting[0]!.finish();
  await turn();
  source.report('4');
  expect([live, moved, waiting.length]).toEqual([['1'], [], 1]);
  expect(built.map(({ retired }) => retired)).toEqual([false, true]);
});

it('takes the newest supergraph that has come when nothing has replaced its own', async () => {
  const { gateway, source, built, waiting, live, moved } = createGateway('1');
  await gateway.start();
  gateway.follow();
  source.report('2');
  gateway.freeze();
  waiting[0]!.finish();
  await turn();
  expect(live).toEqual(['1']);
  gateway.follow();
  waiting[1]!.finish();
  await turn();
  source.report('3');
  waiting[2]!.finish();
  await turn();
  expect([live, moved]).toEqual([
    ['1', '2', '3'],
    ['2', '3'],
  ]);
  expect(built.map(({ retired }) => retired)).toEqual([true, true, true, false]);
});

it('moves subscriptions to nothing before it follows its source', async () => {
  const { gateway, source, waiting, live, moved } = createGateway('1');
  await gateway.start();
  source.report('2');
  await turn();
  expect([live, moved, waiting]).toEqual([['1'], [], []]);
  gateway.follow();
  waiting[0]!.finish();
  await turn();
  expect([live, moved]).toEqual([['1', '2'], ['2']]);
});

it('does not build what already runs', async () => {
  const { gateway, source, waiting } = createGateway('1');
  await gateway.start();
  gateway.follow();
  source.report('1');
  await turn();
  expect(waiting).toEqual([]);
});

it('keeps the last good supergraph when another one cannot be built', async () => {
  const { gateway, source, built, waiting, live } = createGateway('1');
  await gateway.start();
  gateway.follow();
  source.report('2');
  waiting[0]!.fail();
  await turn();
  expect(live).toEqual(['1']);
  expect(built[0]!.retired).toBe(false);
  source.report('3');
  waiting[1]!.finish();
  await turn();
  expect(live).toEqual(['1', '3']);
});

it('loads as soon as there is a supergraph', async () => {
  const { gateway, source, waiting, moved } = createGateway(undefined);
  await gateway.start();
  gateway.follow();
  let loaded = false;
  const loading = gateway.load().then(() => (loaded = true));
  await turn();
  expect(loaded).toBe(false);
  source.report('1');
  waiting[0]!.finish();
  await loading;
  // Those that run on other options, until there is a supergraph.
  expect(moved).toEqual(['1']);
});

it('retires a generation that is built after the stop', async () => {
  const { gateway, source, built, waiting, live } = createGateway('1');
  await gateway.start();
  gateway.follow();
  source.report('2');
  const stopped = gateway.stop();
  waiting[0]!.finish();
  await stopped;
  expect(live).toEqual(['1']);
  expect(built.map(({ retired }) => retired)).toEqual([true, true]);
});

describe('a first supergraph that cannot be run', () => {
  const log: string[] = [];
  beforeEach(() => log.splice(0));

  const start = async (kept: string | undefined): Promise<void> => {
    const destination = { write: (line: string) => log.push((JSON.parse(line) as { msg: string }).msg) };
    const gateway = new Gateway({
      source: sourceOf('broken'),
      build: (sdl) =>
        sdl === 'broken'
          ? Promise.reject(new Error('No.'))
          : Promise.resolve(generationOf(sdl) as unknown as Generation),
      runningSubscriptions: { moveTo: async () => undefined },
      lastGood: {
        file: 'kept.graphql',
        read: async () => (kept === undefined ? undefined : { supergraphSdl: kept, since: new Date() }),
        write: async () => undefined,
      },
      loads: { note: () => undefined },
      logger: createLogger({ level: 'warn', destination }),
      metrics,
    });
    await gateway.start();
    await gateway.stop();
  };

  it('fails the start, and is not logged', async () => {
    await expect(start(undefined)).rejects.toThrow('No.');
    expect(log).toEqual([]);
  });

  it('is logged when the last good one runs instead', async () => {
    await start('kept');
    expect(log).toEqual(['a supergraph was refused', 'the last good supergraph runs']);
  });
});
