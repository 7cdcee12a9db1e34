/** Whether each option of gateway/options/ protects is decided: by a mark where it is defined, or here. */
import { optionsSchema } from '../../../../gateway/options';
import { optionsJsonSchema } from '../../../support/reference/json-schema';
import { protectionOf } from '../../../../gateway/options/protection';
import { waysAt } from '../../../../gateway/options/ways';
import { optionPlaces } from '../../../support/options-schema';

const all = optionPlaces(optionsJsonSchema()).filter(({ name }) => !/\.off(\.|$)/.test(name));
const isGroup = (name: string): boolean =>
  all.some((other) => other.name.startsWith(`${name}.`) || other.name.startsWith(`${name}[].`));
/** The options that hold a value; items of lists of text belong to their list. */
const single = all.filter(({ name }) => !isGroup(name) && !name.endsWith('[]'));
const isMarked = ({ path }: (typeof all)[number]): boolean =>
  path.some((_, length) => {
    const isWhole = length === path.length - 1;
    const protection = protectionOf(waysAt(optionsSchema, path.slice(0, length + 1)));
    return isWhole ? protection !== undefined : protection?.deep === true;
  });

it('each option protects, or is known not to', () => {
  const unmarked = single.filter((place) => !isMarked(place)).map(({ name }) => name);
  // A new option: does its absence let more in, or show more? Then mark it by `protects`. Otherwise add it here.
  expect([...new Set(unmarked)].sort()).toEqual(notProtecting.trim().split(/\s+/).sort());
});

it('lists whose items are known by a name have it in each item', () => {
  for (const { name, path } of all) {
    const { items = [] } = protectionOf(waysAt(optionsSchema, path)) ?? {};
    const members = all.filter((other) => other.name.startsWith(`${name}[].`)).map((other) => other.name);
    expect(members).toEqual(expect.arrayContaining(items.map((item) => `${name}[].${item}`)));
  }
});

/** Required beside others, let more in themselves, have a default that lets in least, or say how and not who or what. */
const notProtecting = `
  mode
  host
  port
  path
  supergraph.file supergraph.url supergraph.registry supergraph.graph supergraph.version
  supergraph.pollInterval supergraph.headers.NAME supergraph.keep
  supergraph.webhooks.NAME.url supergraph.webhooks.NAME.secrets supergraph.webhooks.NAME.events
  subgraphs.NAME.rate.limit subgraphs.NAME.rate.window subgraphs.NAME.rate.wait
  subgraphs.NAME.url subgraphs.NAME.endpoints[].url subgraphs.NAME.endpoints[].zone
  subgraphs.NAME.headers.forward subgraphs.NAME.headers.rename.NAME subgraphs.NAME.headers.response.NAME
  subgraphs.NAME.arrayBatching subgraphs.NAME.auth.type subgraphs.NAME.auth.service
  subgraphs.NAME.auth.region subgraphs.NAME.auth.key subgraphs.NAME.auth.header subgraphs.NAME.auth.token
  subgraphs.NAME.auth.tokenUrl subgraphs.NAME.auth.clientId subgraphs.NAME.auth.clientAuthentication subgraphs.NAME.auth.clientSecret
  subgraphs.NAME.auth.scopes subgraphs.NAME.auth.audience subgraphs.NAME.appsync.auth.type
  subgraphs.NAME.appsync.auth.region subgraphs.NAME.appsync.auth.apiKey
  subgraphs.NAME.appsync.auth.jwtToken.tokenUrl subgraphs.NAME.appsync.auth.jwtToken.clientId
  subgraphs.NAME.appsync.auth.jwtToken.clientAuthentication subgraphs.NAME.appsync.auth.jwtToken.clientSecret subgraphs.NAME.appsync.auth.jwtToken.scopes
  subgraphs.NAME.appsync.auth.jwtToken.audience subgraphs.NAME.appsync.auth.token.tokenUrl
  subgraphs.NAME.appsync.auth.token.clientAuthentication subgraphs.NAME.appsync.auth.token.clientId subgraphs.NAME.appsync.auth.token.clientSecret
  subgraphs.NAME.appsync.auth.token.scopes subgraphs.NAME.appsync.auth.token.audience
  subgraphs.NAME.subscriptions.protocol subgraphs.NAME.subscriptions.url
  subgraphs.NAME.subscriptions.heartbeat subgraphs.NAME.subscriptions.reconnect
  subgraphs.NAME.subscriptions.slow subgraphs.NAME.tls.cert subgraphs.NAME.tls.key subgraphs.NAME.tls.ca
  subgraphs.NAME.cache.scope subgraphs.NAME.cache.staleWhileRevalidate subgraphs.NAME.cache.staleIfError
  subgraphs.NAME.cache.types.NAME.scope subgraphs.NAME.cache.types.NAME.staleWhileRevalidate
  subgraphs.NAME.cache.types.NAME.staleIfError
  discovery.interval discovery.emptyAfter discovery.dnsServers
  privateLinks.claims
  connections.connectTimeout connections.keepAlive connections.http2 connections.strict
  connections.compression connections.ca
  overrides.NAME.claim overrides.NAME.header overrides.NAME.groups
  calls.batchWindow calls.batchSize calls.rate.limit calls.rate.window calls.rate.wait
  calls.sharedHeaders
  zone
  retries.max retries.pause
  breaker.enabled breaker.failures breaker.atLeast breaker.window breaker.pause
  graphs.allow[].clients graphs.allow[].graph graphs.allow[].groups graphs.allow[].modes graphs.choose[].claim
  graphs.choose[].graph graphs.choose[].groups graphs.choose[].header graphs.choose[].host graphs.default graphs.idle
  graphs.of.NAME.limits graphs.of.NAME.persistedOperations graphs.of.NAME.subgraphs graphs.open
  headers.rename.NAME headers.response.NAME
  tls.cert tls.key
  trustedProxies
  limits.classes[].mode limits.classes[].client limits.classes[].group
  rates[].name rates[].per rates[].limit rates[].window rates[].mode rates[].protocol rates[].client rates[].group
  subscriptions.heartbeat subscriptions.connectionParams subscriptions.callback.host
  subscriptions.callback.port subscriptions.callback.path subscriptions.callback.publicUrl
  subscriptions.slow subscriptions.expired
  events.sources.NAME.type events.sources.NAME.subgraph events.sources.NAME.url events.sources.NAME.redis.ca
  events.sources.NAME.redis.iam.service events.sources.NAME.redis.iam.cache
  events.sources.NAME.redis.iam.user events.sources.NAME.redis.iam.region
  events.sources.NAME.redis.iam.serverless events.sources.NAME.stream events.sources.NAME.field
  events.sources.NAME.topic events.sources.NAME.prefix events.sources.NAME.retention
  events.sources.NAME.endpoint events.types.NAME.versions events.types.NAME.drop.entities[].type
  events.types.NAME.drop.entities[].key.NAME events.types.NAME.drop.tags events.types.NAME.drop.types
  events.types.NAME.drop.subgraphs events.subscriptions.NAME.types events.subscriptions.NAME.key.NAME
  events.subscriptions.NAME.filter[].NAME.eq events.subscriptions.NAME.filter[].NAME.ne
  events.subscriptions.NAME.filter[].NAME.le events.subscriptions.NAME.filter[].NAME.lt
  events.subscriptions.NAME.filter[].NAME.ge events.subscriptions.NAME.filter[].NAME.gt
  events.subscriptions.NAME.filter[].NAME.contains events.subscriptions.NAME.filter[].NAME.notContains
  events.subscriptions.NAME.filter[].NAME.beginsWith events.subscriptions.NAME.filter[].NAME.in
  events.subscriptions.NAME.filter[].NAME.notIn events.subscriptions.NAME.filter[].NAME.between
  events.subscriptions.NAME.filter[].NAME.containsAny
  cache.redis.ca cache.redis.iam.service cache.redis.iam.cache cache.redis.iam.user cache.redis.iam.region
  cache.redis.iam.serverless cache.memory cache.tiered cache.memoryBound cache.timeout cache.compressAbove
  cache.staleWhileRevalidate cache.staleIfError cache.responses.compress cache.responses.clientDirectives
  cache.cdn.enabled cache.cdn.cloudFront.distribution cache.cdn.cloudFront.purge[].tags
  cache.cdn.cloudFront.purge[].paths cache.cdn.cloudFront.delay cache.cdn.cloudFront.endpoint cache.longest
  cache.entities.missing cache.mutations.dropReturned cache.mutations.drop.NAME.tags
  cache.mutations.drop.NAME.types cache.mutations.drop.NAME.entities[].type
  cache.mutations.drop.NAME.entities[].key.NAME cache.mutations.drop.NAME.subgraphs
  cache.mutations.drop.NAME.operations
  auth.anonymous auth.apiKeys[].client auth.apiKeys[].sha256 auth.apiKeys[].groups auth.apiKeys[].scopes
  auth.iam.keys[].accessKeyId auth.iam.keys[].secretAccessKey auth.iam.keys[].subject auth.iam.keys[].client
  auth.iam.keys[].groups auth.iam.keys[].scopes auth.iam.module auth.oidc[].issuer
  auth.oidc[].jwks.keys[].kty auth.oidc[].jwks.keys[].NAME auth.oidc[].jwks.NAME auth.cognito[].userPool
  auth.cognito[].clients auth.cognito[].issuer auth.cognito[].jwks.keys[].kty
  auth.cognito[].jwks.keys[].NAME auth.cognito[].jwks.NAME auth.lambda.function auth.lambda.region
  auth.lambda.url auth.lambda.headers.NAME auth.lambda.module auth.lambda.timeout auth.lambda.apiId
  auth.lambda.accountId
  errors.jsonStatus
  auth.oidc[].prefix auth.oidc[].withoutAudience
  cors.credentials cors.exposeHeaders cors.maxAge
  cors.policies[].origins cors.policies[].exposeHeaders cors.policies[].maxAge
  csrf.enabled
  authorization.policies.module authorization.policies.url authorization.policies.headers.NAME
  authorization.policies.timeout
  admin.host admin.port admin.console.sampling admin.console.memory
  admin.console.failures.enabled admin.console.failures.memory admin.console.failures.slowerThan
  admin.console.values
  health.host health.port
  usage.enabled usage.minimumDays usage.interval
  mcp.path mcp.operations[].manifest mcp.operations[].tools mcp.scopes
  shadow.url shadow.share shadow.perSecond shadow.timeout shadow.longest shadow.headers.forward
  shadow.headers.set.NAME shadow.ignore shadow.unordered
  audit.trails[].to audit.trails[].select.actions audit.trails[].select.coordinates audit.trails[].whenSlow
  audit.trails[].buffer
  logging.level logging.format logging.sampling logging.fields.NAME.header logging.fields.NAME.claim
  logging.fields.NAME.address logging.omit logging.addresses logging.addressKey
  telemetry.resource.NAME telemetry.metrics.otlp.url telemetry.metrics.otlp.headers.NAME
  telemetry.metrics.otlp.interval telemetry.metrics.otlp.protocol telemetry.traces.otlp.protocol
  telemetry.traces.otlp.url telemetry.traces.otlp.headers.NAME
  telemetry.traces.sampling telemetry.traces.xRay telemetry.traces.datadog telemetry.traces.keep.slowerThan
  telemetry.traces.keep.failed
  shutdown.delay shutdown.grace
  lambda.perInstance lambda.basePath lambda.margin lambda.flush lambda.stream
`;
