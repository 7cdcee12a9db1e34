import type { RequestSummary } from '../../../../gateway/console/api';
import { type GatewaySummary, summaryFormat } from '../../../../gateway/console/gateway-summary';
import {
  type AskAll,
  type AskOne,
  consoleSource,
  mergedGateway,
  type OwnGateway,
  type PrimaryConsole,
  shareOf,
} from '../../../../gateway/console/merged-source';
import type { OtherGateways } from '../../../../gateway/console/other-gateways';
import { figuresOf, summaryAt } from '../../../support/gateway-figures';

const primary: PrimaryConsole = {
  loads: () => ({ running: [], loads: [] }),
  options: () => Promise.resolve({ options: [] }),
};
const gatewayAnswering = (answers: ReadonlyMap<number, unknown>) =>
  mergedGateway(
    (() => Promise.resolve(answers)) as unknown as AskAll,
    () => Promise.resolve(undefined),
    primary,
  );

describe('several processes', () => {
  const answering = (answers: ReadonlyMap<number, unknown>) => consoleSource(gatewayAnswering(answers));

  it('list their requests, newest first, each with its process', async () => {
    const answers = new Map([
      [1, [summaryAt('c', 3), summaryAt('a', 1)]],
      [2, [summaryAt('d', 4), summaryAt('b', 2)]],
    ]);
    const found = await answering(answers).requests({});
    expect(found.map(({ id, worker }) => `${id}${worker}`)).toEqual(['d2', 'c1', 'b2', 'a1']);
  });

  it('list no more than 200', async () => {
    const many = Array.from({ length: 150 }, (_, i) => summaryAt(`${i}`, i));
    const found = await answering(
      new Map([
        [1, many],
        [2, many],
      ]),
    ).requests({});
    expect(found).toHaveLength(200);
  });

  it('find a request in the process that has it', async () => {
    const found = { ...summaryAt('a', 1), timeline: [] };
    const source = answering(new Map([[2, found]]));
    expect(await source.request('a')).toMatchObject({ id: 'a', worker: 2, others: [] });
    expect(await answering(new Map()).request('a')).toBeUndefined();
  });

  it('prefer the process that has recorded it to the store', async () => {
    const answers = new Map([
      [1, { ...summaryAt('a', 1), gateway: 'other' }],
      [2, summaryAt('a', 1)],
    ]);
    expect(await answering(answers).request('a')).toMatchObject({ worker: 2 });
  });

  it('add up why requests are refused', async () => {
    const group = { code: 'A', message: 'The reason.', coordinate: 'Product.old', last: 5, example: 'x' };
    const others = { code: 'B', message: 'Another.', count: 1, operations: [], last: 9, example: 'z' };
    const answers = new Map([
      [1, { since: 7, groups: [{ ...group, count: 2, operations: ['Page'] }] }],
      [
        2,
        { since: 3, groups: [{ ...group, count: 3, operations: ['Cart'], last: 8, example: 'y' }, others] },
      ],
      [3, { since: null, groups: [] }],
    ]);
    const source = consoleSource(
      mergedGateway(
        (() => Promise.resolve(answers)) as unknown as AskAll,
        ((_: string, names: string[]) =>
          Promise.resolve(names.map((name) => [name, 4]))) as unknown as AskOne,
        primary,
      ),
    );
    expect(await source.refusals()).toEqual({
      since: 3,
      groups: [
        { ...group, count: 5, operations: ['Cart', 'Page'], last: 8, example: 'y', removedIn: 4 },
        others,
      ],
    });
  });

  it('say that no process answers', async () => {
    const source = answering(new Map());
    await expect(source.live({})).rejects.toMatchObject({ extensions: { code: 'OVERLOADED' } });
    await expect(source.graph({})).rejects.toMatchObject({ extensions: { code: 'OVERLOADED' } });
    await expect(source.schema()).rejects.toMatchObject({ extensions: { code: 'NO_SUPERGRAPH' } });
  });
});

describe('several gateways', () => {
  const page = { operation: { id: 'hash', name: 'Page', type: 'query' } };
  /** Operations and errors that this gateway, or another one, has counted. */
  const counted = (requests: number, client: string) => {
    const operation = { key: 'signature', name: 'Page', type: 'query' };
    const parts = {
      ...{ since: 5_000_000_000, newest: 20_000 },
      operations: [
        {
          ...{ ...operation, id: client, hasMoreClients: false, trend: [0, requests] },
          counts: [requests, 1, 0, 2 * requests, ...new Array<number>(26).fill(0), requests],
          clients: [{ name: client, version: '', requests }],
        },
      ],
    };
    const error = { code: 'TIMEOUT', path: 'me', service: 'users', requests: 1, operation };
    return {
      operations: { quarter: parts, hour: parts, day: parts },
      errors: {
        errors: [{ ...error, client: { name: client, version: '' }, first: 1, last: 2, example: client }],
        others: { requests: 1, last: 3 },
      },
    };
  };

  function own(requests: readonly RequestSummary[], calls = 1): OwnGateway {
    const { live, graph, quarter, operations, errors, caches, streams, loads } = figuresOf('products', calls);
    const totals = { processes: 1, operations: [], caches: [], advice: [] };
    return {
      ...gatewayAnswering(new Map()),
      requests: () => Promise.resolve(requests),
      request: (id) => {
        const found = requests.find((each) => each.id === id);
        return Promise.resolve(found && { ...found, timeline: [], nulls: [], cacheReasons: [], curl: '' });
      },
      live: () => Promise.resolve(live),
      operations: (range) => Promise.resolve(operations[range]),
      errors: () => Promise.resolve(errors),
      graph: () => Promise.resolve(graph),
      caches: () => Promise.resolve(caches),
      streams: () => Promise.resolve(streams),
      loads: () => Promise.resolve(loads),
      report: () =>
        Promise.resolve({
          ...{ ...totals, ...quarter },
          services: quarter.services.map((each) => ({ ...each, callsPerRequest: 1 })),
        }),
    };
  }

  const other = (name: string, more: Partial<GatewaySummary>) => ({
    ...({ format: summaryFormat, id: name, name, at: 0 } as const),
    figures: figuresOf('products', 3, true),
    ...more,
  });

  function sourceWith(of: OwnGateway, ...others: ReturnType<typeof other>[]) {
    const all = ['own', ...others.map(({ name }) => name)].map((name) => ({ name, age: 0 }));
    const known: OtherGateways['known'] = () =>
      Promise.resolve({ others, view: { own: 'own', all, troubles: [] } });
    return consoleSource(of, { known });
  }

  it('add up operations and errors, or show those of one of them', async () => {
    const figures = { ...figuresOf('products', 3), ...counted(2, 'ios') };
    const answering = { ...own([]), operations: () => Promise.resolve(counted(1, 'web').operations.hour) };
    const errors = () => Promise.resolve(counted(1, 'web').errors);
    const source = sourceWith({ ...answering, errors }, other('far', { figures }));
    const shown = async (gateway?: string) => {
      const { operations, step } = await source.operations({ range: 'hour', gateway });
      return operations.map(({ requests, failed, callsPerRequest, clients }) => [
        ...[requests, failed, callsPerRequest, step],
        ...clients.map(({ name }) => name),
      ]);
    };
    expect(await shown()).toEqual([[3, 2, 2, 300_000, 'ios', 'web']]);
    expect(await shown('far')).toEqual([[2, 1, 2, 300_000, 'ios']]);
    const all = await source.errors({});
    expect(all.errors.map(({ client }) => client.name)).toEqual(['web', 'ios']);
    expect(all.others).toEqual({ requests: 2, last: 3 });
    expect((await source.live({})).durations.counts.at(-1)).toBe(3);
    const { figures: shared } = await shareOf({ ...answering, errors });
    expect(shared!.operations.day.operations).toHaveLength(1);
    expect(shared!.errors.errors).toHaveLength(1);
  });

  it('list their requests together, by the same filter, or those of one of them', async () => {
    const requests = [summaryAt('d', 4, page), summaryAt('b', 2)];
    const source = sourceWith(own([summaryAt('c', 3, page)]), other('far', { requests }));
    const listed = async (filter: Parameters<typeof source.requests>[0]) =>
      (await source.requests(filter)).map(({ id, gateway }) => `${id} ${gateway}`);
    expect(await listed({})).toEqual(['d far', 'c undefined', 'b far']);
    expect(await listed({ operation: 'Page' })).toEqual(['d far', 'c undefined']);
    expect(await listed({ gateway: 'far' })).toEqual(['d far', 'b far']);
    expect(await listed({ gateway: 'own' })).toEqual(['c undefined']);
    await expect(source.requests({ gateway: 'gone' })).rejects.toMatchObject({
      extensions: { code: 'NOT_FOUND' },
    });
  });

  it('list other requests with the same operation beside one', async () => {
    const source = sourceWith(
      own([summaryAt('c', 3, page)]),
      other('far', { requests: [summaryAt('d', 4, page), summaryAt('b', 2)] }),
    );
    const { others } = (await source.request('c'))!;
    expect(others.map(({ id, gateway }) => [id, gateway])).toEqual([['d', 'far']]);
  });

  it('add up what they have counted, or tell it of one of them', async () => {
    const source = sourceWith(own([]), other('far', {}), other('near', {}));
    const callsIn = async (gateway?: string) => (await source.live({ gateway })).services[0]!.calls;
    expect([await callsIn(), await callsIn('far'), await callsIn('own')]).toEqual([7, 3, 1]);
    const [pair] = (await source.live({})).chatty;
    expect(pair).toMatchObject({ requests: 7, advice: 'Advice of 3.', saved: { merged: 3 } });
    // Of 1 request with 1 call each, and twice of 3 with 3.
    expect(pair!.callsPerRequest).toBeCloseTo(19 / 7);
  });

  it('add up what caches and subscriptions have, and name the gateway of an invalidation', async () => {
    const source = sourceWith(own([]), other('far', {}));
    const { responses, processes, invalidations } = await source.caches({});
    expect([responses.hit, processes, invalidations.counts.mutation]).toEqual([4, 2, 4]);
    expect(invalidations.recent.map(({ at, gateway }) => [at, gateway])).toEqual([
      [3, 'far'],
      [1, 'own'],
    ]);
    const streamsOf = async (gateway?: string) => (await source.streams({ gateway })).fields[0];
    expect(await streamsOf()).toMatchObject({ clients: 4, largest: 3, sources: 2, protocols: { sse: 4 } });
    expect(await streamsOf('far')).toMatchObject({ clients: 3, sources: 1 });
  });

  it('are listed with the supergraphs that they run', async () => {
    const source = sourceWith(own([]), other('far', {}));
    const names = async (gateway?: string) =>
      (await source.versions({ gateway })).gateways.map(({ name }) => name);
    expect([await names(), await names('far')]).toEqual([['own', 'far'], ['far']]);
  });

  it('say who knows an endpoint, and whose circuit breaker is open', async () => {
    const endpointsIn = async (source: ReturnType<typeof sourceWith>, gateway?: string) =>
      (await source.graph({ gateway })).services.flatMap(({ endpoints }) => endpoints);
    const source = sourceWith(own([]), other('far', {}));
    const url = 'http://products/graphql';
    expect(await endpointsIn(source)).toEqual([
      { url, healthy: false, knownTo: ['own', 'far'], openAt: ['far'] },
    ]);
    expect(await endpointsIn(source, 'own')).toEqual([{ url, healthy: true }]);
    expect((await source.graph({})).services[0]).toMatchObject({ breaker: 'open', rate: 0.07 });
    expect(await endpointsIn(sourceWith(own([])))).toEqual([{ url, healthy: true }]);
  });

  it('are not there where they share no store', async () => {
    const source = consoleSource(own([]));
    expect(await source.gateways()).toBeUndefined();
    await expect(source.live({ gateway: 'far' })).rejects.toMatchObject({
      extensions: { code: 'NOT_FOUND' },
    });
  });
});
