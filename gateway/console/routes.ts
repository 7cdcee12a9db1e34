import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { GraphQLError } from 'graphql';
import { z } from 'zod';
import { requestError } from '../errors';
import { PackedPage } from './packed-page';
import { sendError } from '../http/send-error';
import { describeIssue } from '../options/problem';
import { consoleHeaders, requireAccess } from './access';
import type { About } from './api';
import type { ConsoleSource, GatewayFilter, OperationsFilter, ReportFilter, RequestFilter } from './source';

export interface ConsoleOptions {
  /** Another one where the options were replaced. */
  readonly source: () => ConsoleSource;
  readonly about: () => About;
  /** The bearer token for the data. Without it they are for this machine alone. */
  readonly token: string | undefined;
  /** The folder of the page. */
  readonly folder: string;
  readonly logger: { error(facts: { readonly err: unknown }, message: string): void };
}

export const consolePath = '/console';

/** `/console`: a page without data, and `/console/api/*`, the data that it shows. */
export function consoleRoutes(app: FastifyInstance, options: ConsoleOptions): void {
  const { source, about, token, folder, logger } = options;
  app.addHook('onRequest', (_request, reply, done) => {
    const { graphiql } = about();
    void reply.headers(consoleHeaders(graphiql && new URL(graphiql).origin));
    done();
  });
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof GraphQLError) return sendError(reply, error);
    logger.error({ err: error }, 'the console could not answer');
    return sendError(reply, requestError('INTERNAL_SERVER_ERROR', {}));
  });

  for (const [path, file, type] of files) {
    let page: PackedPage | undefined;
    app.get(`${consolePath}${path}`, async (request, reply) => {
      page ??= await readPage(join(folder, file), type);
      const { status, headers, body } = await page.answer(request.raw as Parameters<PackedPage['answer']>[0]);
      for (let i = 0; i < headers.length; i += 2) void reply.header(headers[i]!, headers[i + 1]);
      return reply.code(status).send(body);
    });
  }

  const onRequest = requireAccess(token);
  const get = (path: string, answer: RouteHandler): void => {
    app.get<{ Params: { id: string } }>(
      `${consolePath}/api/${path}`,
      { onRequest },
      async ({ query, params }, reply) => sendJson(reply, await answer(query, params.id)),
    );
  };
  get('about', () => Promise.resolve(about()));
  get('gateways', async () => (await source().gateways()) ?? null);
  get('requests', (query) => source().requests(readQuery(query, requestsSchema)));
  get('requests/:id', async (_query, id) => {
    const found = await source().request(id);
    if (found !== undefined) return found;
    const reason = 'No request with this id is kept: it was not recorded, or newer ones have replaced it.';
    throw requestError('NOT_FOUND', { reason });
  });
  get('refusals', () => source().refusals());
  get('shadow', async () => (await source().shadow()) ?? null);
  get('report', (query) => source().report(readQuery(query, reportSchema)));
  for (const what of ['live', 'graph', 'caches', 'streams', 'versions'] as const)
    get(what, (query) => source()[what](readQuery(query, gatewaySchema)));
  get('operations', (query) => source().operations(readQuery(query, operationsSchema)));
  get('errors', (query) => source().errors(readQuery(query, gatewaySchema)));
  get('schema', () => source().schema());
  get('versions/:id', async (_query, id) => {
    const found = /^[1-9]\d{0,8}$/.test(id) ? await source().difference(Number(id)) : undefined;
    if (found === undefined)
      throw requestError('NOT_FOUND', {
        reason: 'The registry of the gateway has no version of this number.',
      });
    if ('trouble' in found) throw requestError('DOWNSTREAM_SERVICE_ERROR', { reason: found.trouble });
    return found;
  });
  get('options', () => source().options());

  app.all(`${consolePath}/*`, ({ method }, reply) => {
    if (method === 'GET' || method === 'HEAD')
      return sendError(reply, requestError('NOT_FOUND', { reason: 'The console has nothing here.' }));
    const locked = token === undefined ? ', and nothing can be written while `admin.token` is not set' : '';
    const reason = `The console is read by GET, not by ${method}${locked}.`;
    const headers = { allow: 'GET, HEAD' };
    return sendError(reply, requestError('METHOD_NOT_ALLOWED', { reason }, { headers }));
  });
}

type RouteHandler = (query: unknown, id: string) => Promise<unknown>;

const files = [
  ['', 'index.html', 'text/html; charset=utf-8'],
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/help', 'help.html', 'text/html; charset=utf-8'],
  ['/console.js', 'console.js', 'text/javascript; charset=utf-8'],
  ['/console.css', 'console.css', 'text/css; charset=utf-8'],
] as const;

async function readPage(file: string, type: string): Promise<PackedPage> {
  const body = await readFile(file).catch(() => {
    const reason =
      'The page of the console was not built: `npm run build` does so. Its data are at /console/api.';
    throw requestError('NOT_FOUND', { reason });
  });
  return new PackedPage(['content-type', type], body);
}

const sendJson = (reply: FastifyReply, value: unknown): FastifyReply =>
  reply
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(value));

const name = z.string({ error: 'must be given once' }).max(200, { error: 'must not be longer than 200' });
const numberRule = 'must be a number of milliseconds';
const milliseconds = z
  .string({ error: numberRule })
  .regex(/^\d{1,15}(?:\.\d{1,9})?$/, { error: numberRule })
  .transform(Number);

const ofGateway = { gateway: name.optional() };
const gatewaySchema: z.ZodType<GatewayFilter> = z.strictObject(ofGateway);

const operationsSchema: z.ZodType<OperationsFilter> = z.strictObject({
  ...ofGateway,
  range: z.enum(['quarter', 'hour', 'day'], { error: 'must be quarter, hour or day' }).optional(),
});

const requestsSchema: z.ZodType<RequestFilter & GatewayFilter> = z.strictObject({
  ...ofGateway,
  search: name.optional(),
  operation: name.optional(),
  client: name.optional(),
  graph: name.optional(),
  failed: z
    .enum(['0', '1'], { error: 'must be 0 or 1' })
    .transform((text) => text === '1')
    .optional(),
  slowerThan: milliseconds.optional(),
  before: milliseconds.optional(),
});

const reportSchema: z.ZodType<ReportFilter> = z.strictObject({ last: milliseconds.optional() });

/** @throws a `GraphQLError` if a parameter is unknown or wrong */
function readQuery<Filter>(query: unknown, schema: z.ZodType<Filter>): Filter {
  const { data, error } = schema.safeParse(query);
  if (data !== undefined) return data;
  const problems = error!.issues.flatMap((issue) => describeIssue(issue, query, schema, 'The query'));
  throw requestError('BAD_REQUEST', { reason: problems.map(({ sentence }) => sentence).join(' ') });
}
