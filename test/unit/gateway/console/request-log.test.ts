import fc from 'fast-check';
import { RequestLog } from '../../../../gateway/console/request-log';
import { localTracer } from '../../../../gateway/telemetry/traces/open-tracing';
import type { Span } from '../../../../gateway/telemetry/traces/span';
import { heapUsed } from '../../../support/heap';

const MiB = 1024 * 1024;

const head = { method: 'POST', url: '/graphql', headers: {} };

function open(options: Partial<ConstructorParameters<typeof RequestLog>[0]> = {}) {
  const failures = { enabled: true, slowerThan: 1000, memory: MiB };
  const log = new RequestLog({ sampling: 1, memory: 32 * MiB, failures, values: false, ...options });
  const tracer = localTracer(log);
  /** Records a request with as many fetches as a page has, and all that the gateway notes of them. */
  const record = (
    id: string,
    document = '{ me { id } }',
    fetches = 4,
    sent = '{ products { id } }',
  ): Span | undefined => {
    const request = tracer.begin(head, '/graphql', performance.now());
    if (request === undefined) return undefined;
    const first = request.span!;
    const lookup = first.child('weir.cache.lookup');
    lookup.set('weir.cache.kind', 'response');
    lookup.set('weir.cache.result', 'miss');
    lookup.end();
    const execution = first.child('graphql.execute');
    for (let i = 0; i < fetches; i++) {
      const fetch = execution.child('fetch products');
      fetch.document = sent;
      fetch.set('weir.entities', i);
      const entities = fetch.child('weir.cache.lookup');
      for (const name of ['hits', 'stale', 'misses']) entities.set(`weir.cache.${name}`, i + 1);
      entities.end();
      const call = fetch.child('POST /graphql', 'client');
      call.set('http.response.status_code', 200);
      call.set('weir.shared_with', 1);
      fetch.set('weir.waited_ms', i + 0.125);
      fetch.set('weir.cache.refused', 'unsaid');
      fetch.link(call);
      call.link(fetch);
      call.end();
      fetch.end();
    }
    execution.addEvent('graphql.error', { 'graphql.path': 'a.b', 'weir.error.code': 'SOME' });
    execution.end();
    for (const name of ['planned', 'sent', 'saved']) first.set(`weir.calls.${name}`, fetches);
    first.set('weir.request.id', id);
    first.set('weir.operation.id', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    first.set('http.response.status_code', 200);
    const { notes } = first.trace;
    notes!.document = document;
    notes!.cost = { estimated: 12, limit: 100 };
    tracer.end(first, false);
    return first;
  };
  /** Records a request that was not traced and has failed. */
  const fail = (id: string, code: string, message = 'The reason.'): void => {
    const first = tracer.beginLate(head, '/graphql', performance.now(), id);
    const notes = first.trace.notes!;
    notes.isFailure = true;
    notes.client = { name: `client ${id}`, version: '1.2.3' };
    notes.refusals = [
      { code, rule: 'FieldsOnCorrectType', message, coordinate: message, line: 1, column: 1 },
    ];
    notes.refusedOperation = { id: `${id}${'0'.repeat(64)}`, name: `Operation${id}`, type: 'query' };
    notes.document = `query Operation${id} { ${'field '.repeat(50)} }`;
    first.set('weir.request.id', id);
    first.set('http.response.status_code', 400);
    first.set('weir.error.codes', [code]);
    tracer.end(first, false);
  };
  return { log, tracer, record, fail };
}

describe('failed requests', () => {
  it('and the sample cannot displace each other', () => {
    const { log, record, fail } = open({ memory: 50_000 });
    for (let i = 0; i < 5; i++) record(`good${i}`, undefined, 0);
    for (let i = 0; i < 3000; i++) fail(`bad${i}`, 'SOME');
    expect(idsIn(log).slice(-5)).toEqual(['good4', 'good3', 'good2', 'good1', 'good0']);
    fail('last', 'SOME');
    for (let i = 0; i < 500; i++) record(`more${i}`, undefined, 0);
    expect(idsIn(log)).toContain('last');
    expect(log.bytes).toBeLessThanOrEqual(50_000 + MiB);
  });

  it('of one code do not displace those of others', () => {
    const { log, fail } = open();
    for (let i = 0; i < 5; i++) fail(`rare${i}`, 'RARE');
    for (let i = 0; i < 5000; i++) fail(`often${i}`, 'OFTEN');
    expect(log.size).toBeLessThan(2000);
    expect(idsIn(log).slice(-5)).toEqual(['rare4', 'rare3', 'rare2', 'rare1', 'rare0']);
    expect(idsIn(log)[0]).toBe('often4999');
  });

  it('of any number of codes are kept within the memory', () => {
    const { log, fail } = open();
    for (let i = 0; i < 5000; i++) fail(`${i}`, `CODE_${i}`);
    expect(log.bytes).toBeLessThanOrEqual(MiB);
    expect(log.size).toBeGreaterThan(100);
  });

  it('take about the memory that is counted', async () => {
    const failures = { enabled: true, slowerThan: 1000, memory: 1024 * MiB };
    let opened: ReturnType<typeof open> | undefined = open({ failures });
    const counted = opened.log.bytes;
    for (let i = 0; i < 10_000; i++) opened.fail(`${i}`, 'SOME', `\`Product.field${i}\` does not exist.`);
    const estimated = opened.log.bytes - counted;
    const all = await heapUsed();
    opened = undefined;
    const taken = all - (await heapUsed());
    expect(estimated / taken).toBeGreaterThan(0.8);
    expect(estimated / taken).toBeLessThan(1.6);
  });
});

const idsIn = (log: RequestLog): unknown[] => [...log].map(({ attributes }) => attributes['weir.request.id']);

it('has the newest first', () => {
  const { log, record } = open();
  for (const id of ['a', 'b', 'c']) record(id);
  expect(idsIn(log)).toEqual(['c', 'b', 'a']);
  expect(log.inFlight.size).toBe(0);
});

it('keeps within its memory, and gives up the oldest', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(8), fc.nat(3)), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 2000, max: 100_000 }),
      (requests, memory) => {
        const { log, record } = open({ memory });
        requests.forEach(([fetches, document], i) =>
          record(String(i), `{ me { a${document} ${'b'.repeat(100)} } }`, fetches),
        );
        expect(log.bytes).toBeLessThanOrEqual(memory);
        const kept = idsIn(log);
        expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => String(requests.length - 1 - i)));
      },
    ),
    { numRuns: 20 },
  );
});

it('counts the text of an operation once, and not at all when its last request is gone', () => {
  const { log, record } = open({ memory: 20_000 });
  const text = `{ ${'x'.repeat(4000)} }`;
  record('a', text, 0);
  const one = log.bytes;
  const again = record('b', ` ${text}`.slice(1), 0);
  expect(log.bytes - one).toBeLessThan(4000);
  expect(again!.trace.notes!.document).toBe(text);
  for (let i = 0; i < 100; i++) record(String(i), '{ other }', 1);
  const others = open({ memory: 20_000 });
  for (let i = 0; i < 100; i++) others.record(String(i), '{ other }', 1);
  expect(log.bytes).toBe(others.log.bytes);
});

it('counts what fetches ask for, too, which is longer than an operation with fragments', () => {
  const { log, record } = open({ memory: 100_000 });
  for (let i = 0; i < 10; i++) record(String(i), '{ ...F }', 2, `{ a${i} ${'x'.repeat(10_000)} }`);
  expect(log.size).toBeLessThanOrEqual(4);
  const alike = open({ memory: 100_000 });
  for (let i = 0; i < 10; i++) alike.record(String(i), '{ ...F }', 2, `{ a ${'x'.repeat(10_000)} }`);
  expect(alike.log.size).toBe(10);
});

it('records the share that it is told to', () => {
  const { log, record } = open({ sampling: 0.2 });
  for (let i = 0; i < 1000; i++) record(String(i), '{ a }', 0);
  expect(log.size).toBeGreaterThan(100);
  expect(log.size).toBeLessThan(320);
  const none = open({ sampling: 0 });
  expect(none.record('a')).toBeUndefined();
  expect(none.log.size).toBe(0);
});

it('has 10,000 requests of ordinary size in less than 64 MB, and counts about what they take', async () => {
  let opened: ReturnType<typeof open> | undefined = open({ memory: 1024 * MiB });
  opened.record('first');
  const counted = opened.log.bytes;
  for (let i = 0; i < 10_000; i++)
    opened.record(String(i), `query Page${i % 200} { me { ${'field '.repeat(100)} } }`, 2);
  expect(opened.log.size).toBe(10_001);
  const estimated = opened.log.bytes - counted;
  // What goes of other test files until then does not count.
  const all = await heapUsed();
  opened = undefined;
  const taken = all - (await heapUsed());
  expect(taken).toBeLessThan(64e6);
  expect(estimated / taken).toBeGreaterThan(0.8);
  expect(estimated / taken).toBeLessThan(1.3);
});
