/** Requests of several graphs, in a real browser. */
import { createHash } from 'node:crypto';
import { Registry } from '../../schema';
import { hasChromium, inChromium } from '../support/chromium';
import { openInBrowser } from '../support/console-in-browser';
import { eventually } from '../support/process';
import { registryStoreKinds } from '../support/registry-stores';
import { startTestGateway } from '../support/running-gateway';
import { startSubgraph } from '../support/small-graph';

(hasChromium ? it : it.skip)(
  `lists the requests of one graph ${inChromium}`,
  async () => {
    const stores = await registryStoreKinds[0]![1]();
    const typeDefs = 'type Query { who: String }';
    const resolvers = { Query: { who: () => 'somebody' } };
    const subgraph = await startSubgraph({ name: 'who', typeDefs, resolvers });
    for (const variant of ['prod', 'pr-1'])
      await new Registry({ store: await stores.open(), variant: { graph: 'shop', variant } }).publish(
        [{ name: 'who', routingUrl: subgraph.url, file: 'who.graphql', sdl: typeDefs }],
        { by: 'ana' },
      );
    const sha256 = createHash('sha256').update('ana').digest('hex');
    const gateway = await startTestGateway({
      admin: { port: 0, console: { sampling: 1 } },
      supergraph: { registry: stores.location, keep: `${stores.location}-kept.graphql` },
      auth: { apiKeys: [{ client: 'ana', groups: ['staff'], sha256 }] },
      graphs: {
        default: 'shop@prod',
        choose: [{ header: 'x-weir-graph', groups: ['staff'], graph: 'shop@{value}' }],
        allow: [{ graph: 'shop@pr-*', groups: ['staff'] }],
      },
    });
    const send = async (name: string, more: Record<string, string>): Promise<void> => {
      const headers = { 'x-api-key': 'ana', ...more };
      await (await gateway.post({ query: `query ${name} { who }` }, { headers })).text();
    };
    await send('Usual', {});
    await send('Previewed', { 'x-weir-graph': 'pr-1' });
    const shown = await openInBrowser(gateway.adminUrl!);
    try {
      const operations = async (): Promise<string[]> =>
        (await shown.rowsOf('Recorded requests, newest first')).flatMap(
          (row) => /Usual|Previewed/.exec(row) ?? [],
        );
      await shown.goTo('Requests');
      await eventually(async () => (await operations()).join() === 'Previewed,Usual');
      // The pointer stays in the list.
      await shown.page.getByRole('link', { name: 'shop@pr-1' }).click();
      await eventually(async () => (await operations()).join() === 'Previewed');
      await shown.page.getByRole('button', { name: 'Any graph, not only shop@pr-1' }).click();
      await eventually(async () => (await operations()).join() === 'Previewed,Usual');
    } finally {
      await shown.close();
      await gateway.stop();
      await subgraph.close();
      await stores.close();
    }
  },
  180_000,
);
