/**
 * Streams in a real browser, over HTTP/2 and WebSockets on one port with TLS: GraphiQL, the browser's own `EventSource`, and
 * clients as they are installed.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { hasChromium, inChromium, launchChromium, serveApplication, type Site } from '../support/chromium';
import { executeInGraphiql } from '../support/graphiql';
import { upstreams } from '../support/held-upstreams';
import { Queue } from '../support/queue';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { certificate } from '../support/subgraph-servers';

const files = join(__dirname, '../support/tls');
const tls = { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };

(hasChromium ? describe : describe.skip)(inChromium, () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
  const query = 'subscription { repriced { price } }';
  const repriced = (price: number): Json => ({ repriced: { price } });
  let subgraph: TestSubgraph;
  let reviews: TestSubgraph;
  /** Has the second subgraph answer. */
  let review: () => void;
  let reviewed: Promise<void>;
  let gateway: TestGateway;
  let browser: BrowserContext;
  let page: Page;
  /** Pages of another origin than the gateway's. */
  let shop: Site;
  /** What the pages have asked the gateway. */
  let requests: string[] = [];
  const protocols = new Set<string | undefined>();
  let reports: Queue<Json>;

  beforeAll(async () => {
    shop = await serveApplication("import './streams-application.mjs';");
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
      transport: upstreams,
      supergraph: sourceOf(compose([subgraph, reviews])),
      mode: 'development',
      cors: { origins: [shop.origin] },
      tls,
      auth: {
        anonymous: true,
        apiKeys: [{ client: 'app', sha256: createHash('sha256').update('da2-key').digest('hex') }],
      },
    });
    browser = await launchChromium(folder, certificate);
    page = await browser.newPage();
    await page.exposeFunction('report', (report: Json) => reports.push(report));
    page.on('websocket', (socket) => requests.push(socket.url()));
    page.on('request', (request) => {
      if (request.url().startsWith(gateway.url)) requests.push(request.url());
    });
    const network = await browser.newCDPSession(page);
    await network.send('Network.enable');
    network.on('Network.responseReceived', ({ response }) => {
      if (response.url.startsWith(gateway.url)) protocols.add(response.protocol);
    });
  }, 180_000);
  afterAll(async () => {
    await browser.close();
    await gateway.stop();
    await subgraph.close();
    await reviews.close();
    await shop.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    requests = [];
    reports = new Queue();
    reviewed = new Promise<void>((resolve) => (review = resolve));
  });
  afterEach(async () => {
    await page.goto('about:blank');
    await closed();
    upstreams.reset();
    for (const protocol of protocols) expect(protocol).toBe('h2');
  });

  const opened = async (): Promise<void> => {
    while (upstreams.open.length === 0) await new Promise((later) => setTimeout(later, 10));
  };
  const closed = async (): Promise<void> => {
    while (upstreams.open.length > 0) await new Promise((later) => setTimeout(later, 10));
  };

  it('GraphiQL runs a subscription, and shows each event', async () => {
    await executeInGraphiql(page, gateway.url, query);
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
  }, 180_000);

  it('GraphiQL shows what is not deferred, and then the rest', async () => {
    const deferred = '{ product { price ... @defer { stars } } }';
    await executeInGraphiql(page, gateway.url, deferred);
    const result = page.locator('.result-window').first();
    await result.getByText('4713').first().waitFor();
    expect(await result.textContent()).not.toContain('4714');
    review();
    await result.getByText('4714').first().waitFor();
  }, 180_000);

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
    ['of an origin that may call', () => shop.origin],
  ])('an `EventSource` %s gets each event, and learns of the end', async (_, pageUrl) => {
    await page.goto(pageUrl());
    await openEventSource(query);
    await opened();
    upstreams.give(repriced(5));
    upstreams.open[0]!.events.end();
    const [next, complete] = await got(2);
    expect([next![0], JSON.parse(next![1]!).data, next![2]]).toEqual(['next', repriced(5), '']);
    expect(complete).toEqual(['complete', '', '']);
    // What has ended need not be closed.
    upstreams.reset();
  });

  it('an `EventSource` of another origin gets nothing', async () => {
    await page.goto(`${shop.origin.replace('127.0.0.1', 'localhost')}/`);
    await openEventSource(query);
    expect((await got(1))[0]![0]).toBe('error');
    expect(upstreams.opened).toEqual([]);
  }, 180_000);

  async function subscribeWith(client: string, document: string, headers: object): Promise<void> {
    await page.goto(shop.origin);
    requests = [];
    await page.evaluate(
      ([name, ...given]) => {
        const { subscribeWith: clients } = globalThis as unknown as {
          subscribeWith: Record<string, (...args: unknown[]) => void>;
        };
        clients[name]!(...given);
      },
      [client, gateway.url, document, headers] as const,
    );
  }

  describe.each<[client: string, url: () => string]>([
    ['Apollo Client over WebSocket', () => gateway.url.replace('https', 'wss')],
    ['Apollo Client over HTTP', () => gateway.url],
    ['graphql-sse', () => gateway.url],
    ['urql over HTTP', () => gateway.url],
    ['Relay over WebSocket', () => gateway.url.replace('https', 'wss')],
    ['AppSync’s link', () => `${gateway.url.replace('https', 'wss')}/realtime`],
    ['AWS Amplify', () => `${gateway.url.replace('https', 'wss')}/realtime`],
  ])('%s', (client, url) => {
    const key = { 'x-api-key': 'da2-key' };

    it('gets each event', async () => {
      await subscribeWith(client, query, key);
      await opened();
      for (const price of [5, 6]) {
        upstreams.give(repriced(price));
        expect(await reports.next()).toMatchObject({ data: repriced(price) });
      }
      expect(requests).toEqual([url()]);
    }, 180_000);
  });

  it.each(['Defer20220824Handler', 'GraphQL17Alpha9Handler'])(
    'Apollo Client with %s shows what is not deferred, and then the rest',
    async (handler) => {
      await page.goto(shop.origin);
      await page.evaluate(
        (given) => (globalThis as unknown as { queryWith: (...args: unknown[]) => void }).queryWith(...given),
        [handler, gateway.url, '{ product { price ... @defer { stars } } }'],
      );
      expect(await reports.next()).toMatchObject({
        data: { product: { price: 4713 } },
        dataState: 'streaming',
      });
      review();
      expect(await reports.next()).toMatchObject({
        data: { product: { price: 4713, stars: 4714 } },
        dataState: 'complete',
      });
      expect([...protocols]).toEqual(['h2']);
    },
  );
});
