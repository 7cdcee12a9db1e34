import { webhookMessage } from '../../../../../gateway/supergraph/webhooks/message';
import type { Problem, Version } from '../../../../../schema';

const version: Version = {
  ...{ number: 17, kind: 'published', at: '2026-12-01T12:00:00.000Z', by: 'ana', commit: '3f9c2d1' },
  changes: { reviews: 'changed' },
  subgraphs: {},
};
const bodyOf = (more: Partial<Version>, errors: Problem[] = []) =>
  JSON.parse(webhookMessage('shop@prod', { ...version, ...more }, errors).body);

it('says who changed what, and when', () => {
  expect(bodyOf({})).toEqual({
    type: 'version.published',
    timestamp: '2026-12-01T12:00:00.000Z',
    data: {
      ...{ format: 1, graph: 'shop@prod', version: 17, by: 'ana', commit: '3f9c2d1' },
      ...{ changes: { reviews: 'changed' }, changeCount: 1 },
    },
  });
});

it('says which version a rollback restores, and from which one a contract is made', () => {
  expect(bodyOf({ kind: 'rolled-back', restores: 15 })).toMatchObject({
    type: 'version.rolled_back',
    data: { restores: 15 },
  });
  const contract = { of: 'shop@prod', version: 20, include: [], exclude: ['internal'] };
  expect(bodyOf({ contract }).data.contract).toEqual({ of: 'shop@prod', version: 20 });
  expect(bodyOf({ kind: 'ended' }).type).toBe('version.ended');
});

const problem: Problem = { level: 'error', code: 'INVALID_GRAPHQL', message: 'Wrong.', locations: [] };

it('says why a version was rejected', () => {
  expect(bodyOf({ kind: 'rejected' }, [problem])).toMatchObject({
    type: 'version.rejected',
    data: { errors: [{ code: 'INVALID_GRAPHQL', message: 'Wrong.' }], errorCount: 1 },
  });
});

it('is of at most 40 KB, whatever was published', () => {
  const changes = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, i) => [`s${String(i).padStart(63, '0')}`, 'changed' as const]),
  );
  const errors = new Array<Problem>(5_000).fill({ ...problem, message: 'é'.repeat(10_000) });
  const more = { kind: 'rejected' as const, changes, by: 'a'.repeat(9_999), commit: 'b'.repeat(9_999) };
  const { body } = webhookMessage('shop@prod', { ...version, ...more }, errors);
  expect(Buffer.byteLength(body)).toBeLessThan(40_000);
  const { data } = JSON.parse(body);
  expect(Object.keys(data.changes)).toHaveLength(200);
  expect(data.errors).toHaveLength(10);
  expect(data).toMatchObject({ changeCount: 5_000, errorCount: 5_000 });
});

it('has the same id and body at each attempt, and another id in another registry', () => {
  const message = webhookMessage('shop@prod', version, []);
  expect(webhookMessage('shop@prod', version, [])).toEqual(message);
  expect(message.id).toMatch(/^msg_[0-9a-f]{32}$/);
  const others = [{ number: 18 }, { at: '2026-12-01T12:00:00.001Z' }];
  for (const other of others)
    expect(webhookMessage('shop@prod', { ...version, ...other }, []).id).not.toBe(message.id);
  expect(webhookMessage('shop@dev', version, []).id).not.toBe(message.id);
});
