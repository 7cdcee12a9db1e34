import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { RequestHead } from '../../request/incoming-request';
import { explorerTab, inScript, lastTab } from './explorer-tab';
import { PackedPage, type Page } from '../../console/packed-page';
import { packageRoot } from '../../telemetry/package-root';

/** Returns the page for a request. */
export type ShowPage = (request: RequestHead) => Page | Promise<Page>;

/** @returns undefined for a request that is not for a page. @param path undefined if the URL is not well formed */
export type FindPage = (request: RequestHead, path: string | undefined) => ShowPage | undefined;

export interface PagesOptions {
  /** The path of the endpoint. */
  readonly endpoint: string;
  /** The query with which GraphiQL opens. */
  readonly query: () => string;
  /** The headers with which it opens. */
  readonly headers: Readonly<Record<string, string>>;
  /** Who may frame GraphiQL, and is told of each answer in it. */
  readonly consoleOrigins: () => readonly string[];
}

/**
 * Pages for exploring the graph. The endpoint, opened in a browser, shows Apollo Sandbox, whose script comes from
 * Apollo's servers; `/graphiql` is GraphiQL, which loads nothing from other servers.
 */
export function createPages({ endpoint, query, headers, consoleOrigins }: PagesOptions): FindPage {
  let graphiql: PackedPage | undefined;
  const showGraphiql: ShowPage = async (request) => {
    graphiql ??= new PackedPage(['content-type', html], readGraphiql(endpoint));
    const { headers: others, ...page } = await graphiql.answer(request);
    const policy = `${graphiqlPolicy}; frame-ancestors ${consoleOrigins().join(' ') || "'none'"}`;
    return { ...page, headers: [...others, 'content-security-policy', policy] };
  };
  /** The parts that depend on the graph, so that the page itself is constant. */
  const showStart: ShowPage = () => {
    const start = { defaultQuery: query(), headers: JSON.stringify(headers, undefined, 2) };
    return {
      status: 200,
      headers: ['content-type', 'text/javascript; charset=utf-8', 'cache-control', 'no-store'],
      body: Buffer.from(
        `globalThis.weirStart = ${inScript(start)};\nglobalThis.weirConsoles = ${inScript(consoleOrigins())};\n`,
      ),
    };
  };
  return (request, path) => {
    if (path === endpoint) return isPageView(request) ? () => sandbox : undefined;
    if (path === '/graphiql') return showGraphiql;
    return path === startPath ? showStart : undefined;
  };
}

/** In production: the page for a browser that opens the endpoint. */
export const explainEndpoint =
  (endpoint: string): FindPage =>
  (request, path) =>
    path === endpoint && isPageView(request) ? () => explanation : undefined;

const html = 'text/html; charset=utf-8';
const startPath = '/graphiql/start.js';

/** Whether a browser opens the endpoint, in contrast to a client that sends a query. */
const isPageView = ({ method, url, headers }: RequestHead): boolean =>
  method === 'GET' && (headers.accept ?? '').includes('text/html') && !/[?&](query|extensions)=/.test(url);

/** Read on first use, as it has 9 MB. `console/build.mjs` has written it. */
function readGraphiql(endpoint: string): Buffer {
  const page = brotliDecompressSync(readFileSync(join(packageRoot(), 'dist', 'console', 'graphiql.html.br')));
  const scripts = page.indexOf(scriptsHere);
  const options = `Object.assign(${inScript({ endpoint })}, globalThis.weirStart)`;
  return Buffer.concat([
    page.subarray(0, scripts),
    Buffer.from(
      `<script src="${startPath}"></script>${lastTab}<script>globalThis.weirGraphiql = ${options}</script>${explorerTab(endpoint)}`,
    ),
    page.subarray(scripts + scriptsHere.length),
  ]);
}

const scriptsHere = '<!--weir-->';

/**
 * The content security policy of GraphiQL. Its editor creates code and styles at run time. Other servers are not
 * allowed.
 */
const graphiqlPolicy =
  "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; style-src 'unsafe-inline'; " +
  "img-src data: blob:; font-src data:; connect-src 'self' data:";

const sandboxPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Apollo Sandbox · Weir</title>
<style>
  body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
  #sandbox, #sandbox iframe { position: absolute; inset: 0; width: 100%; height: 100%; border: 0; }
  #offline { padding: 2rem; }
</style>
<div id="offline" hidden>
  <p>Apollo Sandbox could not be loaded from Apollo's servers.
  <a href="/graphiql">GraphiQL</a> needs no internet.</p>
</div>
<div id="sandbox"></div>
<script src="https://embeddable-sandbox.cdn.apollographql.com/_latest/embeddable-sandbox.umd.production.min.js"></script>
<script>
  if (window.EmbeddedSandbox) {
    new EmbeddedSandbox({
      target: '#sandbox',
      initialEndpoint: location.origin + location.pathname,
      endpointIsEditable: false,
      hideCookieToggle: false,
      initialState: { includeCookies: false, pollForSchemaUpdates: true },
    });
  } else {
    document.getElementById('sandbox').remove();
    document.getElementById('offline').hidden = false;
  }
</script>
</html>
`;

const sandbox: Page = {
  status: 200,
  headers: ['content-type', html, 'cache-control', 'no-store'],
  body: Buffer.from(sandboxPage),
};

const explanation: Page = {
  status: 400,
  headers: [
    ...['content-type', html, 'cache-control', 'no-store'],
    ...['content-security-policy', "default-src 'none'"],
  ],
  body: Buffer.from(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>GraphQL endpoint</title>
<p>This is a GraphQL endpoint, which takes operations by POST; with the option <code>mode: development</code> it shows
an explorer here.</p>
</html>
`),
};
