import {
  describeVersions,
  type LoadParts,
  mergeLoads,
  versionSource,
} from '../../../../gateway/console/versions';
import type { ShownLoad } from '../../../../gateway/console/versions-api';

const load = (at: number, more: Partial<ShownLoad> = {}): ShownLoad => ({
  ...{ what: 'supergraph', result: 'live', supergraph: 'a', at, times: 1 },
  ...more,
});
const running = (supergraph: string, since: number, processes = 1) => ({ supergraph, since, processes });

describe('several processes', () => {
  it('have loaded one supergraph together within ten seconds', () => {
    const parts: LoadParts[] = [
      { running: [running('a', 5)], loads: [load(21_000)] },
      { running: [running('a', 3)], loads: [load(20_000), load(1_000)] },
      { running: [running('b', 9)], loads: [load(20_500, { supergraph: 'b' })] },
    ];
    expect(mergeLoads(parts)).toEqual({
      running: [running('a', 3, 2), running('b', 9)],
      loads: [load(21_000, { processes: 2 }), load(20_500, { supergraph: 'b' }), load(1_000)],
    });
  });

  it('show at most 50 loads', () => {
    const loads = Array.from({ length: 40 }, (_, i) => load(i * 100_000));
    const others = loads.map((each) => ({ ...each, result: 'refused' as const }));
    expect(
      mergeLoads([
        { running: [], loads },
        { running: [], loads: others },
      ]).loads,
    ).toHaveLength(50);
  });
});

describe('several gateways', () => {
  const gateways = [
    ['own', { running: [running('a', 1)], loads: [load(1)] }],
    ['far', { running: [running('b', 2)], loads: [load(2)] }],
  ] as const;

  it('are named with what they run and have loaded, the newest first', () => {
    expect(describeVersions({ source: 'the file a.graphql', troubles: [] }, gateways)).toEqual({
      ...{ source: 'the file a.graphql', troubles: [] },
      gateways: [
        { ...running('a', 1), name: 'own' },
        { ...running('b', 2), name: 'far' },
      ],
      loads: [
        { ...load(2), gateway: 'far' },
        { ...load(1), gateway: 'own' },
      ],
    });
  });

  it('are those that have reported to the registry, where there is one', () => {
    const version = { number: 1, kind: 'published', at: 1, by: 'ana', changes: 'added a' } as const;
    const history = {
      versions: [version],
      hasMore: false,
      gateways: [{ name: 'host-1', since: 3, version: 1 }],
    };
    const view = describeVersions({ source: 'the registry, shop@prod', history, troubles: [] }, gateways);
    expect(view.registry).toEqual({ versions: [version], hasMore: false });
    expect(view.gateways).toEqual(history.gateways);
  });
});

describe('the source of versions', () => {
  const difference = () => Promise.resolve(undefined);

  it('reads the registry once for all who look within seconds', async () => {
    let reads = 0;
    const versions = () => {
      reads++;
      return Promise.resolve({ versions: [], hasMore: false, gateways: [] });
    };
    const read = versionSource(() => ({ source: 'it', history: { versions, difference } }));
    await Promise.all([read(), read()]);
    expect(await read()).toMatchObject({ history: { versions: [] }, troubles: [] });
    expect(reads).toBe(1);
  });

  it('reports why the registry cannot be read, or that it has not answered', async () => {
    const of = (versions: () => Promise<never>) =>
      versionSource(() => ({ source: 'it', history: { versions, difference } }))();
    expect((await of(() => Promise.reject(new Error('No.')))).troubles).toEqual([
      'The registry cannot be read: No.',
    ]);
    expect((await of(() => new Promise(() => undefined))).troubles).toEqual([
      'The registry has not answered yet.',
    ]);
  });

  it('is only called by its name without a registry', async () => {
    expect(await versionSource(() => ({ source: 'the file', history: undefined }))()).toEqual({
      ...{ source: 'the file', troubles: [] },
    });
  });
});
