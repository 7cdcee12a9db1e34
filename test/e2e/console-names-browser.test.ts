/** What others choose, in the pages of the console in a real browser: names, codes, paths, and when something was published. */
import type { Page } from 'playwright-core';
import { Registry } from '../../schema';
import { hasChromium, inChromium } from '../support/chromium';
import { type ConsoleInBrowser, openInBrowser } from '../support/console-in-browser';
import { expectForEverybody } from '../support/for-everybody';
import { eventually } from '../support/process';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';
import { startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSubgraph, type TestSubgraph } from '../support/small-graph';
import { temporaryFolder } from '../support/subgraph-kit';

/** What shows itself if a page takes text for HTML. */
const html = '<img src=x onerror="top.planted=1"><script>top.planted=1</script>';
const escapes = '\u001b[2J\u001b]0;title\u0007\u202eright to left\u0000';
const long = 'x'.repeat(10_000);
const codes = [html, escapes, long.repeat(10), '__proto__', 'constructor', 'a\nb', '{"a":1}'];

/** In the night in which clocks are put back in Berlin: 03:00 CEST is 02:00 CET. */
const now = Date.parse('2026-10-25T01:40:00Z');
const [minute, hour] = [60_000, 3_600_000];
const published: readonly (readonly [age: number, by: string])[] = [
  [40 * 24 * hour, long],
  [26 * hour, escapes],
  [80 * minute, html],
  [hour, 'ana@example.com'],
  [5 * minute, 'ben'],
];

(hasChromium ? describe : describe.skip)(`names that others choose, in the console ${inChromium}`, () => {
  const folder = temporaryFolder();
  let subgraph: TestSubgraph;
  let stores: TestRegistryStores;
  let gateway: TestGateway;
  let console: ConsoleInBrowser;
  let page: Page;
  const wrong: string[] = [];
  /** The request with the longest names. */
  let longest: string;

  beforeAll(async () => {
    subgraph = await startSubgraph({ name: 'boats', typeDefs: 'type Query { boat: String }', resolvers: {} });
    stores = await registryStoreKinds[0]![1]();
    const variant = { graph: 'shop', variant: 'prod' };
    const store = await stores.open();
    for (const [i, [age, by]] of published.entries()) {
      const registry = new Registry({ store, variant, now: () => now - age });
      const sdl = `${subgraph.typeDefs} type New${i} { id: ID }`;
      await registry.publish([{ name: 'boats', routingUrl: subgraph.url, sdl, file: 'boats' }], { by });
    }
    gateway = await startTestGateway({
      supergraph: { registry: stores.location, graph: 'shop@prod', keep: folder.write('kept', '') },
      mode: 'production',
      admin: { port: 0, console: { sampling: 1 } },
    });
    subgraph.answer = (_, response) => {
      const errors = codes.map((code) => ({
        message: html,
        path: ['boat'],
        extensions: { code, service: html },
      }));
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ data: null, errors }));
    };
    for (const name of ['__proto__', 'constructor', 'N'.repeat(5_000), 'toString'])
      for (const client of [html, 'constructor', 'c'.repeat(8_000)]) {
        const answer = await gateway.post(
          { query: `query ${name} { ${name.slice(0, 20)}: boat }` },
          { headers: { 'apollographql-client-name': client, 'apollographql-client-version': html } },
        );
        await answer.text();
        if (name.length + client.length > 10_000) longest = answer.headers.get('x-request-id')!;
      }
    await (await gateway.post({ query: `{ boat(a: ${JSON.stringify(html)}) }` })).text();
    console = await openInBrowser(gateway.adminUrl!, { locale: 'de-DE', timezoneId: 'Europe/Berlin' });
    ({ page } = console);
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('dialog', (dialog) => void dialog.dismiss().then(() => wrong.push(dialog.message())));
    page.on('console', (message) => {
      if (message.type() === 'error') wrong.push(message.text());
    });
    await page.clock.setFixedTime(now);
  }, 180_000);

  afterAll(async () => {
    await console.close();
    await gateway.stop();
    await stores.close();
    await subgraph.close();
    folder.remove();
  });

  afterEach(async () => {
    expect(wrong).toEqual([]);
    expect(await page.evaluate(turning)).toEqual([]);
    expect(await page.evaluate('top.planted')).toBeUndefined();
  });

  it('shows what was published an hour ago and by whom, also where clocks are put back', async () => {
    await console.goTo('Versions');
    const rows = await console.rowsOf('Versions of the graph, the newest first');
    expect(rows[1]).toMatch(/^5published changed boatsben02:35:00/);
    expect(rows[2]).toMatch(/ana@example\.com02:40:00/);
    expect(rows[3]).toContain(`${html}02:20:00`);
    expect(rows[4]).toMatch(/24\.10\.2026, 01:40:00/);
    expect(rows[5]).toMatch(/15\.09\.2026, 03:40:00/);
    const titles = page.getByRole('row', { name: /published/ }).locator('time');
    expect(await titles.nth(0).getAttribute('title')).toContain('02:35:00,000 MEZ');
    expect(await titles.nth(1).getAttribute('title')).toContain('02:40:00,000 MESZ');
    await expectForEverybody(page, 'publishers');
  });

  it.each(['Live', 'Operations', 'Errors', 'Requests', 'Graph', 'Caches and streams'])(
    'shows names as text in %s',
    async (name) => {
      await eventually(async () => {
        const live = await (await fetch(`${gateway.adminUrl}/console/api/live`)).text();
        return live.includes('constructor');
      });
      await console.goTo(name);
      await page.getByRole('heading', { name, level: 1 }).waitFor();
      await page.locator('main .card').first().waitFor();
      await expectForEverybody(page, `names-${name}`);
    },
  );

  it('leads from an error with such a code, client and operation to its request', async () => {
    await console.goTo('Errors');
    await page.getByRole('searchbox').fill('<script>');
    const table = page.getByRole('region', { name: 'Errors, the most frequent first' });
    await table
      .getByRole('link', { name: html.slice(0, 30) })
      .first()
      .click();
    await page.getByRole('heading', { name: 'Requests', exact: true }).waitFor();
    await page.getByRole('row').nth(1).getByRole('link').first().click();
    await page.getByRole('region', { name: 'Timeline' }).waitFor();
    await expectForEverybody(page, 'names-request');
  });

  it('shows the request with the longest names', async () => {
    await console.start();
    await page.goto(`${gateway.adminUrl}/console#/requests/${longest}`);
    await page.getByRole('region', { name: 'Timeline' }).waitFor();
    await expectForEverybody(page, 'names-longest');
  });
});

/** In the page: the elements with a text whose mark of direction also turns what is around them. */
const turning = `[...document.querySelectorAll('td, td *')]
  .filter((each) => [...each.childNodes].some((child) => child.nodeType === 3 && child.data.includes('\\u202e')))
  .filter((each) => each.closest('bdi') === null)
  .map((each) => (each.closest('td')).outerHTML.slice(0, 300))`;
