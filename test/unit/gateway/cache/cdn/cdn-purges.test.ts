import { CdnPurges, type CdnPurgesOptions, PurgeRefused } from '../../../../../gateway/cache/cdn/cdn-purges';
import { createMetrics } from '../../../../../gateway/telemetry/metrics/metrics';
import { eventually } from '../../../../support/process';

const metrics = createMetrics();
afterAll(() => metrics.close());

function createPurges(options: Partial<CdnPurgesOptions> = {}) {
  const sent: (readonly string[])[] = [];
  const told: string[] = [];
  const say = (_: unknown, message: string) => void told.push(message);
  const purges = new CdnPurges({
    send: async (paths) => void sent.push(paths),
    rules: [{ tags: ['*'], paths: ['/{tag}'] }],
    everything: '/*',
    delay: 1,
    firstPause: 1,
    meter: metrics.meter,
    logger: { info: say, warn: say, error: say } as never,
    ...options,
  });
  return { purges, sent, told };
}

it.each([
  ['a', 'a', true],
  ['a', 'ab', false],
  ['a*', 'ab', true],
  ['ab', 'a*', true],
  ['a*', 'ab*', true],
  ['ab*', 'a*', true],
  ['ab*', 'ac*', false],
  ['*', 'a', true],
  ['a', '*', true],
])('a rule for %s is for the tag %s: %s', (rule, tag, isFor) => {
  const { purges } = createPurges({ rules: [{ tags: [rule], paths: ['/x'] }] });
  expect(purges.pathsFor([tag])).toEqual(isFor ? ['/x'] : []);
});

it('drops everything instead of more paths than a call may have', async () => {
  const { purges, sent } = createPurges();
  purges.add(Array.from({ length: 3_000 }, (_, i) => `t${i}`));
  await eventually(() => sent.length === 1);
  expect(sent[0]).toHaveLength(3_000);
  purges.add(Array.from({ length: 3_001 }, (_, i) => `t${i}`));
  await eventually(() => sent.length === 2);
  expect(sent[1]).toEqual(['/*']);
});

it('sends paths that came during a call in the next one', async () => {
  let end!: () => void;
  const sent: (readonly string[])[] = [];
  const { purges } = createPurges({
    send: (paths) => {
      sent.push(paths);
      return new Promise((resolve) => (end = resolve));
    },
  });
  purges.add(['a']);
  await eventually(() => sent.length === 1);
  purges.add(['b']);
  purges.add(['c']);
  end();
  await eventually(() => sent.length === 2);
  end();
  expect(sent).toEqual([['/a'], ['/b', '/c']]);
  await purges.close();
});

it('tries once more when it closes, and returns the paths that the CDN has not accepted', async () => {
  const waiting = async () => /weir_cdn_purge_paths_waiting (\d+)/.exec(metrics.text())?.[1] ?? '0';
  const before = await waiting();
  let attempts = 0;
  const send = () => Promise.reject(new Error(`away ${++attempts}`));
  const { purges } = createPurges({ send, delay: 60_000 });
  purges.add(['a']);
  purges.addPaths(['/b']);
  expect(await purges.close()).toEqual(['/a', '/b']);
  expect(attempts).toBe(1);
  expect(await waiting()).toBe(before);
  const { purges: successor, sent } = createPurges();
  successor.addPaths(['/a', '/b']);
  expect(await successor.close()).toEqual([]);
  expect(sent).toEqual([['/a', '/b']]);
});

it('gives up only if the CDN refuses to drop everything', async () => {
  const { purges, told } = createPurges({ send: () => Promise.reject(new PurgeRefused('no')) });
  purges.add(['a']);
  await eventually(() => told.length === 2);
  expect(told).toEqual([
    'an invalidation could not be sent to the CDN',
    'the CDN rejected an invalidation: it keeps its copies',
  ]);
});
