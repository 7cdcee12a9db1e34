/**
 * Takes the screenshots of README.md: one request explained, and the operations, of the shop that `weir dev` runs. To be run
 * by `node test/support/take-screenshots.mjs` after `node setup.mjs`, and by hand, as pictures differ each time.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const folder = mkdtempSync(join(tmpdir(), 'weir-screenshots-'));
const mostBytes = 200_000;

/** What clients of a shop send: name, version, how often, and the operation. */
const traffic = [
  ['web', '1.4.0', 30, 'query ProductList { products(first: 5) { edges { node { name price inStock } } } }'],
  [
    'ios',
    '3.2.1',
    20,
    'query ProductPage($upc: ID!) { product(upc: $upc) { name price reviews(first: 3) { edges { node { rating body } } } } }',
    { upc: 'p1' },
  ],
  ['web', '1.4.0', 12, 'query Departments { categories { id name } }'],
  ['ios', '3.1.0', 7, 'query Old { products(first: 5) { edges { node { name averageRating } } } }'],
  ['backoffice', '0.9', 9, 'query SupportOrder { customerOrder(id: "o1") { id } }'],
  ['web', '1.4.0', 6, 'query Viewer { viewer { name } }'],
  [
    ...['web', '1.4.0', 5],
    'query UserPage { user(id: "u1") { name reviews(first: 3) { edges { node { rating body product { name price inStock shippingEstimate } } } } } }',
  ],
];

const weir = spawn(
  process.execPath,
  [join(root, 'cli/weir.mjs'), 'dev', '--port', '0', '--admin-port', '0', '--data', join(folder, 'data')],
  { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
);
try {
  const { endpoint, page: address } = await addressesOf(weir);
  for (const [name, version, times, query, variables] of traffic)
    for (let i = 0; i < times; i++) await send(endpoint, { name, version }, { query, variables });
  const browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    ...{ viewport: { width: 1180, height: 760 }, colorScheme: 'light', reducedMotion: 'reduce' },
  });
  const page = await browser.newPage();
  await page.goto(address);
  await open(page, 'Requests');
  await page.getByRole('link', { name: 'UserPage' }).last().click();
  await page.getByRole('region', { name: 'Timeline' }).waitFor();
  await take(page, 'docs/console.png');
  await open(page, 'Operations');
  await page.getByRole('link', { name: 'ProductList' }).waitFor();
  await take(page, 'docs/console-operations.png');
  await browser.close();
} finally {
  if (weir.exitCode === null) {
    weir.kill('SIGTERM');
    await new Promise((ended) => weir.once('exit', ended));
  }
  rmSync(folder, { recursive: true, force: true });
}

function open(page, name) {
  return page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
}

async function take(page, file) {
  const path = join(root, file);
  await page.mouse.move(0, 0);
  await page.screenshot({ path });
  const { size } = statSync(path);
  console.log(`${file}: ${size} bytes`);
  if (size > mostBytes)
    throw new Error(`${file} must not be larger than ${mostBytes} bytes, but has ${size}.`);
}

async function send(endpoint, { name, version }, body) {
  const headers = {
    'content-type': 'application/json',
    'apollographql-client-name': name,
    'apollographql-client-version': version,
  };
  const answer = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(body) });
  await answer.text();
}

/** Where the gateway listens, and the console with its token, as `weir dev` prints them. */
function addressesOf({ stdout }) {
  return new Promise((found, failed) => {
    let text = '';
    stdout.setEncoding('utf8');
    stdout.on('data', (more) => {
      text += more;
      const [, endpoint] = /Endpoint +(http\S+)/.exec(text) ?? [];
      const [, page] = /Console +(http\S+)/.exec(text) ?? [];
      if (endpoint !== undefined && page !== undefined) found({ endpoint, page });
    });
    stdout.on('end', () => failed(new Error(`weir dev has ended:\n${text}`)));
  });
}
