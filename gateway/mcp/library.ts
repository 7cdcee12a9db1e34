import type * as Library from '@modelcontextprotocol/server';
import { loadPackages } from '../../optional-packages';
import type { IncomingRequest } from '../request/incoming-request';
import { packageVersion } from '../telemetry/package-root';
import type { CallResult } from './call-result';
import type { ToolDefinition } from './tools/tools';

/** What messages that are read by the library come to. */
export interface ToolServer {
  /** The tools that the caller of a request may see. */
  list(request: IncomingRequest): Promise<readonly ToolDefinition[]>;
  /** Whether all callers may see all of them. */
  isPublic(): boolean;
  /** Calls a tool that exists and that the caller may call. */
  call(request: IncomingRequest, name: string, given: Readonly<Record<string, unknown>>): Promise<CallResult>;
}

export const serverInfo = () => ({ name: 'weir', version: packageVersion() });

/** Milliseconds for which clients may keep a list of tools: a new supergraph may have others. */
const listLifetime = 60_000;

/** Answers messages as the library of the protocol does, in the protocol of 2026 and in those before. */
export function openLibrary(
  tools: ToolServer,
): (request: IncomingRequest, message: unknown) => Promise<Response> {
  const { createMcpHandler, Server } = loadPackages(
    '`mcp`',
    ['@modelcontextprotocol/server'],
    () => require('@modelcontextprotocol/server') as typeof Library,
  );
  const info = serverInfo();
  const { fetch } = createMcpHandler(({ authInfo }) => {
    const request = authInfo!.extra!['request'] as IncomingRequest;
    const cacheScope = tools.isPublic() ? 'public' : 'private';
    const server = new Server(info, {
      capabilities: { tools: {} },
      cacheHints: { 'tools/list': { ttlMs: listLifetime, cacheScope } },
    });
    server.setRequestHandler('tools/list', async () => ({
      tools: [...(await tools.list(request))] as unknown as Library.Tool[],
    }));
    server.setRequestHandler('tools/call', async ({ params }) => {
      const { isError, text } = await tools.call(request, params.name, params.arguments ?? {});
      const content = [{ type: 'text' as const, text }];
      return isError
        ? { content, isError }
        : { content, structuredContent: JSON.parse(text) as Record<string, unknown> };
    });
    return server;
  });
  return (request, message) =>
    fetch(
      // Only headers of the protocol: the library needs no credentials.
      new Request('http://weir.invalid/', { method: 'POST', headers: headersOf(request) }),
      { parsedBody: message, authInfo: { token: '', clientId: '', scopes: [], extra: { request } } },
    );
}

function headersOf({ head: { headers } }: IncomingRequest): Headers {
  const own = new Headers();
  for (const name of ['accept', 'content-type', 'mcp-protocol-version', 'mcp-method', 'mcp-name']) {
    const value = headers[name];
    if (typeof value === 'string') own.set(name, value);
  }
  return own;
}
