import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { requestError } from '../../errors';
import type { Options } from '../../options';
import type { ClientProtocol } from '../../options/values';
import type { Logger } from '../../telemetry/logger';
import { type Authenticator, type Proof, type AuthRequest, unauthenticated } from '../authenticator';
import { askAuthoriser, type AuthoriserEvent } from './authoriser';
import { coordinateOf } from '../coordinate';
import { createIdentity } from '../identity';
import { sha256 } from './sigv4';
import { listOf, textOf } from './tokens';

type LambdaAuthOptions = NonNullable<Options['auth']['lambda']>;

/**
 * Any `authorization`, verified by the user's function with the contract of AppSync's Lambda authorisers. It fails
 * closed: without an answer, or with an answer of another form, the request is refused.
 */
export function lambda(options: LambdaAuthOptions, logger: Pick<Logger, 'error' | 'warn'>): Authenticator {
  const { ttl, apiId, accountId } = options;
  const ask = askAuthoriser(options);
  const answers = {
    graphql: new LRUCache<string, Proof | typeof denied>({ max: mostRemembered }),
    mcp: new LRUCache<string, Proof | typeof denied>({ max: mostRemembered }),
  } satisfies Record<ClientProtocol, unknown>;
  const read = answerReader(logger);
  const reportCopy = warnOnce(
    logger,
    'claim',
    'tools do not get a claim to which the authoriser copies tokens',
  );

  async function decide(received: AuthRequest): Promise<Proof> {
    const { protocol = 'graphql' } = received;
    const token = received.headers.authorization!;
    const answer = await ask(eventOf(received, { apiId, accountId }))
      .then(read)
      .catch((error: unknown) => {
        logger.error({ err: error, requestId: received.requestId }, 'the authoriser gave no valid answer');
        throw requestError('AUTHENTICATION_UNAVAILABLE', {}, { headers: { 'retry-after': '1' } });
      });
    const lifetime = answer.ttlOverride === undefined ? ttl : answer.ttlOverride * 1000;
    // When the token expires is not reported: the lifetime is that of the answer.
    const decision = answer.isAuthorized
      ? {
          identity: identityOf(token, answer, protocol === 'mcp' ? reportCopy : undefined),
          token: bareToken(token),
        }
      : denied;
    if (lifetime > 0) answers[protocol].set(token, decision, { ttl: lifetime });
    return admitted(decision);
  }

  return {
    challenge: 'Bearer',
    modeOf: () => 'lambda',
    needsBody: true,
    recognises: ({ headers }) => headers.authorization !== undefined,
    authenticate(received) {
      const { protocol = 'graphql' } = received;
      const known = answers[protocol].get(received.headers.authorization!);
      return known === undefined ? decide(received) : admitted(known);
    },
  };
}

const denied = Symbol('denied');
const mostRemembered = 10_000;

function admitted(decision: Proof | typeof denied): Proof {
  if (decision === denied) throw unauthenticated('The authoriser does not let this token in.', 'Bearer');
  return decision;
}

const authoriserAnswer = z.object({
  isAuthorized: z.boolean(),
  resolverContext: z.record(z.string(), z.unknown()).nullish(),
  deniedFields: z.array(z.string()).nullish(),
  ttlOverride: z
    .number()
    .nonnegative()
    .nullish()
    .transform((ttl) => ttl ?? undefined),
});

type AuthoriserAnswer = z.output<typeof authoriserAnswer>;

/**
 * Reads an answer. A misspelled member or field name was probably meant to deny something, and so was an unknown member
 * whose name means denying. Both throw.
 */
function answerReader(logger: Pick<Logger, 'warn'>): (found: unknown) => AuthoriserAnswer {
  const reportUnknown = warnOnce(logger, 'member', 'the answer of the authoriser has an unknown member');
  return (found) => {
    const answer = authoriserAnswer.parse(found);
    for (const member of Object.keys(found as object)) {
      if (Object.hasOwn(authoriserAnswer.shape, member)) continue;
      const letters = lettersOf(member);
      const isDenial = answer.isAuthorized && denial.test(letters);
      const meant = members.get(letters) ?? (isDenial ? 'deniedFields' : undefined);
      if (meant !== undefined)
        throw new Error(`The answer has ${JSON.stringify(member)}, but what is read is \`${meant}\`.`);
      reportUnknown(member);
    }
    const malformed = answer.deniedFields?.find((field) => coordinateOf(field) === undefined);
    if (malformed !== undefined)
      throw new Error(`\`deniedFields\` names no field: ${JSON.stringify(malformed)}. Write \`Type.field\`.`);
    return answer;
  };
}

/** Logs each name once, up to a number of them. */
function warnOnce(
  logger: Pick<Logger, 'warn'>,
  kind: 'member' | 'claim',
  message: string,
): (name: string) => void {
  const reported = new Set<string>();
  return (name) => {
    if (reported.has(name) || reported.size >= mostReported) return;
    reported.add(name);
    logger.warn({ [kind]: name }, message);
  };
}

/** The letters of a name in lower case. */
const lettersOf = (member: string): string => member.replace(/\P{L}/gu, '').toLowerCase();
const members = new Map(Object.keys(authoriserAnswer.shape).map((member) => [lettersOf(member), member]));
/** Names of other authorisers for denied fields: `denyFields`, `fieldDenylist`, `forbidden`. docs/identity.md has them all. */
const denial = /deny|denie|denial|forbid|prohibit|disallow|blocked|blocklist|blacklist/;
const mostReported = 100;

const bareToken = (token: string): string => token.replace(/^bearer /i, '');

/** Characters of a token. A shorter one, such as the user `u1` in development, is also part of claims that are no copy. */
const shortestSecret = 16;

/** Tools hand no token on: what the authoriser has copied it to is left out, and reported. */
function withoutToken(
  claims: Record<string, unknown>,
  token: string,
  report: (claim: string) => void,
): Record<string, unknown> {
  const bare = bareToken(token);
  if (bare.length < shortestSecret) return claims;
  const text = JSON.stringify(bare).slice(1, -1);
  return Object.fromEntries(
    Object.entries(claims).filter((claim) => {
      const isCopy = JSON.stringify(claim).includes(text);
      if (isCopy) report(claim[0].replaceAll(bare, '…'));
      return !isCopy;
    }),
  );
}

/** @param reportCopy for tools: has the names of claims that are left out */
function identityOf(
  token: string,
  { resolverContext, deniedFields }: AuthoriserAnswer,
  reportCopy: ((claim: string) => void) | undefined,
): ReturnType<typeof createIdentity> {
  const found = resolverContext ?? {};
  const claims = reportCopy === undefined ? found : withoutToken(found, token, reportCopy);
  return createIdentity({
    mode: 'lambda',
    subject: textOf(claims['sub']),
    client: textOf(claims['client_id']),
    groups: listOf(claims['groups']),
    scopes: listOf(claims['scope']),
    claims,
    deniedFields: deniedFields ?? [],
    distinction: sha256(token),
  });
}

function eventOf(
  { method, url, headers, body, requestId }: AuthRequest,
  { apiId, accountId }: Pick<LambdaAuthOptions, 'apiId' | 'accountId'>,
): AuthoriserEvent {
  const { query, operationName, variables } = method === 'GET' ? inUrl(url) : inBody(body);
  return {
    authorizationToken: headers.authorization!,
    requestContext: {
      apiId,
      accountId,
      requestId,
      queryString: textOf(query) ?? '',
      operationName: textOf(operationName) ?? null,
      variables: variables ?? {},
    },
    requestHeaders: headers,
  };
}

interface ParsedRequest {
  readonly query?: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
}

function inUrl(url: string): ParsedRequest {
  const { searchParams } = new URL(url, 'http://localhost');
  const variables = searchParams.get('variables');
  return {
    query: searchParams.get('query'),
    operationName: searchParams.get('operationName'),
    variables: variables === null ? undefined : parsed(variables),
  };
}

function inBody(body: Buffer): ParsedRequest {
  const request = parsed(body.toString('utf8'));
  return typeof request === 'object' && request !== null ? request : {};
}

/** Parses JSON. Undefined for invalid JSON, which later code reports to the client. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
