/** Subscriptions over HTTP in a real browser: GraphiQL, and the browser's own `EventSource`. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import type * as heldUpstreams from '../support/held-upstreams';
import { upstreams } from '../support/held-upstreams';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

jest.mock('../../gateway/subgraph-calls/connect', () =>
  jest.requireActual<typeof heldUpstreams>('../support/held-upstreams').inPlaceOfConnect(),
);

const executablePath = '/usr/bin/chromium';
const inBrowser = existsSync(executablePath) ? describe : describe.skip;

inBrowser(`in Chromium (skipped where there is no ${executablePath})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
  const query = 'subscription { repriced { price } }';
  const repriced = (price: number): Json => ({ repriced: { price } });
  let subgraph: TestSubgraph;
  let reviews: TestSubgraph;
  /** When the second subgraph answers. */
  let review: () => void;
  const reviewed = new Promise<void>((resolve) => (review = resolve));
  let gateway: TestGateway;
  let browser: BrowserContext;
  let page: Page;
  /** A page of another origin than the gateway's. */
  const shop = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Shop</title>');
  });
  let shopUrl: string;

  beforeAll(async () => {
    await new Promise<void>((listening) => shop.listen(0, '127.0.0.1', listening));
    shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
    subgraph = await startSubgraph({
      name: 'products',
      typeDefs: `
        type Query { product: Product }
        type Subscription { repriced: Product }
        type Product @key(fields: "upc") { upc: ID! price: Int }`,
      resolvers: { Query: { product: () => ({ upc: '1', price: 4713 }) } },
    });
    reviews = await startSubgraph({
      name: 'reviews',
      typeDefs: 'type Product @key(fields: "upc") { upc: ID! stars: Int }',
      resolvers: { Product: { __resolveReference: () => reviewed.then(() => ({ stars: 4714 })) } },
    });
    gateway = await startTestGateway({
      supergraph: sourceOf(compose([subgraph, reviews])),
      mode: 'development',
      cors: { origins: [shopUrl] },
    });
    browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath,
      headless: true,
      args: [
        ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
        ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ],
    });
    page = await browser.newPage();
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await gateway.stop();
    await subgraph.close();
    await reviews.close();
    await new Promise((closed) => shop.close(closed));
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => upstreams.reset());

  const opened = async (): Promise<void> => {
    while (upstreams.open.length === 0) await new Promise((later) => setTimeout(later, 10));
  };
  const closed = async (): Promise<void> => {
    while (upstreams.open.length > 0) await new Promise((later) => setTimeout(later, 10));
  };

  it('GraphiQL runs a subscription, and shows each event', async () => {
    await page.goto(`${new URL('/graphiql', gateway.url).href}?query=${encodeURIComponent(query)}`);
    await page.getByRole('button', { name: /execute query/i }).click();
    await opened();
    const result = page.locator('.result-window').first();
    for (const price of [4711, 4712]) {
      upstreams.give(repriced(price));
      await result.getByText(String(price)).first().waitFor();
    }
    const screenshot = join(process.env['WEIR_SCREENSHOTS'] ?? folder, 'graphiql-subscription.png');
    await page.screenshot({ path: screenshot });
    await page.getByRole('button', { name: /stop query/i }).click();
    await closed();
  }, 60_000);

  it('GraphiQL shows what is not deferred, and then the rest', async () => {
    const deferred = '{ product { price ... @defer { stars } } }';
    await page.goto(`${new URL('/graphiql', gateway.url).href}?query=${encodeURIComponent(deferred)}`);
    await page.getByRole('button', { name: /execute query/i }).click();
    const result = page.locator('.result-window').first();
    await result.getByText('4713').first().waitFor();
    expect(await result.textContent()).not.toContain('4714');
    review();
    await result.getByText('4714').first().waitFor();
  }, 60_000);

  /** Opens an `EventSource` in the page, whose events then stand in `window.got`. */
  const openEventSource = (document: string): Promise<void> =>
    page.evaluate(
      ([endpoint, operation]) => {
        const got: unknown[] = [];
        const source = new EventSource(`${endpoint}?query=${encodeURIComponent(operation)}`);
        for (const name of ['next', 'complete', 'error'])
          source.addEventListener(name, (event) => {
            const { data, lastEventId } = event as MessageEvent;
            got.push([name, data, lastEventId]);
            if (name === 'complete') source.close();
          });
        Object.assign(globalThis, { got });
      },
      [gateway.url, document] as const,
    );
  const got = async (count: number): Promise<[string, string | undefined, string | undefined][]> => {
    const read = () =>
      page.evaluate(() => (globalThis as unknown as { got: [string, string, string][] }).got);
    let all = await read();
    while (all.length < count) {
      await new Promise((later) => setTimeout(later, 10));
      all = await read();
    }
    return all;
  };

  it.each([
    ['of the same origin', () => new URL('/graphiql', gateway.url).href],
    ['of an origin that may call', () => shopUrl],
  ])(
    'an `EventSource` %s gets each event, and learns of the end',
    async (_, pageUrl) => {
      await page.goto(pageUrl());
      await openEventSource(query);
      await opened();
      upstreams.give(repriced(5));
      upstreams.open[0]!.events.end();
      const [next, complete] = await got(2);
      expect([next![0], JSON.parse(next![1]!).data, next![2]]).toEqual(['next', repriced(5), '']);
      expect(complete).toEqual(['complete', '', '']);
    },
    60_000,
  );

  it('an `EventSource` of another origin gets nothing', async () => {
    await page.goto(`${shopUrl.replace('127.0.0.1', 'localhost')}/`);
    await openEventSource(query);
    expect((await got(1))[0]![0]).toBe('error');
    expect(upstreams.opened).toEqual([]);
  }, 60_000);
});
