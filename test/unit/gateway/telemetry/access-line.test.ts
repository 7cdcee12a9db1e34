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
    [{ fields: { a: {} } }, 'must have exactly one of `header` and `claim`'],
    [{ fields: { a: { header: 'a', claim: 'b' } } }, 'must have exactly one of `header` and `claim`'],
    [{ omit: ['nothing'] }, 'must be one of requestId, clientRequestId'],
    [{ format: 'text' }, 'must be auto, json or pretty'],
  ])('refuse %j', (logging, problem) => {
    expect(problemOf(logging)).toContain(problem);
  });
});
