import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext } from 'playwright-core';
import { hasChromium, inChromium, launchChromium } from '../support/chromium';
import { executeInGraphiql } from '../support/graphiql';
import { endAll, startDev } from '../support/process';

const browserTest = hasChromium ? it : it.skip;
const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
let browser: BrowserContext | undefined;

afterAll(async () => {
  await browser?.close();
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

describe(`/graphiql ${inChromium}`, () => {
  browserTest(
    'runs a query and shows its result',
    async () => {
      const weir = await startDev(['--data', join(folder, 'dynamodb')]);
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
    },
    240_000,
  );
});
