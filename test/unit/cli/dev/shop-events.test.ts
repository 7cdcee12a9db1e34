/** The mappings of the sample shop's events, which stand where people copy them from. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { z } from 'zod';
import { shopEvents } from '../../../../cli/dev/shop-events';
import { parseOptions } from '../../../../gateway/options';
import * as inventory from '../../../../subgraphs/inventory/events';
import type { EventDefinition } from '../../../../kit';
import * as orders from '../../../../subgraphs/orders/events';
import * as reviews from '../../../../subgraphs/reviews/events';
import { examplesOf, root } from '../../../support/documentation';
import type { Json } from '../../../support/running-gateway';

it('are those of docs/events.md and of docker-compose.yml', () => {
  const documented = examplesOf('docs/events.md').find(({ text }) => text.includes('RatingsChanged:'))!;
  const compose: Json = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true });
  const { events } = parse(compose.configs.weir.content);
  expect({ events }).toEqual(parse(documented.text));
  expect(events).toEqual(shopEvents);
});

it('name each type of event that the subgraphs write, and only values that its schema has', () => {
  const defined = [inventory, reviews, orders].flatMap(
    (events) => Object.values(events) as EventDefinition<string, z.ZodObject>[],
  );
  const { types } = parseOptions({ events: shopEvents }).events;
  expect(Object.keys(types).sort()).toEqual(defined.map(({ type }) => type).sort());
  for (const { type, version, data } of defined) {
    const { versions, drop } = types[type]!;
    expect(versions).toEqual([version]);
    const paths = [...JSON.stringify(drop).matchAll(/data\.(\w+)(\?)?/g)];
    expect(paths.map(([, name, optional]) => [type, name, optional === '?'])).toEqual(
      paths.map(([, name]) => [type, name, data.shape[name!]?.safeParse(undefined).success]),
    );
  }
});
