import { LoadHistory } from '../../../../gateway/telemetry/load-history';

const history = () => new LoadHistory((text) => text.replaceAll('the-token', '[redacted]'));

it('lists the newest 20 loads first', () => {
  const loads = history();
  for (let i = 0; i < 25; i++) loads.note({ what: 'supergraph', result: 'live', supergraph: `${i}` });
  expect(loads.all.map(({ supergraph }) => Number(supergraph))).toEqual(
    Array.from({ length: 20 }, (_, i) => 24 - i),
  );
});

it('knows which supergraph runs, whatever is refused after it', () => {
  const loads = history();
  expect(loads.running).toBeUndefined();
  loads.note({ what: 'supergraph', result: 'live', supergraph: 'a' });
  loads.note({ what: 'supergraph', result: 'refused', supergraph: 'b', reason: 'No.' });
  loads.note({ what: 'options', result: 'live', changed: [] });
  expect(loads.running).toMatchObject({ supergraph: 'a' });
});

it('counts a source that stays unavailable as one load', () => {
  const loads = history();
  for (const reason of ['A.', 'B.', 'B.', 'B.'])
    loads.note({ what: 'supergraph', result: 'unavailable', reason });
  expect(loads.all.map(({ reason, times }) => [reason, times])).toEqual([
    ['B.', 3],
    ['A.', 1],
  ]);
});

it('counts each reload with changes on its own', () => {
  const loads = history();
  for (let i = 0; i < 2; i++) loads.note({ what: 'options', result: 'live', changed: ['limits.depth'] });
  expect(loads.all.map(({ times }) => times)).toEqual([1, 1]);
});

it('keeps no secrets of a reason, and no credentials of URLs in it', () => {
  const loads = history();
  const reason = 'The URL "https://user:password@schemas/shop?key=value#x" refuses the-token.';
  loads.note({ what: 'supergraph', result: 'unavailable', reason });
  expect(loads.all[0]!.reason).toBe(
    'The URL "https://[hidden]@schemas/shop?key=[hidden]#x" refuses [redacted].',
  );
});

it('cuts long reasons, and names 20 options', () => {
  const loads = history();
  loads.note({ what: 'supergraph', result: 'refused', reason: 'x'.repeat(1_000_000) });
  expect(loads.all[0]!.reason).toHaveLength(501);
  loads.note({ what: 'options', result: 'live', changed: Array.from({ length: 25 }, (_, i) => `${i}`) });
  expect(loads.all[0]).toMatchObject({ changed: { length: 20 }, more: 5 });
});
