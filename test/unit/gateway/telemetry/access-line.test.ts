import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseOptions } from '../../../../gateway/options';
import { accessFields } from '../../../../gateway/options/logging';
import type { IncomingRequest } from '../../../../gateway/request/incoming-request';
import { compileAccessLine } from '../../../../gateway/telemetry/access-line';

const request = (more: object = {}) =>
  ({
    ...{ id: 'r', trace: undefined, head: { method: 'GET', url: '/', headers: {} }, operations: 0 },
    ...{ clientName: '', clientVersion: '', callsSent: 0, errorsLeftOut: 0, claim: () => undefined },
    ...more,
  }) as unknown as IncomingRequest;

const describeWith = (logging: object, of = request()): unknown =>
  JSON.parse(`{"a":1${compileAccessLine(parseOptions({ logging }).logging)(of, 200, 1.26)}}`);

it('has only what there is', () => {
  expect(describeWith({})).toEqual({ a: 1, requestId: 'r', method: 'GET', path: '/', status: 200, ms: 1.3 });
});

it.each(accessFields)('leaves %s out, and docs/logs.md says what it means', (name) => {
  const all = request({
    ...{ clientRequestId: 'c', trace: { traceId: 't' }, span: { loggedId: 's' } },
    ...{ operation: { type: 'query', name: 'N', id: 'i' }, operations: 2 },
    ...{ clientName: 'c', clientVersion: '1', cacheResult: 'HIT', codes: new Set(['A']), errorsLeftOut: 1 },
    denial: { reason: 'r', mode: 'iam' },
    graph: 'shop@prod',
  });
  const others = accessFields.filter((each) => each !== name);
  expect(Object.keys(describeWith({ omit: [name] }, all) as object)).toEqual(['a', ...others]);
  expect(Object.keys(describeWith({ omit: others }, all) as object)).toEqual(['a', name]);
  const docs = readFileSync(join(__dirname, '../../../../docs/logs.md'), 'utf8');
  expect(
    docs
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .join(),
  ).toContain(`\`${name}\``);
});

it('keeps control characters of clients from the line', () => {
  const evil = '\u001b\n\u007f\u009b\u2028\u202e"';
  const fields = { tenant: { header: 'x-tenant' } };
  const line = compileAccessLine(parseOptions({ logging: { fields } }).logging)(
    request({
      head: { method: evil, url: `/${evil}`, headers: { 'x-tenant': evil } },
      ...{
        clientName: evil,
        clientVersion: evil,
        codes: new Set([evil]),
        denial: { reason: evil, mode: 'iam' },
      },
    }),
    200,
    1,
  );
  expect(line).toMatch(/^[\x20-\x7e]*$/);
  expect(JSON.parse(`{"a":1${line}}`)).toMatchObject({
    client: evil,
    tenant: evil,
    codes: [evil],
    reason: evil,
  });
});

describe('addresses of clients', () => {
  const of = request({
    address: '192.0.2.77',
    head: { method: 'GET', url: '/', headers: { 'x-forwarded-for': '192.0.2.77, 203.0.113.9' } },
    claim: () => '2001:db8:1:2::3',
    denial: { reason: 'The address 192.0.2.77 is blocked.', mode: 'lambda' },
  });
  const fields = { ip: { address: true }, via: { header: 'x-forwarded-for' }, from: { claim: 'ipaddr' } };

  it('are in fields as they are', () => {
    expect(describeWith({ fields }, of)).toMatchObject({
      ...{ ip: '192.0.2.77', via: '192.0.2.77, 203.0.113.9', from: '2001:db8:1:2::3' },
      reason: 'The address 192.0.2.77 is blocked.',
    });
  });

  it('are shortened in every text of fields, and in the reason', () => {
    expect(describeWith({ fields, addresses: 'shortened' }, of)).toMatchObject({
      ...{ ip: '192.0.2.0', via: '192.0.2.0, 203.0.113.0', from: '2001:db8:1::' },
      reason: 'The address 192.0.2.0 is blocked.',
    });
  });

  it('are hashed, and in no part of the line', () => {
    const line = describeWith({ fields, addresses: 'hashed' }, of) as Record<string, string>;
    expect(line).toMatchObject({
      ip: expect.stringMatching(/^[0-9a-f]{16}$/),
      reason: `The address ${line['ip']} is blocked.`,
    });
    expect(JSON.stringify(line)).not.toMatch(/192\.0\.2|2001:db8/);
  });

  it('are not left in part where a long text is cut', () => {
    const via = `${'x '.repeat(96)}192.0.2.77, 192.0.2.77`;
    const head = { method: 'GET', url: '/', headers: { 'x-forwarded-for': via } };
    const cut = describeWith({ fields: { via: fields.via }, addresses: 'shortened' }, request({ head }));
    expect(cut).toMatchObject({ via: `${'x '.repeat(96)}…` });
  });
});

describe('the options of the log', () => {
  const problemOf = (logging: object): string => {
    try {
      parseOptions({ logging });
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it.each([
    ['authorization', 'Cookie', 'x-api-key', 'X-Amz-Security-Token', 'proxy-authorization', 'x-session-id'],
  ])('refuse headers of credentials', (...names) => {
    for (const header of names)
      expect(problemOf({ fields: { a: { header } } })).toContain(
        '`logging.fields.a.header` must not be a header of credentials, which no log may hold',
      );
  });

  it.each([
    [{ fields: { status: { header: 'a' } } }, 'must not be a field that the line has already'],
    [{ fields: { msg: { header: 'a' } } }, 'must not be a field that the line has already'],
    [{ fields: { 'a b': { header: 'a' } } }, 'must be a name of letters'],
    [{ fields: { a: {} } }, 'must have exactly one of `header`, `claim` and `address`'],
    [{ fields: { a: { address: false } } }, '`logging.fields.a.address` must be true'],
    [{ addresses: 'none' }, '`logging.addresses` must be full, shortened or hashed'],
    [{ addressKey: 'short' }, '`logging.addressKey` must be a secret of at least 16 characters'],
    [
      { fields: { a: { header: 'a', claim: 'b' } } },
      'must have exactly one of `header`, `claim` and `address`',
    ],
    [{ omit: ['nothing'] }, 'must be one of requestId, clientRequestId'],
    [{ format: 'text' }, 'must be auto, json or pretty'],
  ])('refuse %j', (logging, problem) => {
    expect(problemOf(logging)).toContain(problem);
  });
});
