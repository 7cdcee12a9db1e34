import { parse } from 'graphql';
import { tagsWithoutValues } from '../../../../gateway/cache/shown-tags';
import { compose } from '../../../support/compose';
import { entityFactsOf } from '../../../support/own-planner';

const shown = tagsWithoutValues(
  entityFactsOf(
    parse(
      compose({
        'my-items': `
          type Query { item: Item }
          type Item @key(fields: "org { id } sku") { org: Org sku: ID! hidden: Hidden @inaccessible }
          type Org { id: ID! }
          type Hidden @inaccessible { id: ID }
        `,
      }),
    ),
  ),
);

it.each(['subgraph:my-items', 'type:Item', 'type:Hidden', 'Item:org.id=?'])('shows %s', (tag) => {
  expect(shown(tag)).toBe(tag);
});

it.each(['Item:org.id=1,sku=2', 'Item:org.id==?', 'Item:org.id='])(
  'leaves values of keys out of %s',
  (tag) => {
    expect(shown(tag)).toBe('Item:org.id=…');
  },
);

it.each([
  ...['operation:secret', 'type:secret', 'subgraph:secret', 'secret', '', '=', 'Item:secret=1'],
  ...['Item:secret=?', 'secret:org.id=1', 'Org:id=1', 'type:constructor', 'constructor:name=1'],
])('shows nothing of %p', (tag) => {
  expect(shown(tag)).toBeUndefined();
});
