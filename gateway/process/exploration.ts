import { createRequire } from 'node:module';
import type { RequestHead } from '../request/incoming-request';

/** A page for a browser, with its headers: names and values in turn. */
export interface Page {
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/**
 * Pages for exploring the graph. The endpoint, opened in a browser, shows Apollo Sandbox, whose script comes from Apollo's
 * servers; `/graphiql` is GraphiQL in one page that loads nothing from elsewhere.
 *
 * @param endpoint the path of the endpoint
 * @returns undefined for a request that asks for neither
 */
export function createPages(
  endpoint: string,
): (request: RequestHead, path: string | undefined) => Page | undefined {
  let graphiql: Page | undefined;
  return (request, path) => {
    if (path === endpoint) return isPageView(request) ? sandbox : undefined;
    if (path !== '/graphiql') return undefined;
    return (graphiql ??= {
      headers: ['content-type', html, 'content-security-policy', graphiqlPolicy],
      body: renderGraphiql(endpoint),
    });
  };
}

const html = 'text/html; charset=utf-8';

/** A browser that opens the endpoint, rather than a client that sends a query to it. */
const isPageView = ({ method, url, headers }: RequestHead): boolean =>
  method === 'GET' && (headers.accept ?? '').includes('text/html') && !/[?&](query|extensions)=/.test(url);

/** It is 9 MB and takes a while to load: only where somebody looks at it. */
function renderGraphiql(endpoint: string): Buffer {
  // Its types would bring those of a whole server along, which change GraphQL's own.
  const require = createRequire(__filename);
  const { renderGraphiQL } = require('@graphql-yoga/render-graphiql') as {
    readonly renderGraphiQL: (options: { readonly endpoint: string; readonly title: string }) => string;
  };
  return Buffer.from(renderGraphiQL({ endpoint, title: 'GraphiQL · Weir' }).trim());
}

/** Its editor makes code and styles while it runs; nothing comes from, or goes to, another server. */
const graphiqlPolicy =
  "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; style-src 'unsafe-inline'; " +
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
  headers: ['content-type', html, 'cache-control', 'no-store'],
  body: Buffer.from(sandboxPage),
};
