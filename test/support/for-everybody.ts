import axe from 'axe-core';
import type { Page } from 'playwright-core';

/**
 * Checks the open page by axe's rules, and that it does not scroll sideways: wide and narrow, light and, by the rules of
 * colors, dark.
 *
 * @param name of the screenshots, where `WEIR_SCREENSHOTS` names a folder for them
 */
export async function expectForEverybody(page: Page, name: string): Promise<void> {
  await page.evaluate(axe.source);
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const rules = colorScheme === 'light' ? {} : { runOnly: ['cat.color'] };
      const options = { iframes: false, resultTypes: ['violations'], ...rules };
      const { violations } = await page.evaluate<axe.AxeResults>(
        `axe.run(document, ${JSON.stringify(options)})`,
      );
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`)).toEqual([]);
      const shots = process.env['WEIR_SCREENSHOTS'];
      const path = `${shots}/console-${name}-${width}-${colorScheme}.png`;
      if (shots !== undefined) await page.screenshot({ path, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
}
