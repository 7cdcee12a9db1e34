import { MemoryStore } from '../../../../gateway/cache/stores/memory';
import { type Store, StoreUnavailable } from '../../../../gateway/cache/stores/store';
import type { ExplainedRequest } from '../../../../gateway/console/api';
import { OtherGateways } from '../../../../gateway/console/other-gateways';
import { RequestLog } from '../../../../gateway/console/request-log';
import { SharedRecords } from '../../../../gateway/console/shared-records';
import { localTracer } from '../../../../gateway/telemetry/traces/open-tracing';
import type { Span } from '../../../../gateway/telemetry/traces/span';
import { eventually } from '../../../support/process';

const open: { readonly stop: () => Promise<void> }[] = [];
afterEach(() => Promise.all(open.splice(0).map((records) => records.stop())));

const traceId = 'a3ce929d0e0e4736a3ce929d0e0e4736';

function recorded(id: string): Span {
  const failures = { enabled: true, slowerThan: 1000, memory: 1e6 };
  const log = new RequestLog({ sampling: 1, memory: 1e6, failures, values: false });
  const tracer = localTracer(log);
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-00` };
  const { span } = tracer.begin({ method: 'POST', url: '/graphql', headers }, '/graphql', performance.now())!;
  span!.set('weir.request.id', id);
  tracer.end(span!, false);
  return span!;
}

function gateway(store: Pick<Store, 'get' | 'set'>, name: string, size = 10) {
  const explained: Span[] = [];
  const records = new SharedRecords({
    store,
    gateway: name,
    interval: 5,
    explain: (first) => {
      explained.push(first);
      const id = first.attributes['weir.request.id'];
      return Promise.resolve({ id, curl: 'x'.repeat(size) } as unknown as ExplainedRequest);
    },
  });
  open.push(records);
  return { records, explained };
}

it('a request is found at another gateway, by its id and by its trace id', async () => {
  const store = new MemoryStore({ maxBytes: 1e6 });
  const [one, other] = [gateway(store, 'one'), gateway(store, 'other')];
  one.records.add(recorded('r1'));
  await eventually(async () => (await other.records.find('r1')) !== undefined);
  expect(await other.records.find('r1')).toMatchObject({ id: 'r1', gateway: 'one' });
  expect(await other.records.find(traceId)).toMatchObject({ id: 'r1' });
  expect(await other.records.find('r2')).toBeUndefined();
});

it('a request has no key of a summary of a gateway, whatever id its client has chosen', async () => {
  const store = new MemoryStore({ maxBytes: 1e6 });
  const { records } = gateway(store, 'one');
  let collected = 0;
  const collect = () => {
    collected++;
    return Promise.resolve({});
  };
  open.push(new OtherGateways({ ...{ store, name: 'one', collect }, interval: 5, slots: 1 }));
  // The first summary is in the store when the second is made.
  await eventually(() => collected > 1);
  expect(await records.find('gateway:0')).toBeUndefined();
  records.add(recorded('gateway:0'));
  await eventually(async () => (await records.find('gateway:0')) !== undefined);
  expect(await records.find('gateway:0')).toMatchObject({ id: 'gateway:0', gateway: 'one' });
});

it('some requests are written at a time, and none that is too large', async () => {
  const store = new MemoryStore({ maxBytes: 1e7 });
  const { records, explained } = gateway(store, 'one');
  for (let i = 0; i < 100; i++) records.add(recorded(`r${i}`));
  await eventually(async () => (await records.find('r4')) !== undefined);
  expect(explained).toHaveLength(5);
  expect(await records.find('r5')).toBeUndefined();
  const large = gateway(store, 'large', 300_000);
  large.records.add(recorded('large'));
  await eventually(() => large.explained.length === 1);
  await large.records.stop();
  expect(await records.find('large')).toBeUndefined();
});

it('a store that is down does nothing but that requests are not found', async () => {
  const down = {
    get: () => Promise.reject(new StoreUnavailable()),
    set: () => Promise.reject(new StoreUnavailable()),
  };
  const { records, explained } = gateway(down, 'one');
  records.add(recorded('r1'));
  await eventually(() => explained.length === 1);
  records.add(recorded('r2'));
  await eventually(() => explained.length === 2);
  expect(await records.find('r1')).toBeUndefined();
});
