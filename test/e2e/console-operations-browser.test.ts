/** What operators look for first, in a real browser: which operation fails, since when and for whom; why a request got 400. */
import type { Page } from 'playwright-core';
import { hasChromium, inChromium } from '../support/chromium';
import { type ConsoleInBrowser, openInBrowser } from '../support/console-in-browser';
import { expectForEverybody } from '../support/for-everybody';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

const secret = 'S3CRET';

(hasChromium ? describe : describe.skip)(`operations and errors in the console ${inChromium}`, () => {
  let subgraph: TestSubgraph;
  let gateway: TestGateway;
  let console: ConsoleInBrowser;
  let page: Page;

  const send = async (query: string, client: string): Promise<void> => {
    const headers = { 'apollographql-client-name': client, 'apollographql-client-version': '1.2' };
    await (await gateway.post({ query }, { headers })).text();
  };

  beforeAll(async () => {
    subgraph = await startSubgraph({
      name: 'boats',
      typeDefs: 'type Query { boats(name: String): [Boat!]! } type Boat { name: String owner: String }',
      resolvers: {
        Query: { boats: () => [{ name: 'Ada' }, { name: 'Bea' }] },
        Boat: {
          owner: () => {
            throw new Error(secret);
          },
        },
      },
    });
    gateway = await startTestGateway({
      ...{ supergraph: sourceOf(compose([subgraph])), mode: 'production' },
      admin: { port: 0, console: { sampling: 1 } },
    });
    for (let i = 0; i < 12; i++) await send(`query Names { boats(name: "${secret}") { name } }`, 'web');
    for (let i = 0; i < 60; i++) await send(`query Rare${i} { boats { name } }`, 'web');
    for (let i = 0; i < 4; i++) await send('query Owners { boats { name owner } }', 'ios');
    await send('query Owners { boats { name owner } }', 'web');
    await send('query Old { boats { captain } }', 'web');
    console = await openInBrowser(gateway.adminUrl!);
    ({ page } = console);
  }, 180_000);

  afterAll(async () => {
    await console.close();
    await gateway.stop();
    await subgraph.close();
  });

  afterEach(async () => {
    expect(await page.content()).not.toContain(secret);
  });

  it('shows in two clicks which operation fails most, since when and for which client', async () => {
    await console.goTo('Operations');
    const [, first] = await console.rowsOf('Requests by operation, those that fail most first');
    expect(first).toMatch(/^Owners5(?:5 \(100 %\))/);
    await expectForEverybody(page, 'operations');
    await page.getByRole('link', { name: '5 (100 %) of Owners failed' }).click();
    const [, most, other, ...more] = await console.rowsOf('Errors, the most frequent first');
    expect(most).toMatch(
      /^DOWNSTREAM_SERVICE_ERRORboats\.owner.*boatsOwnersios 1\.24\d\d:\d\d:\d\d\d\d:\d\d:\d\d$/,
    );
    expect(other).toContain('web 1.2');
    expect(more).toEqual([]);
    await expectForEverybody(page, 'errors');
    await page.getByRole('link', { name: 'DOWNSTREAM_SERVICE_ERROR' }).first().click();
    await page.waitForURL(/requests\?search=DOWNSTREAM_SERVICE_ERROR&failed=1&client=ios&operation=Owners$/);
    await page.getByRole('link', { name: 'Owners' }).nth(3).waitFor();
  });

  it('shows in two clicks why a request got 400', async () => {
    await console.goTo('Errors');
    await page.getByRole('link', { name: 'GRAPHQL_VALIDATION_FAILED' }).click();
    const row = page.getByRole('row', { name: /Old/ });
    await row.getByText('400 GRAPHQL_VALIDATION_FAILED').waitFor();
    expect(await row.textContent()).toContain('Boat.captain does not exist.');
  });

  it('sorts by any column, also those that are not shown yet, and is searched', async () => {
    await console.goTo('Operations');
    const caption = 'Requests by operation, those that fail most first';
    expect(await console.rowsOf(caption)).toHaveLength(1 + 40);
    const header = page.getByRole('columnheader', { name: 'Requests' });
    await header.getByRole('button').focus();
    await page.keyboard.press('Enter');
    expect((await console.rowsOf(caption))[1]).toMatch(/^Names12/);
    expect(await header.getAttribute('aria-sort')).toBe('descending');
    await page.getByRole('button', { name: 'Show 23 more' }).click();
    expect(await console.rowsOf(caption)).toHaveLength(1 + 63);
    await page.getByRole('searchbox').fill('rare7');
    await page.getByText('Rare12').waitFor({ state: 'detached' });
    expect(await console.rowsOf(caption)).toHaveLength(2);
    await page.getByRole('link', { name: 'Rare7', exact: true }).click();
    await page.waitForURL(/requests\?operation=Rare7$/);
  });

  it('shows another range, which is a part of the address', async () => {
    await console.goTo('Operations');
    await page.getByRole('combobox').selectOption('quarter');
    await page.waitForURL(/operations\?range=quarter$/);
    await page.getByRole('link', { name: 'Owners', exact: true }).waitFor();
  });

  it('shows the newest values in legends, and latency as a distribution', async () => {
    await console.start();
    const latency = page.getByRole('region', { name: 'Latency, distribution' });
    expect(await latency.textContent()).toMatch(
      /Of 78 requests half took up to .+, 95 % up to .+, and 99 % /,
    );
    const legend = page.getByRole('img', { name: /^Requests\. All: / }).locator('.u-legend');
    await legend
      .getByText(/^(?:\d|<)/)
      .nth(2)
      .waitFor();
    expect(await legend.textContent()).toMatch(/All:?\s*[\d<].*Failed:?\s*[\d<]/);
    expect(await page.locator('main').textContent()).not.toMatch(/chattiest|Loop delay|A value is of/i);
  });

  it('shows the services of the graph in a narrow window', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    await console.goTo('Graph');
    const service = page.locator('.map .service', { hasText: 'boats' });
    await service.waitFor();
    const box = (await service.boundingBox())!;
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(390);
    await page.getByText(/^Called by the gateway for .*web \(/).waitFor();
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it('explains each panel, and leads to the documentation', async () => {
    await console.goTo('Operations');
    const [help] = await Promise.all([
      console.browser.waitForEvent('page'),
      page.getByRole('link', { name: 'More about Requests by operation, in a new tab' }).click(),
    ]);
    await help.getByRole('heading', { name: 'Operations' }).waitFor();
    expect(new URL(help.url()).hash).toBe('#operations');
    await expectForEverybody(help, 'help');
    await help.close();
  });
});
