/** The pages *Versions* and *Caches and streams* in a real browser, of a gateway that has over 1,000 secrets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { CachesView } from '../../gateway/console/caches-api';
import { Registry } from '../../schema';
import { hasChromium, inChromium } from '../support/chromium';
import { type ConsoleInBrowser, openInBrowser } from '../support/console-in-browser';
import { expectForEverybody } from '../support/for-everybody';
import { optionsWithSecrets, planted, secret, secretsSoFar } from '../support/planted-secrets';
import { eventually } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';
import { type SubscribedServer, serveSubscriptions } from '../support/subscribed-subgraphs';

(hasChromium ? describe : describe.skip)(`versions and caches in the console ${inChromium}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
  let graph: SmallGraph;
  let counts: SubscribedServer;
  let stores: TestRegistryStores;
  let gateway: TestGateway;
  let console: ConsoleInBrowser;
  let page: Page;
  /** Open answers: a `Response` that nobody holds is cancelled when it is collected as garbage. */
  const subscribed: Response[] = [];

  beforeAll(async () => {
    graph = await startSmallGraph();
    counts = await serveSubscriptions('sse');
    stores = await registryStoreKinds[0]![1]();
    const registry = new Registry({
      store: await stores.open(),
      variant: { graph: 'shop', variant: 'prod' },
    });
    const { accounts, reviews } = graph;
    const typeDefs = 'type Query { a: Int }  type Subscription { count(text: String): Int }';
    const publish = (sdl: string, by: string) =>
      registry.publish(
        [
          { name: 'accounts', routingUrl: accounts.url, sdl: accounts.typeDefs, file: 'accounts' },
          { name: 'reviews', routingUrl: reviews.url, sdl, file: 'reviews' },
          { name: 'counts', routingUrl: counts.url, sdl: typeDefs, file: 'counts' },
        ],
        { by, commit: 'a1b2c3d4e5f6a7b8' },
      );
    await publish(reviews.typeDefs.replace('rating: Int', 'rating: Int  stars: Int'), 'ana');
    await publish('type Query {', 'eve');
    await publish(reviews.typeDefs, 'ben');
    gateway = await startTestGateway({
      ...optionsWithSecrets(),
      supergraph: { registry: stores.location, graph: 'shop@prod', keep: join(folder, 'kept.graphql') },
      limits: { depth: 17 },
    });
    for (const subgraph of [accounts, reviews]) subgraph.headers = { 'cache-control': 'public, max-age=600' };
    const headers = { cookie: `session=${secret()}`, authorization: `Bearer ${secret()}` };
    const query = 'query Page($id: ID!) { me { name reviews { rating } } user(id: $id) { name } }';
    for (let i = 0; i < 100; i++) {
      const answer = await gateway.post({ query, variables: { id: secret() } }, { headers });
      expect(await answer.json()).not.toHaveProperty('errors');
    }
    for (let i = 0; i < 3; i++)
      subscribed.push(
        await fetch(gateway.url, {
          method: 'POST',
          headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
          body: JSON.stringify({ query: `subscription Count { count(text: "${i % 2}") }` }),
        }),
      );
    console = await openInBrowser(gateway.adminUrl!);
    ({ page } = console);
  }, 180_000);

  afterAll(async () => {
    for (const { body } of subscribed) await body?.cancel();
    await console.close();
    await gateway.stop();
    await counts.stop();
    await graph.close();
    await stores.close();
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    expect(secretsSoFar()).toBeGreaterThan(1_000);
    expect(await page.content()).not.toContain(planted);
  });

  it('shows in a click what was published, when and by whom, and which gateway runs it', async () => {
    await console.goTo('Versions');
    const [, newest, rejected, first] = await console.rowsOf('Versions of the graph, the newest first');
    expect(newest).toMatch(/^3published changed reviewsben\d\d:\d\d:\d\da1b2c3d4e5f6$/);
    expect(rejected).toContain('rejected changed reviewseve');
    expect(first).toContain('added accounts, added counts, added reviewsana');
    await page.getByRole('link', { name: 'version 3' }).waitFor();
    const [, load] = await console.rowsOf('Loads and refusals, the newest first');
    expect(load).toMatch(/supergraph live [0-9a-f]{12}$/);
    await expectForEverybody(page, 'versions');
  });

  it('shows in two clicks what clients see of a version, and why one was rejected', async () => {
    await console.goTo('Versions');
    await page.getByRole('link', { name: '3', exact: true }).click();
    const version = page.getByRole('region', { name: 'Version 3' });
    await version.getByText('breaking').waitFor();
    expect(await version.textContent()).toContain('What clients see that version 1 did not have');
    await expectForEverybody(page, 'version');
    await page.getByRole('link', { name: '2', exact: true }).click();
    await page
      .getByRole('region', { name: 'Version 2' })
      .getByText(/Syntax Error/)
      .waitFor();
  });

  it('shows options that differ from their defaults, and all others on demand', async () => {
    await console.goTo('Versions');
    const changed = await console.rowsOf('Options that differ from their defaults');
    expect(changed.some((row) => /^subgraphs\.counts\.headers\.set\.x-secret-0hidden/.test(row))).toBe(true);
    await page.getByRole('button', { name: /^Show \d+ more$/ }).click();
    expect(await page.content()).not.toContain(planted);
    await page.getByRole('searchbox', { name: 'Search options' }).fill('limits.');
    await page.getByRole('cell', { name: 'subgraphs' }).first().waitFor({ state: 'detached' });
    const [, depth, ...others] = await console.rowsOf('Options that differ from their defaults');
    expect(depth).toMatch(/^limits\.depth17\d+the program$/);
    expect(others).toEqual([]);
    await page.getByRole('button', { name: 'Defaults, too' }).click();
    const all = await console.rowsOf('All options that have a value');
    expect(all.some((row) => row.startsWith('limits.aliases'))).toBe(true);
    await expectForEverybody(page, 'options');
  });

  it('shows in a click what the caches hold, what was invalidated, and subscriptions by field', async () => {
    // They are counted every ten seconds.
    await eventually(async () => {
      const response = await fetch(`${gateway.adminUrl}/console/api/caches`);
      return ((await response.json()) as CachesView).entities[0]?.entries === 1;
    });
    await console.goTo('Caches and streams');
    const [, entities] = await console.rowsOf('Entities by type');
    expect(entities).toMatch(/^Userreviews1\d+ B99 %100/);
    const [, subscription] = await console.rowsOf('Open subscriptions by field');
    expect(subscription).toBe('countcounts by sse3sse 3222');
    expect((await console.rowsOf('Entries by tag')).join()).toContain('User:id=…');
    await gateway.invalidate({ types: ['Review'] }, '192.0.2.1');
    await console.goTo('Caches and streams');
    await page.getByRole('cell', { name: 'an operator of 192.0.2.1' }).waitFor();
    expect((await console.rowsOf('The last invalidations'))[1]).toContain('type:Review');
    await expectForEverybody(page, 'caches');
  });
});
