import { refuseOnLambda } from '../../../../gateway/lambda/refuse-options';
import { type OptionsInput, parseOptions } from '../../../../gateway/options';

const refusals = (options: OptionsInput): string => {
  try {
    refuseOnLambda(parseOptions({ supergraph: 'x.graphql', ...options }));
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};
const rate = { name: 'all', per: 'everybody', limit: 1, window: '1s' } as const;
const shared: OptionsInput = { cache: { store: 'redis://cache:6379' } };
const uncached: OptionsInput = { cache: { responses: { enabled: false }, entities: { enabled: false } } };

it.each<[string, OptionsInput, string]>([
  ['caches in memory', {}, '`cache.store` is the memory of one instance'],
  ['rates without a store', { ...uncached, rates: [rate] }, '`rates` count in each instance alone'],
  [
    'rates with a store that does not count',
    { rates: [rate], cache: { store: 'dynamodb://weir-cache' } },
    '`rates` count in each instance alone',
  ],
  ['audit files', { ...shared, audit: { trails: [{ to: 'a.jsonl' }] } }, '`audit.trails.0.to` is a file'],
])('refuses %s, unless each instance may have its own', (_, options, sentence) => {
  expect(refusals(options)).toContain(sentence);
  expect(refusals(options).split('\n')).toHaveLength(1);
  expect(refusals({ ...options, lambda: { perInstance: true } })).toBe('');
});

it.each<[string, OptionsInput]>([
  ['a shared store', { ...shared, rates: [rate] }],
  ['no caches', uncached],
  ['an audit trail on standard output', { ...shared, audit: { trails: [{ to: 'stdout' }] } }],
])('takes %s', (_, options) => expect(refusals(options)).toBe(''));

it.each<[string, OptionsInput, string]>([
  ['tls', { tls: { cert: 'a', key: 'b' } }, '`tls` has no effect on Lambda'],
  [
    'subscriptions by callback',
    { subgraphs: { orders: { subscriptions: { protocol: 'callback' } } } },
    '`subgraphs.orders.subscriptions.protocol` cannot be callback on Lambda',
  ],
  [
    'sources of events',
    {
      events: {
        sources: { shop: { type: 'redis-streams', url: 'redis://cache', stream: 'shop' } },
      },
    },
    '`events.sources` are read between requests',
  ],
  [
    'webhooks of a registry',
    {
      supergraph: {
        ...{ registry: 'dynamodb://weir', graph: 'shop@prod' },
        webhooks: { deploys: { url: 'http://deploys.test', secrets: ['a'.repeat(32)] } },
      },
    },
    '`supergraph.webhooks` get events between requests',
  ],
  ['a shadow', { shadow: { url: 'http://router.test' } }, '`shadow` sends queries after their answers'],
  [
    'purges of a CDN',
    { cache: { ...shared.cache, cdn: { enabled: true, cloudFront: { distribution: 'E2QWRUHAPOMQZL' } } } },
    '`cache.cdn.cloudFront` gets invalidations after a delay',
  ],
])('refuses %s, whoever may have what', (_, options, sentence) => {
  expect(refusals({ ...options, lambda: { perInstance: true } })).toContain(sentence);
});

it('names every option that it refuses', () => {
  expect(refusals({ rates: [rate], tls: { cert: 'a', key: 'b' } }).split('\n')).toHaveLength(3);
});
