import type { Page } from 'playwright-core';

/**
 * Opens GraphiQL and presses its button. A click before both of its editors are there does nothing, or shows nothing.
 *
 * @param query the page's own if missing
 */
export async function executeInGraphiql(page: Page, gateway: string, query?: string): Promise<void> {
  const url = new URL('/graphiql', gateway);
  if (query) url.searchParams.set('query', query);
  await page.goto(url.href);
  await page.locator('.graphiql-editor .view-line').first().waitFor();
  await page.locator('.result-window .monaco-editor').first().waitFor();
  await page.getByRole('button', { name: /execute query/i }).click();
}
