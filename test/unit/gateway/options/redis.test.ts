import { OptionsError, parseOptions } from '../../../../gateway/options';

const redis = { iam: { cache: 'shop-cache', user: 'weir', region: 'eu-west-1' } };

it.each(['rediss://cache:none', 'cache'])('names an option that has no URL, also beside `iam`: %s', (url) => {
  const cache = () => parseOptions({ cache: { store: url, redis } });
  expect(cache).toThrow(OptionsError);
  expect(cache).toThrow('`cache.store` must be memory:, redis://HOST:PORT');
  const source = { type: 'redis-streams', url, stream: 's', redis } as const;
  const events = () => parseOptions({ events: { sources: { shop: source } } });
  expect(events).toThrow(OptionsError);
  expect(events).toThrow('`events.sources.shop.url` must be redis://HOST:PORT or rediss://HOST:PORT');
});
