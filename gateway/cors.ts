import type { FastifyCorsOptions } from '@fastify/cors';
import type { Options } from './options';
import { securityHeaders } from './security-headers';

/** What a page of another origin may read beside the body. */
const exposedHeaders = ['x-request-id', 'traceresponse', 'ratelimit', 'ratelimit-policy', 'retry-after'];

/** The rules for pages of other origins, for all that Fastify answers. */
export function corsOptions({ mode, cors: { origins, credentials } }: Options): FastifyCorsOptions {
  const development = mode === 'development';
  return {
    origin: origins ?? (development ? [...apolloSandbox, ownMachine] : false),
    credentials,
    methods: ['GET', 'POST'],
    exposedHeaders,
    maxAge: 3600,
    // The headers that may be sent are left to be those that the page asks for: what a header may do is decided
    // where it is read.
    strictPreflight: false,
  };
}

const apolloSandbox = ['https://studio.apollographql.com', 'https://sandbox.embed.apollographql.com'];
const ownMachine = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * What browsers look at, for answers that are given before Fastify: the same rules, and the security headers. Names and
 * values in turn. For an origin that the options list it is the same array each time: prepared answers are found by it.
 */
export function compileCorsHeaders(options: Options): (origin: string | undefined) => readonly string[] {
  const { origin: rule, credentials } = corsOptions(options);
  const security = securityHeaders(options).flat();
  if (rule === false) return () => security;
  const always = [
    ...security,
    ...(credentials === true ? ['access-control-allow-credentials', 'true'] : []),
    ...['access-control-expose-headers', exposedHeaders.join(', ')],
  ];
  const everybody = ['access-control-allow-origin', '*', ...always];
  if (rule === '*') return () => everybody;
  const varying = ['vary', 'Origin', ...always];
  const allowing = (origin: string): readonly string[] => ['access-control-allow-origin', origin, ...varying];
  const allowed = rule as readonly (string | RegExp)[];
  const listed = new Map(
    allowed.filter((each) => typeof each === 'string').map((each) => [each, allowing(each)]),
  );
  const patterns = allowed.filter((each) => typeof each !== 'string');
  return (origin) => {
    if (origin === undefined) return varying;
    return listed.get(origin) ?? (patterns.some((each) => each.test(origin)) ? allowing(origin) : varying);
  };
}
