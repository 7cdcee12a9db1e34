import { type SchemaViewOptions, schemaViews } from '../../../../gateway/console/schema-view';
import { eventually } from '../../../support/process';
import { compose } from '../../../support/compose';

const supergraphSdl = compose({ accounts: 'type Query { me: String }' });
const running = { supergraphSdl, apiSchemaSdl: ['type Query { me: String }'], id: 'one' };

function open(options: Partial<SchemaViewOptions>) {
  let described = 0;
  const registryFacts = () => {
    described++;
    return Promise.reject(new Error(`Time ${described}.`));
  };
  const view = schemaViews({ source: 'a file', registryFacts, ...options });
  return { view, count: () => described };
}

it('describes a supergraph once for many who ask, and another one anew', async () => {
  const { view, count } = open({});
  const [first, second] = await Promise.all([view(running), view(running)]);
  expect(first).toBe(second);
  expect(await view(running)).toBe(first);
  expect(first.types.map(({ name }) => name)).toContain('Query');
  expect(count()).toBe(1);
  expect((await view({ ...running, id: 'two' })).version.id).toBe('two');
  expect(count()).toBe(2);
});

it('shows the last description while a new one is made, but not one that is too old', async () => {
  const { view } = open({ renewAfter: -1 });
  const first = await view(running);
  expect(await view(running)).toBe(first);
  await eventually(async () => (await view(running)) !== first);
  const old = open({ renewAfter: -1, longest: -1 });
  const before = await old.view(running);
  expect(before.troubles[0]).toContain('Time 1.');
  expect((await old.view(running)).troubles[0]).toContain('Time 2.');
});
