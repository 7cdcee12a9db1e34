/** `weir dev` of the sample shop, as processes. Over 300 lines: its steps build on one start. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sign } from 'aws4';
import type { BrowserContext } from 'playwright-core';
import { hasChromium, inChromium, launchChromium } from '../support/chromium';
import { executeInGraphiql } from '../support/graphiql';
import {
  type Answer,
  childrenOf,
  type DevProcess,
  endAll,
  eventually,
  isAlive,
  type ProcessInfo,
  startDev,
  startProcess,
  startWeir,
  weirMain,
} from '../support/process';
import { allBut } from '../support/reference-graph';

const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
const data = join(folder, 'dynamodb');
const json = { 'content-type': 'application/json' };
let weir: DevProcess;
let browser: BrowserContext | undefined;

beforeAll(async () => {
  weir = await startDev(['--data', data], {}, weirMain, folder);
});
afterAll(async () => {
  await browser?.close();
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

describe('weir dev', () => {
  it('lets commands in its folder find its subgraphs and sign what they ask', async () => {
    const failed = startWeir(['events', 'failed'], {}, folder);
    expect(await failed.exit).toBe(0);
    expect(failed.stdout).toMatch(/^No event has failed in the consumers of .*history/);
    const list = startWeir(['workflow', 'list', '--status', 'failed'], {}, folder);
    expect(await list.exit).toBe(0);
    expect(list.stdout).toMatch(/^No workflow of .*orders.* has failed\.\n$/);
  });

  it('prints a query that answers without an error', async () => {
    const [, body] = /-d '(.+)'/.exec(weir.stdout)!;
    const { query } = JSON.parse(body!) as { query: string };

    expect((await weir.query(query, { authorization: 'Bearer u1' })).errors).toBeUndefined();
  });

  it('prints credentials that make somebody of who sends them, in each mode', async () => {
    const printed = /To log in as user u1[^\n]*\n((?: {4}\S.*\n)+)/.exec(weir.stdout)![1]!;
    const lines = printed
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/) as [string, string]);
    expect(lines.map(([mode]) => mode).sort()).toEqual(
      ['AWS_LAMBDA', 'API_KEY', 'AWS_IAM', 'OPENID_CONNECT', 'AMAZON_COGNITO_USER_POOLS'].sort(),
    );
    for (const [mode, text] of lines) {
      const header = /^-H '([\w-]+): (.+)'$/.exec(text);
      if (header === null) continue;
      const { data, errors } = await weir.query('{ viewer { id email } }', { [header[1]!]: header[2]! });
      // An application alone is no user.
      const viewer = mode === 'API_KEY' ? null : { id: 'u1', email: expect.stringContaining('@') };
      expect({ mode, data, errors }).toEqual({ mode, data: { viewer }, errors: undefined });
    }
    const [, accessKeyId, secretAccessKey] = /--aws-sigv4 aws:amz:eu-west-1:appsync --user (\w+):(\S+)/.exec(
      printed,
    )!;
    const body = JSON.stringify({ query: '{ viewer { id } }' });
    const { host } = new URL(weir.url);
    const { headers } = sign(
      {
        method: 'POST',
        host,
        path: '/graphql',
        service: 'appsync',
        region: 'eu-west-1',
        body,
        headers: json,
      },
      { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! },
    );
    // `fetch` adds it: where the npm package `undici` is loaded first, one that is given, too, is refused.
    delete headers!['Content-Length'];
    const answer = await fetch(weir.url, {
      method: 'POST',
      headers: headers as Record<string, string>,
      body,
    });
    expect(await answer.json()).toMatchObject({ data: { viewer: { id: 'u1' } } });
    expect((await weir.query('{ viewer { id } }')).data).toEqual({ viewer: null });
  });

  it('prints what the port for operators takes, with which a cached answer can be dropped', async () => {
    const [, url, token] = /(http\S+)\/metrics {3}-H 'authorization: Bearer (\w+)'/.exec(weir.stdout)!;
    const headers = { ...json, authorization: `Bearer ${token!}` };
    expect(await (await fetch(`${url!}/metrics`, { headers })).text()).toContain('weir_');
    const body = JSON.stringify({ tags: ['reviews-of-product-p1'] });
    const invalidation = { method: 'POST', headers, body };
    expect((await fetch(`${url!}/cache/invalidate`, invalidation)).status).toBe(200);
    expect((await fetch(`${url!}/cache/invalidate`, { ...invalidation, headers: json })).status).toBe(401);
  });

  it('has subgraphs that answer its gateway only', async () => {
    const [url] = /http:\/\/127\.0\.0\.1:\d+\/graphql$/m.exec(
      weir.stdout.slice(weir.stdout.indexOf('accounts')),
    )!;
    const headers = { 'content-type': 'application/json', authorization: 'Bearer u1' };
    const body = JSON.stringify({ query: '{ viewer { email } }' });
    const answer = await fetch(url, { method: 'POST', headers, body });
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain('This subgraph answers its gateway only');
    expect((await weir.query('{ viewer { id } }', headers)).data.viewer).toEqual({ id: 'u1' });
  });

  it('goes on without a subgraph that was killed, and with it once it is back', async () => {
    const { pid } = processOf('inventory');
    process.kill(pid, 'SIGKILL');
    await eventually(() => !isAlive(pid));

    const { data, errors } = await weir.query('{ product(upc: "p1") { name inStock } }');
    expect(data.product).toEqual({ name: expect.any(String), inStock: null });
    expect(errors).toEqual([
      expect.objectContaining({
        message: expect.stringContaining('"inventory"'),
        extensions: expect.anything(),
      }),
    ]);
    expect(JSON.stringify(errors)).not.toMatch(/127\.0\.0\.1|localhost|http:|ECONN/);
    expect((await weir.query('{ user(id: "u1") { name } }')).errors).toBeUndefined();

    await weir.printed(/inventory was ended by SIGKILL; it is started again in 1 s\./);
    await weir.printed(/inventory is back\./);
    expect((await weir.query('{ product(upc: "p1") { name inStock } }')).errors).toBeUndefined();
  });

  (hasChromium ? it : it.skip)(
    `runs a query at /graphiql and shows its result ${inChromium}`,
    async () => {
      browser = await launchChromium(folder);
      const page = await browser.newPage();
      const strangers: string[] = [];
      page.on('request', (request) => {
        if (!request.url().startsWith(new URL(weir.url).origin)) strangers.push(request.url());
      });
      const query = '{ user(id: "u1") { name } product(upc: "p1") { name inStock } }';
      const { data } = await weir.query(query);

      // A first visit: a query of this graph runs at the first click, with the headers of the development user.
      const answer = page.waitForResponse(
        (response) =>
          response.url() === weir.url && !/Introspection/.test(response.request().postData() ?? ''),
      );
      await executeInGraphiql(page, weir.url);
      const sent = await answer;
      expect((await sent.request().allHeaders())['authorization']).toBe('Bearer u1');
      const { data: first, errors } = (await sent.json()) as { data: object; errors?: unknown };
      expect(errors).toBeUndefined();
      expect(Object.keys(first).length).toBeGreaterThan(0);

      await executeInGraphiql(page, weir.url, query);
      const result = page.locator('.result-window').first();
      await result.getByText(data.product.name).first().waitFor();
      const screenshot = join(process.env['WEIR_SCREENSHOTS'] ?? folder, 'graphiql.png');
      await page.screenshot({ path: screenshot });

      // The editor keeps lines together with no-break spaces.
      expect((await result.textContent())?.replaceAll('\u00a0', ' ')).toContain(
        `"name": "${data.user.name}"`,
      );

      const how = page.getByRole('complementary', { name: 'How the last answer was made' });
      await how.getByRole('button', { name: 'Plan, calls and cache' }).click();
      const told = await how.textContent();
      expect(told).toMatch(/Subgraph callsplanned: [1-9]/);
      expect(told).toMatch(/Cacheresult: [A-Z]+/);
      expect(told).toContain('Query planQueryPlan {');
      // They are not part of what was asked for.
      expect(await result.textContent()).not.toContain('__queryPlanExperimental');

      expect(strangers.filter((url) => /^(https?|wss?):/.test(url))).toEqual([]);
      expect(existsSync(screenshot)).toBe(true);
      await browser.close();
    },
    240_000,
  );

  it('shares its data with a second one, which may not reset it', async () => {
    const resetting = startWeir(['dev', '--port', '0', '--data', data, '--reset']);
    expect(await resetting.exit).toBe(2);
    expect(resetting.stderr).toContain(`The data folder ${data} is served by another process`);
    expect(resetting.stderr).toContain(`weir: ${data} was not reset.`);

    const second = await startDev(['--data', data, '--mock', ...allBut('accounts')]);
    const query = '{ user(id: "u3") { name } }';
    expect((await second.query(query)).data).toEqual((await weir.query(query)).data);
    expect(await second.stop()).toBe(0);
    expect((await weir.query(query)).errors).toBeUndefined();
  });

  it('says which port is in use and what to do', async () => {
    const { port } = new URL(weir.url);
    const config = join(folder, 'supergraph.yaml');
    writeFileSync(
      config,
      `subgraphs: { far: { routing_url: "http://far.test", schema: { sdl: "type Query { x: Int }" } } }`,
    );
    const second = startWeir([
      ...['dev', '--port', port, '--admin-port', '0', '--supergraph-config', config],
    ]);

    expect(await second.exit).toBe(2);
    // The subgraph is looked for while the gateway opens its port.
    const lines = second.stderr.trimEnd().split('\n').sort();
    expect(lines).toEqual([
      expect.stringMatching(/^weir +\| far does not answer at http:\/\/far.test yet; /),
      expect.stringContaining(
        `weir: --port ${port} on 127.0.0.1 is taken by another process: choose another one`,
      ),
    ]);
    expect(childrenOf(second.pid)).toEqual([]);
  });

  const body = 'Kept over a restart.';
  let id: string;

  it('keeps a written review over a restart', async () => {
    const written = await weir.query(
      `mutation { writeReview(input: { upc: "p7", rating: 4, body: "${body}" }, idempotencyKey: "e2e-1") { id } }`,
      { authorization: 'Bearer u9' },
    );
    expect(written.errors).toBeUndefined();
    ({ id } = written.data.writeReview);
    const children = childrenOf(weir.pid);
    expect(children).toHaveLength(11);

    expect(await weir.stop()).toBe(0);
    for (const { pid } of children) expect(isAlive(pid)).toBe(false);

    // One of each kind.
    const kinds = ['reviews', 'shipping', 'suppliers', 'wishlists'];
    weir = await startDev(['--data', data, '--mock', ...allBut(...kinds)]);
    expect((await weir.query(`{ review(id: "${id}") { body } }`)).data.review).toEqual({ body });
  });

  it('leaves no process behind when it is killed', async () => {
    const children = childrenOf(weir.pid);
    expect(children).toHaveLength(5);
    weir.signal('SIGKILL');
    await weir.exit;

    await eventually(() => children.every(({ pid }) => !isAlive(pid)));
  });

  it('forgets a review on a reset, and ends with the shell in which npm runs it', async () => {
    // What follows keeps the shell from becoming what it runs.
    const shell = `spawn('sh', ['-c', '"$@"; exit', 'sh', process.execPath, ...process.argv.slice(1)], { stdio: 'inherit' })`;
    const npm = startProcess(
      [
        ...['-e', `require('node:child_process').${shell}`, '--'],
        ...[weirMain, 'dev', '--port', '0', '--data', data, '--reset', '--mock', ...allBut('reviews')],
      ],
      { npm_lifecycle_script: 'node cli/weir.mjs dev' },
    );
    const [, url] = await npm.printed(/Endpoint +(http:\S+)/);
    await npm.printed(/curl/);
    const answer = await fetch(url!, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ query: `{ review(id: "${id}") { body } }` }),
    });
    expect(((await answer.json()) as Answer).data.review).toBeNull();

    const [sh] = childrenOf(npm.pid);
    const [dev] = childrenOf(sh!.pid);
    const all = [dev!, ...childrenOf(dev!.pid)];
    expect(all).toHaveLength(3);
    process.kill(sh!.pid, 'SIGTERM');
    await eventually(() => all.every(({ pid }) => !isAlive(pid)));
  });
});

function processOf(name: string): ProcessInfo {
  return childrenOf(weir.pid).find(({ command }) => command.includes(name))!;
}
