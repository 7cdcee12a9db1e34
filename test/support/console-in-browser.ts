import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { launchChromium } from './chromium';

/** The console of a gateway, in a page of a browser. */
export interface ConsoleInBrowser {
  readonly browser: BrowserContext;
  readonly page: Page;
  /** Opens the console anew, at its first page. */
  start(): Promise<void>;
  /** Opens the console anew, then a page by its link in the navigation: the first click. */
  goTo(name: string): Promise<void>;
  /** The texts of the rows of a table, that of its head first. */
  rowsOf(table: string): Promise<string[]>;
  close(): Promise<void>;
}

/** @param adminUrl of the gateway */
export async function openInBrowser(
  adminUrl: string,
  where: Parameters<typeof launchChromium>[2] = {},
): Promise<ConsoleInBrowser> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
  const browser = await launchChromium(folder, undefined, where);
  const page = await browser.newPage();
  const start: ConsoleInBrowser['start'] = async () => {
    await page.goto('about:blank');
    await page.goto(`${adminUrl}/console`);
    await page.getByRole('heading', { name: 'Live' }).waitFor();
  };
  return {
    ...{ browser, page, start },
    async goTo(name) {
      await start();
      await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
    },
    async rowsOf(name) {
      const table = page.getByRole('region', { name });
      await table.waitFor();
      return table.getByRole('row').allTextContents();
    },
    async close() {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
