/** A real browser, and pages of an application in it. */
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type BrowserContext, chromium } from 'playwright-core';

const executablePath = '/usr/bin/chromium';
export const hasChromium = existsSync(executablePath);
export const inChromium = `in Chromium (skipped where there is no ${executablePath})`;

/**
 * @param folder for its profile
 * @param certificate in PEM; a server that has it is trusted
 * @param where it is used: its language, and the zone of its times
 */
export async function launchChromium(
  folder: string,
  certificate?: string,
  where: { readonly locale?: string; readonly timezoneId?: string } = {},
): Promise<BrowserContext> {
  const browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
    ...where,
    executablePath,
    headless: true,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ...(certificate ? [`--ignore-certificate-errors-spki-list=${keyHash(certificate)}`] : []),
    ],
  });
  // On a busy machine the editors of GraphiQL alone take longer than Playwright's own 30 s. Less than a test has: the error
  // then names what was awaited.
  browser.setDefaultTimeout(90_000);
  return browser;
}

const keyHash = (certificate: string): string =>
  createHash('sha256')
    .update(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');

/** A site whose pages run an application. */
export interface Site {
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * Serves an application as it is shipped: in one bundle with its libraries.
 *
 * @param contents of a module in `test/support`
 */
export async function serveApplication(contents: string): Promise<Site> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: __dirname },
    bundle: true,
    write: false,
    platform: 'browser',
    define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
    alias: { url: join(__dirname, 'url-in-browsers.cjs') },
  });
  const bundle = outputFiles[0]!.contents;
  const server = createServer(({ url }, response) => {
    if (url === '/bundle.js') response.setHeader('content-type', 'text/javascript').end(bundle);
    else
      response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><title>Shop</title><script src="/bundle.js"></script>');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
