/**
 * The console in a real browser, of a gateway with two subgraphs: each page is opened and used. Over 300 lines: the pages
 * share one gateway and one browser.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, FrameLocator, Page } from 'playwright-core';
import { hasChromium, inChromium, launchChromium, serveApplication } from '../support/chromium';
import { expectForEverybody } from '../support/for-everybody';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { redisProgram, startRedis } from '../support/redis-server';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

const token = 'token-of-the-operator';
/** What shows itself if a page takes text for HTML. */
const planted = '<img src=x onerror="top.planted=1"><script>top.planted=1</script>';
const query = `query Page { me { id name reviews { rating body } } }`;

(hasChromium ? describe : describe.skip)(`the console ${inChromium}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
  let subgraphs: TestSubgraph[];
  let gateway: TestGateway;
  let console: string;
  let browser: BrowserContext;
  let page: Page;
  /** What went wrong in pages: violations of their policy, errors, and dialogs. */
  const wrong: string[] = [];

  beforeAll(async () => {
    subgraphs = await Promise.all([
      startSubgraph({
        name: 'accounts',
        typeDefs: `
          "${planted.replaceAll('"', '\\"')}"
          type Query { me: User }
          type User @key(fields: "id") { id: ID! name: String }`,
        resolvers: { Query: { me: () => ({ id: 'u1', name: planted }) } },
      }),
      startSubgraph({
        name: 'reviews',
        typeDefs: `
          type User @key(fields: "id") { id: ID! reviews: [Review!] }
          type Review { rating: Int body: String }`,
        resolvers: {
          User: { __resolveReference: ({ id }: Json) => ({ id, reviews: [{ rating: 4 }] }) },
          Review: {
            body: () => {
              throw new Error(planted);
            },
          },
        },
      }),
    ]);
    gateway = await startTestGateway({
      supergraph: sourceOf(compose(subgraphs)),
      mode: 'development',
      admin: { port: 0, token },
    });
    console = `${gateway.adminUrl}/console`;
    browser = await launchChromium(folder);
    await browser.grantPermissions(['clipboard-read', 'clipboard-write']);
    page = await browser.newPage();
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('dialog', (dialog) => {
      wrong.push(dialog.message());
      void dialog.dismiss();
    });
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy') && message.location().url.startsWith(console))
        wrong.push(message.text());
    });
    for (const name of ['web', planted])
      await gateway.post({ query }, { headers: { 'apollographql-client-name': name } });
    await gateway.post({ query: '{ me { nothing } }' });
  }, 180_000);

  afterAll(async () => {
    await browser.close();
    await gateway.stop();
    await Promise.all(subgraphs.map((each) => each.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    expect(wrong).toEqual([]);
    expect(await page.evaluate('top.planted')).toBeUndefined();
  });

  const open = async (hash: string): Promise<void> => {
    await page.goto('about:blank');
    await page.goto(`${console}${hash}`);
  };
  const openList = async (): Promise<void> => {
    await open('#/requests');
    await page.getByRole('link', { name: 'Page' }).first().waitFor();
  };
  const openRequest = async (): Promise<void> => {
    await openList();
    await page.getByRole('link', { name: 'Page' }).first().click();
    await page.getByRole('heading', { name: 'Page', level: 1 }).waitFor();
  };
  const graphiql = (): FrameLocator => page.frameLocator('iframe[title=GraphiQL]');
  const openExplore = async (): Promise<void> => {
    await open('#/explore');
    await graphiql().locator('.graphiql-editor .view-line').first().waitFor();
    await graphiql().locator('.result-window .monaco-editor').first().waitFor();
  };
  const focused = (): Promise<string> => page.evaluate('document.activeElement.textContent');

  it('asks for the token, says that a wrong one is wrong, and keeps the right one', async () => {
    await open('#/requests');
    const field = page.getByLabel('Admin token');
    await field.waitFor();
    await field.fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('The gateway refused this token.').waitFor();
    await expectForEverybody(page, 'token');
    await field.fill(token);
    await page.keyboard.press('Enter');
    await page.getByRole('searchbox').waitFor();
    await page.reload();
    await page.getByRole('searchbox').waitFor();
  });

  it('takes the token of the address that `weir dev` prints, and removes it there', async () => {
    const other = await browser.newPage();
    await other.goto(`${console}#token=${token}`);
    await other.getByRole('heading', { name: 'Live' }).waitFor();
    expect(other.url()).not.toContain(token);
    await other.close();
  });

  it('lists requests, and is narrowed and opened by the keyboard', async () => {
    await openList();
    const rows = page.getByRole('row');
    await page.getByRole('searchbox').focus();
    await page.keyboard.type('web');
    await page.waitForURL(/search=web/);
    await rows.nth(2).waitFor({ state: 'detached' });
    expect(await rows.nth(1).textContent()).toContain('web');

    await page.getByRole('searchbox').fill('');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Failed');
    await page.keyboard.press('Space');
    await page.waitForURL(/failed=1/);
    await page.getByText('GRAPHQL_VALIDATION_FAILED').waitFor();

    const link = page.getByRole('link', { name: 'Page' }).first();
    await link.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/requests\/./);
    await page.getByRole('heading', { name: 'Page', level: 1 }).waitFor();
  });

  it('keeps what is typed when another filter is pressed at once', async () => {
    await openList();
    await page.getByRole('searchbox').fill('web');
    await page.getByRole('button', { name: 'Failed' }).click();
    await page.waitForURL(({ hash }) => hash.includes('search=web') && hash.includes('failed=1'));
  });

  it('shows new requests, but moves no row away under the pointer', async () => {
    await page.mouse.move(0, 0);
    await openList();
    await gateway.post({ query: 'query First { __typename }' });
    await page.getByRole('link', { name: 'First' }).waitFor();
    await page.getByRole('row').nth(1).hover();
    await gateway.post({ query: 'query Second { __typename }' });
    const more = page.getByRole('button', { name: 'Show 1 new' });
    await more.waitFor();
    expect(await page.getByRole('link', { name: 'Second' }).count()).toBe(0);
    await more.click();
    await page.getByRole('link', { name: 'Second' }).waitFor();
    await expectForEverybody(page, 'requests');
  });

  it('shows which subgraph answers each field, and why it is null', async () => {
    await openRequest();
    const operation = page.getByRole('group', { name: 'Operation' });
    await operation.getByRole('button', { name: 'name: answered by accounts' }).waitFor();
    await operation.getByRole('button', { name: 'me: answered by accounts', exact: true }).focus();
    for (const field of ['id', 'name', 'reviews', 'rating']) {
      await page.keyboard.press('ArrowDown');
      expect(await focused()).toBe(field);
    }
    await page.keyboard.press('End');
    const facts = page.locator('.field-facts');
    expect(await facts.textContent()).toMatch(/^me\.reviews\.body reviews .*is null because/);
    await page.getByRole('region', { name: 'Why values are null' }).waitFor();
    await expectForEverybody(page, 'request');
  });

  it('has a timeline whose steps open by the keyboard', async () => {
    await openRequest();
    const step = page.getByRole('button', { name: /^fetch reviews/ });
    await step.focus();
    await page.keyboard.press('Enter');
    expect(await step.getAttribute('aria-expanded')).toBe('true');
    await page.getByText('weir.subgraph.name').waitFor();
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toMatch(/^POST /);
    await page.getByRole('button', { name: 'reviews', exact: true }).click();
    expect(await page.locator('.step.dim').count()).toBeGreaterThan(0);
  });

  it('copies a link to the request, and a curl command for it', async () => {
    await openRequest();
    const copied = async (name: string): Promise<string> => {
      await page.getByRole('button', { name }).first().click();
      await page.getByText('Copied').first().waitFor();
      return page.evaluate('navigator.clipboard.readText()');
    };
    expect(await copied('Copy link')).toBe(page.url());
    expect(await copied('Copy curl')).toMatch(/^curl '?http/);
  });

  it('shows live figures, with what charts show in words, and stops when told to', async () => {
    await open('#/live');
    await page.getByRole('heading', { name: 'By operation' }).waitFor();
    const chart = page.getByRole('img', { name: /^Requests\. All: / });
    expect(await chart.getAttribute('aria-label')).toMatch(/All: .+ now, at most .+\/s; Failed: /);
    const clients = page.getByRole('region', { name: 'Requests by client' });
    expect(await clients.textContent()).toContain('<img src=x');
    expect(await page.getByRole('region', { name: 'Errors by code and service' }).textContent()).toContain(
      'reviews',
    );
    await expectForEverybody(page, 'live');

    const pause = page.getByRole('button', { name: 'Pause' });
    await pause.focus();
    await page.keyboard.press('Enter');
    expect(await pause.getAttribute('aria-pressed')).toBe('true');
    await page.getByRole('link', { name: 'Page', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/requests\?operation=Page$/);
  });

  it('asks for no more figures once it is paused', async () => {
    const first = page.waitForResponse(/\/api\/live$/);
    await open('#/live');
    await first;
    const asked: string[] = [];
    const note = (request: { url(): string }): unknown => asked.push(request.url());
    page.on('request', note);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Pause', pressed: true }).waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Graph' }).click();
    await page.getByRole('heading', { name: 'Schema' }).waitFor();
    page.off('request', note);
    expect(asked.filter((url) => url.endsWith('/api/live'))).toEqual([]);
    expect(asked.some((url) => url.endsWith('/api/graph'))).toBe(true);
  });

  it('shows who calls whom, and opens a service by the keyboard', async () => {
    await open('#/graph');
    const service = page.locator('.map .service', { hasText: 'reviews' });
    await service.focus();
    await page.keyboard.press('Enter');
    const card = page.getByRole('region', { name: 'reviews', exact: true });
    await card.getByText(subgraphs[1]!.url).waitFor();
    expect(await card.textContent()).toMatch(/Needs data ofaccounts \(/);
    await page.getByRole('heading', { name: 'Schema' }).waitFor();
    await expectForEverybody(page, 'graph');
    await service.focus();
    await page.keyboard.press(' ');
    await card.waitFor({ state: 'detached' });
  });

  it('finds a field by the keyboard, and shows its owner and the description of its type', async () => {
    await open('#/graph');
    await page.getByRole('searchbox').fill('user.rev');
    await page.getByText('1 type found.').waitFor();
    await page.getByRole('link', { name: 'User' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/graph\/User$/);
    const row = page.getByRole('row', { name: /^reviews: \[Review!\]/ });
    expect(await row.textContent()).toBe('reviews: [Review!]reviews');
    await expectForEverybody(page, 'type');
    await open('#/graph/Query');
    await page.getByText('<img src=x').waitFor();
  });

  it('shows how the answer to an operation in GraphiQL was made', async () => {
    await openExplore();
    await graphiql()
      .getByRole('button', { name: /execute query/i })
      .click();
    const made = page.getByRole('complementary', { name: 'How the last answer was made' });
    await made.getByRole('button', { name: /^fetch accounts/ }).waitFor();
    await made.getByText('QueryPlan {').waitFor();
    await made.getByRole('checkbox', { name: /say why/ }).check();
    await graphiql()
      .getByRole('button', { name: /execute query/i })
      .click();
    await made.getByText('# No other subgraph resolves Query.').waitFor();
    expect(await graphiql().getByRole('button', { name: 'Plan, calls and cache' }).count()).toBe(0);
    await expectForEverybody(page, 'explore');
    await made.getByRole('link', { name: 'Open the request' }).click();
    await page.getByRole('region', { name: 'Timeline' }).waitFor();
  }, 180_000);

  it('opens the last tab of GraphiQL again, and shows plan and causes as text beside it', async () => {
    const visitor = await browser.newPage();
    const address = new URL('/graphiql', gateway.url);
    const visit = async (): Promise<void> => {
      await visitor.goto(address.href);
      await visitor.locator('.graphiql-editor .view-line').first().waitFor();
      await visitor.locator('.result-window .monaco-editor').first().waitFor();
    };
    const tabs = (): Promise<number> => visitor.locator('.graphiql-tab').count();
    await visitor.goto(`${address.href}?query=${encodeURIComponent(query)}`);
    await visitor.locator('.graphiql-editor .view-line', { hasText: 'reviews' }).first().waitFor();
    const first = await tabs();
    // Stored half a second after a change.
    await visitor.waitForFunction(`localStorage.getItem('graphiql:tabState')?.includes('query Page')`);
    for (let i = 0; i < 2; i++) {
      await visit();
      await visitor.locator('.graphiql-editor .view-line', { hasText: 'reviews' }).first().waitFor();
      expect(await tabs()).toBe(first);
    }
    await visitor.getByRole('button', { name: /execute query/i }).click();
    await visitor.getByRole('button', { name: 'Plan, calls and cache' }).click();
    const how = visitor.getByRole('complementary', { name: 'How the last answer was made' });
    await how.getByText('QueryPlan {').waitFor();
    await how.getByRole('checkbox', { name: /^Say why/ }).check();
    await visitor.getByRole('button', { name: /execute query/i }).click();
    await how.getByText('# Fetches User by id.').waitFor();
    await how.getByText(/me\.reviews\.0\.body \(Review\.body\) is null because/).waitFor();
    const shots = process.env['WEIR_SCREENSHOTS'];
    if (shots !== undefined) await visitor.screenshot({ path: `${shots}/graphiql-second-visit.png` });
    await visitor.close();
  }, 180_000);

  it('shows why requests are refused, by client and of each', async () => {
    await openList();
    const reasons = page.getByRole('region', { name: 'Why requests are refused' });
    await reasons.getByText('User.nothing').waitFor();
    await expectForEverybody(page, 'refusals');
    await reasons.getByRole('link', { name: '1 ×' }).click();
    const why = page.getByRole('region', { name: 'Why it was refused' });
    await why.getByText('FieldsOnCorrectType, line 1, column 8').waitFor();
    await expectForEverybody(page, 'refused');
  });

  it('shows the services, and the types with what is planted in their descriptions as text', async () => {
    await open('#/graph');
    await page.getByRole('button', { name: 'reviews', exact: true }).waitFor();
    await page.getByRole('searchbox', { name: /^Search types/ }).fill('Query');
    await page.getByRole('link', { name: 'Query' }).first().focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/graph\/Query/);
    await page.locator('.description').getByText(planted).waitFor();
    await expectForEverybody(page, 'graph');
  });

  (redisProgram === undefined ? it.skip : it)(
    'shows all gateways that share a store, or the one that is chosen, and keeps the choice',
    async () => {
      const redis = await startRedis();
      const pair = await Promise.all(
        ['shop-1', 'shop-2'].map((name) =>
          startTestGateway({
            ...{ name, supergraph: sourceOf(compose(subgraphs)), mode: 'development' },
            ...{ cache: { store: redis.url }, admin: { port: 0 } },
          }),
        ),
      );
      try {
        for (const [i, each] of pair.entries()) await each.post({ query: `query Of${i + 1} { me { id } }` });
        const [own] = pair as [TestGateway];
        await page.goto(`${own.adminUrl}/console#/requests`);
        await page.getByRole('row', { name: /Of2.*shop-2/ }).waitFor();
        await page.getByRole('row', { name: /Of1.*shop-1/ }).waitFor();
        await page.getByLabel('Gateway').waitFor();
        await expectForEverybody(page, 'gateways');

        const choice = page.getByLabel('Gateway');
        await choice.focus();
        await choice.selectOption('shop-2');
        await page.waitForURL(/#\/requests\?gateway=shop-2$/);
        await page.getByRole('row', { name: 'Of1' }).waitFor({ state: 'detached' });
        await page.getByRole('link', { name: 'Of2' }).click();
        await page.getByRole('heading', { name: 'Of2', level: 1 }).waitFor();
        expect(await page.locator('.explained').textContent()).toContain('shop-2');

        await page.getByRole('navigation').getByRole('link', { name: 'Live' }).click();
        await page.waitForURL(/#\/live\?gateway=shop-2$/);
        const operations = page.getByRole('region', { name: 'Requests by operation' });
        await operations.getByText('Of2').waitFor();
        expect(await operations.textContent()).not.toContain('Of1');
        await choice.selectOption('');
        await page.waitForURL(/#\/live$/);
        await operations.getByText('Of1').waitFor();

        await page.getByRole('navigation').getByRole('link', { name: 'Graph' }).click();
        await page.locator('.map .service', { hasText: 'accounts' }).click();
        await page.getByText('known to shop-1, shop-2').waitFor();
      } finally {
        await Promise.all(pair.map((each) => each.stop()));
        await redis.stop();
      }
    },
    180_000,
  );

  it('no other page can frame GraphiQL or the console', async () => {
    const other = await serveApplication(
      `addEventListener('DOMContentLoaded', () => {
         for (const url of ${JSON.stringify([new URL('/graphiql', gateway.url).href, console])})
         document.body.append(Object.assign(document.createElement('iframe'), { src: url }));
       });`,
    );
    const stranger = await browser.newPage();
    await stranger.goto(other.origin);
    await expect(
      Promise.all(
        stranger
          .frames()
          .slice(1)
          .map((frame) => frame.evaluate('location.href')),
      ),
    ).resolves.toEqual(['chrome-error://chromewebdata/', 'chrome-error://chromewebdata/']);
    await stranger.close();
    await other.close();
  });
});
