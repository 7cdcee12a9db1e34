import { type Cause } from '../events/event';
import { propagationOf } from './trace';
import { during, type Span, type Tracer } from './tracer';

/** The global `fetch`, for what a request, an event or an execution leads to. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** Adds the request id and trace context of the cause, and records the call as a span where there is a tracer. */
export function causedFetch(cause: Cause, tracer: Tracer | undefined): Fetch {
  return async (url, init = {}) => {
    const span = tracer && beginCall(tracer, cause, { url, method: init.method ?? 'GET' });
    const headers = new Headers(init.headers);
    const propagation = propagationOf(span?.causing(cause.correlationid) ?? cause);
    for (const [name, value] of Object.entries(propagation)) headers.set(name, value);
    return during(span, async () => {
      const response = await fetch(url, { ...init, headers });
      const { status } = response;
      span?.set({ 'http.response.status_code': status });
      if (status >= 400) span?.fail(String(status));
      return response;
    });
  };
}

function beginCall(
  tracer: Tracer,
  cause: Cause,
  call: { readonly url: string | URL; readonly method: string },
): Span {
  const { method } = call;
  const { hostname, port, protocol, origin, pathname } = new URL(call.url);
  return tracer.begin(`${method} ${pathname}`, {
    ...{ kind: 'client', cause },
    attributes: {
      'http.request.method': method,
      'server.address': hostname,
      'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
      // Without credentials and query, which may hold keys.
      'url.full': `${origin}${pathname}`,
    },
  });
}
