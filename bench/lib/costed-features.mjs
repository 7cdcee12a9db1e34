/**
 * The features whose cost has a bound: which gateway has them on, which of its functions are theirs, and how these are
 * called for one request without a gateway. Longer than other files: it is a list.
 */
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { workloads } from '../fixture/workloads.mjs';

const require = createRequire(new URL('../../dist/gateway/', import.meta.url));
/** Of Weir, as it was built last. */
export const weir = (path) => require(`../${path}`);
const { buildSchema, getOperationAST, parse } = require('graphql');

/** How many clients there are, each with credentials of its own. */
const count = 1_000;
const all = (make) => Array.from({ length: count }, (_, i) => make(i));
const { operation: page } = workloads.page;
const audience = 'shop';
const issuer = 'https://login.example.com/';
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const host = 'api.example.com';
const accessKey = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const apiKey = (i) => `da2-${createHash('sha256').update(`${i}`).digest('hex').slice(0, 26)}`;
const versionOf = (i) => `1.${i % 4}.0`;
const nameOf = (i) => `app-${i % 3}`;

/**
 * `config` is what its configuration has beside the usual; `headers` are those of each request in turn, in place of an
 * `authorization` that no two have alike: with equal ones requests would share calls of subgraphs.
 * @type {Record<string, { config(folder: string): object, operation?: object, headers(): Record<string, string>[] | undefined }>}
 */
export const gateways = {
  page: { config: () => ({}), headers: () => undefined },
  /** As it is configured by default: the others log no requests. */
  observed: {
    config: () => ({ logging: { level: 'info' } }),
    headers: () =>
      all((i) => ({
        authorization: `Bearer ${i}`,
        'apollographql-client-name': nameOf(i),
        'apollographql-client-version': versionOf(i),
      })),
  },
  /** Everything at once, but for the other ways to say who one is. */
  tokens: {
    config: (folder) => ({
      supergraph: { registry: join(folder, 'registry'), graph: 'shop@bench' },
      auth: {
        oidc: [{ issuer, audience, jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: '1' }] } }],
      },
      authorization: { policies: { module: join(folder, 'policies.mjs') } },
      privateLinks: { keys: [createHash('sha256').update('a').digest('base64')] },
      limits: {
        classes: [
          { group: 'partners', depth: 40 },
          { client: 'web-shop', selections: 900 },
        ],
      },
      rates: [
        { name: 'address', per: 'address', limit: 1_000_000_000, window: '1m' },
        { name: 'quota', per: 'identity', limit: 1_000_000_000, window: 'day' },
      ],
      audit: { trails: [{ to: join(folder, 'audit.jsonl') }] },
    }),
    headers: () =>
      tokens.map((token, i) => ({
        authorization: `Bearer ${token}`,
        'apollographql-client-name': nameOf(i),
        'apollographql-client-version': versionOf(i),
      })),
  },
  keys: {
    config: () => ({
      auth: {
        apiKeys: all((i) => ({
          client: `client-${i}`,
          sha256: createHash('sha256').update(apiKey(i)).digest('hex'),
        })),
      },
    }),
    headers: () => all((i) => ({ 'x-api-key': apiKey(i), authorization: `Bearer ${i}` })),
  },
  signatures: {
    config: () => ({ auth: { iam: { keys: [accessKey], hosts: [host] } } }),
    // As Apollo Client sends what AppSync's link has signed without the extensions.
    operation: {
      operationName: 'ProductPage',
      variables: page.variables,
      extensions: { clientLibrary: { name: '@apollo/client', version: '4.3.8' } },
      query: page.query,
    },
    headers: () => all(signed),
  },
};

/**
 * `bound` is in per cent of *page*. `own` are the feature's functions: how `FILE:FUNCTION` below `dist/gateway/`
 * begins. `alone` makes a function that does what it does for one request. `extra` is not done for *page*, but counts.
 */
export const features = {
  jwt: {
    title: 'JWT, 1,000 recurring tokens',
    gateway: 'tokens',
    bound: 5,
    own: [
      'auth/authentication',
      'auth/modes/tokens',
      'auth/modes/oidc',
      'auth/modes/key-set',
      'auth/identity',
    ],
    alone: ({ options }) => admissions(options, 'tokens'),
  },
  'api-key': {
    title: 'API key',
    gateway: 'keys',
    bound: 2,
    own: ['auth/authentication', 'auth/modes/api-key'],
    alone: ({ options }) => admissions(options, 'keys'),
  },
  sigv4: {
    title: 'SigV4 of clients, as AppSync’s link signs',
    gateway: 'signatures',
    bound: 10,
    own: [
      'auth/authentication',
      'auth/modes/iam',
      'auth/modes/sigv4',
      'auth/modes/access-keys',
      'net/used-signatures',
    ],
    alone: ({ options }) => admissions(options, 'signatures'),
  },
  signing: {
    title: 'signed calls of subgraphs',
    gateway: 'tokens',
    bound: 5,
    own: [
      'subgraph-calls/signers/',
      'auth/signed-identity',
      'subgraph-calls/wire/http:#sign',
      'subgraph-calls/wire/http:send',
    ],
    alone({ options, calls }) {
      const { signPrivateLink } = weir('gateway/subgraph-calls/signers/private-link');
      const { openLinkKeys } = weir('gateway/subgraph-calls/signers/link-keys');
      const keys = openLinkKeys(options.tokens.privateLinks);
      const caller = { headers: {}, signedIdentity: Buffer.alloc(180, 'identity').toString('base64url') };
      const signers = calls.map(({ subgraph, body }) => {
        const { sign } = signPrivateLink({ subgraph, key: () => keys.current });
        return { sign, body: Buffer.from(body) };
      });
      return () => {
        for (const { sign, body } of signers) sign({ body, caller });
      };
    },
  },
  directives: {
    title: '@authenticated, @requiresScopes, @policy',
    gateway: 'tokens',
    bound: 3,
    own: ['auth/directives/'],
    async alone({ options, facts, schema, logger, identities }) {
      const { Authorization, Policies, openPolicyEvaluator } = weir('gateway/auth/directives');
      const given = options.tokens.authorization;
      const evaluate = await openPolicyEvaluator(given.policies);
      const policies = new Policies({ evaluate, ttl: given.policies.ttl, logger });
      const protections = { facts: facts.protections, schema, options: given, policies, logger };
      const document = parse(page.query);
      const access = new Authorization(protections).accessTo(document, getOperationAST(document));
      for (const identity of identities) await access.decide(identity);
      return (i) => {
        const refused = access.peek(identities[i % count]);
        if (refused.length > 0) throw new Error(`${refused} is refused`);
        access.variantOf(refused);
      };
    },
  },
  protection: {
    title: 'limits, rates, breaker, audit',
    gateway: 'tokens',
    bound: 10,
    own: [
      ...[
        'limits/',
        'admission/rates/',
        'telemetry/audit/',
        'subgraph-calls/endpoints/breakers',
        'subgraph-calls/endpoints/endpoints',
      ],
      'subgraph-calls/interceptors/bulkhead',
    ],
    alone({ options, facts, schema, metrics, calls, identities }) {
      const { limits, rates, breaker: breaking } = options.tokens;
      const { createClientLimits } = weir('gateway/limits/client-limits');
      const { refuseOperation } = weir('gateway/limits/operation-limits');
      const { compileOperationCost } = weir('gateway/limits/cost/operation-cost');
      const { Rates } = weir('gateway/admission/rates/rates');
      const { Breaker } = weir('gateway/subgraph-calls/endpoints/breakers');
      const document = parse(page.query);
      const costs = { schema, directives: facts.costs, assumedListSize: limits.assumedListSize };
      const cost = compileOperationCost(document, getOperationAST(document), costs);
      const clientLimits = createClientLimits({ limits, introspection: false });
      const refuse = refuseOperation(page.query, cost, clientLimits);
      const counted = Rates.of({ rates, meter: metrics.meter });
      const breaker = new Breaker(breaking, () => undefined);
      const answer = { setHeader: () => undefined };
      const response = Promise.resolve({ status: 200 });
      return async (i) => {
        const identity = identities[i % count];
        counted.refuse({ identity, address: '192.0.2.7', rateRefusal: undefined }, answer);
        refuse(page.variables, identity);
        for (const { subgraph } of calls) await breaker.run(subgraph, () => response);
      };
    },
    extra: {
      title: 'the audit record of a mutation',
      async alone({ options, metrics, logger, identities }) {
        const { openAudit } = weir('gateway/telemetry/audit/audit');
        const { factsOfMutation } = weir('gateway/telemetry/audit/mutation-facts');
        const audit = await openAudit({ options: options.tokens.audit, meter: metrics.meter, logger });
        const input = {
          lines: [{ upc: 'p21', quantity: 2 }],
          address: { city: 'Ulm', zip: '89073' },
          token: 'x',
        };
        const facts = factsOfMutation('mutation Buy($input: Buy!) { placeOrder(input: $input) { id } }');
        const trace = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736' };
        const rest = { trace, address: '192.0.2.7', operation: { name: 'Buy' }, id: randomUUID() };
        return async (i) => {
          await audit.ready();
          const client = { ...rest, identity: identities[i % count] };
          audit.mutation({ client, facts, variables: { input }, errors: [] });
        };
      },
    },
  },
  usage: {
    title: 'usage counting',
    gateway: 'tokens',
    bound: 2,
    own: ['usage/', 'request/incoming-request:get client', 'request/incoming-request:ownName'],
    alone({ schema, metrics, logger }) {
      const { createUsageRecorder } = weir('gateway/usage/recorder');
      const recorder = createUsageRecorder({ sink: {}, logger, meter: metrics.meter, interval: 1e9 });
      const use = recorder.operation(page.query, undefined, schema);
      return (i) => use({ clientName: nameOf(i), clientVersion: versionOf(i) }, page.variables);
    },
  },
  observability: {
    title: 'logs and metrics, as by default',
    gateway: 'observed',
    bound: 5,
    own: ['telemetry/', 'request/requests-in-flight:#record', 'subgraph-calls/interceptors/measure-calls'],
    alone({ options, metrics, calls }) {
      const { createLogger } = weir('gateway/telemetry/logger');
      const { compileAccessLine } = weir('gateway/telemetry/access-line');
      const describe = compileAccessLine(options.observed.logging);
      const logger = createLogger({ level: 'info', destination: { write: () => undefined } });
      const record = metrics.subgraphDurations.to('products', new URL('http://127.0.0.1:4001/graphql'));
      const request = {
        ...{ id: 'b7ad6b71-6920-3331-b7ad-6b7169203331', trace: undefined, identity: {}, errorsLeftOut: 0 },
        head: { method: 'POST', url: '/graphql', headers: {} },
        operation: { type: 'query', name: 'Page', id: createHash('sha256').update(page.query).digest('hex') },
        ...{ operations: 1, cacheResult: 'PASS', callsSent: calls.length },
      };
      return (i) => {
        const sent = { ...request, clientName: nameOf(i), clientVersion: versionOf(i) };
        for (const { subgraph } of calls) {
          metrics.calls.sent({ subgraph, name: 'Page__0' });
          record(0.002, 200, undefined);
        }
        metrics.requests.record(sent, true, 200, 0.01);
        logger.writeLine('info', describe(sent, 200, 10.1), 'request');
      };
    },
  },
};

/** The verification of tokens that come for the first time, to be done at most `count` times. */
export function firstVerification({ options }) {
  const admit = admission(options, 'tokens');
  return { count, run: (i) => admit(i) };
}

/** What functions are given that are called without a gateway. @param configs by gateway @param calls those of *page* */
export async function standIns(configs, supergraphSdl, calls) {
  const { Planner } = weir('gateway/planning');
  const planner = new Planner({ supergraphSdl });
  const facts = await planner.ready;
  await planner.close();
  const { parseOptions } = weir('gateway/options');
  const options = Object.fromEntries(Object.entries(configs).map(([name, one]) => [name, parseOptions(one)]));
  const admit = admission(options, 'tokens');
  const identities = await Promise.all(tokens.map(async (_, i) => (await admit(i)).identity));
  return {
    ...{ options, calls, facts, identities },
    schema: buildSchema(facts.apiSchemaSdl.join('')),
    metrics: weir('gateway/telemetry/metrics/metrics').createMetrics(),
    logger: weir('gateway/telemetry/logger').createLogger({ level: 'silent' }),
  };
}

async function admissions(options, gateway) {
  const admit = admission(options, gateway);
  for (let i = 0; i < count; i += 1) await admit(i);
  return (i) => admit(i % count);
}

/** Lets the client `i` of a gateway in: what its credentials prove, perhaps later. */
function admission(options, gateway) {
  const { createAuthentication } = weir('gateway/auth/authentication');
  const { admit } = createAuthentication({ options: options[gateway].auth, logger: console });
  const { headers: makeHeaders, operation = page } = gateways[gateway];
  // As a socket gives them: text that was not seen before.
  const sent = makeHeaders().map((each) =>
    Object.entries(each).map(([name, text]) => [name, Buffer.from(text)]),
  );
  const body = Buffer.from(JSON.stringify(operation));
  const proofOf = ({ proof, refusal }) => {
    if (proof === undefined) throw refusal;
    return proof;
  };
  return (i) => {
    const client = { proof: undefined, refusal: undefined };
    const headers = { host, accept: 'application/json', 'content-type': 'application/json' };
    const received = { requestId: 'r', method: 'POST', url: '/graphql', headers, body };
    for (const [name, bytes] of sent[i]) headers[name] = bytes.latin1Slice();
    const admitted = admit(client, received);
    return typeof admitted === 'boolean' ? proofOf(client) : admitted.then(() => proofOf(client));
  };
}

const tokens = all((i) => {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    ...{ iss: issuer, aud: audience, iat: now, exp: now + 36_000, jti: randomUUID(), azp: 'web-shop' },
    ...{ sub: randomUUID(), email: `customer-${i}@example.com`, email_verified: true, locale: 'de-DE' },
    ...{ scope: 'openid profile email stock:read orders:write', groups: ['customers', `region-${i % 20}`] },
  };
  const text = [{ alg: 'RS256', typ: 'JWT', kid: '1' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
});

/** As AppSync's link signs: the body without `extensions`, and an `accept` that is not sent. */
function signed(i) {
  const { sha256, signatureOf, signingKey } = weir('gateway/auth/modes/sigv4');
  const { operationName, variables, query } = gateways.signatures.operation;
  const time = new Date(Date.now() - (i % 60) * 1000).toISOString().replace(/[:-]|\.\d{3}/g, '');
  const scope = { date: time.slice(0, 8), region: 'eu-west-1', service: 'appsync' };
  const headers = { accept: '*/*', 'content-type': 'application/json', host, 'x-amz-date': time };
  const signature = signatureOf(signingKey(accessKey.secretAccessKey, scope), time, scope, {
    method: 'POST',
    target: { uri: '/graphql', query: '' },
    headers: Object.entries(headers),
    payloadHash: sha256(JSON.stringify({ operationName, variables, query })),
  }).toString('hex');
  const credential = `${accessKey.accessKeyId}/${scope.date}/${scope.region}/${scope.service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${Object.keys(headers).join(';')}, Signature=${signature}`;
  return { authorization, 'x-amz-date': time };
}
