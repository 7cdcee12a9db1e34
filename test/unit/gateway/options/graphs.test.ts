import { parseOptions } from '../../../../gateway/options';

const graphs = { default: 'shop@prod' };

it('has the default graph run, also when complete options are read again', () => {
  const options = parseOptions({ supergraph: { registry: 'folder' }, graphs });
  expect(options.supergraph!.graph).toBe('shop@prod');
  expect(parseOptions(options)).toEqual(options);
});

it('refuses another graph beside it', () => {
  expect(() => parseOptions({ supergraph: { registry: 'folder', graph: 'shop@dev' }, graphs })).toThrow(
    '`graphs` must have no other `default` than `supergraph.graph` beside it: leave that out.',
  );
});
