import { createRequire } from 'node:module';
import type * as GraphQL from 'graphql';
import type * as Yaml from 'yaml';
import type * as Archive from '../gateway/events/archive/archive';
import type * as ArchiveBucket from '../gateway/events/archive/archive-bucket';
import type * as Explain from '../gateway/explain/explain';
import type * as PlanCosts from '../gateway/explain/plan-costs';
import type * as GatewayOptions from '../gateway/options';
import type * as AuthOptions from '../gateway/options/auth';
import type * as InForce from '../gateway/options/in-force';
import type * as LostProtections from '../gateway/options/lost-protections';
import type * as S3Client from '../gateway/net/s3-client';
import type * as PackGateway from '../gateway/lambda/pack-gateway';
import type * as CheckGateway from '../gateway/process/check-gateway';
import type * as OpenConsole from '../gateway/process/open-console';
import type * as ReadSupergraph from '../gateway/process/read-supergraph';
import type * as StartGateway from '../gateway/process/start-gateway';
import type * as LinkKeys from '../gateway/subgraph-calls/signers/link-keys';
import type * as Signing from '../gateway/subgraph-calls/signers/private-link';
import type * as AuditRecord from '../gateway/telemetry/audit/record';
import type * as AuditVerify from '../gateway/telemetry/audit/verify';
import type * as Schema from '../schema';
import type * as Credentials from './dev/credentials';
import type * as OwnGraph from './dev/own-graph';
import type * as ReferenceGraph from './dev/reference-graph';
import type * as IntrospectAsGateway from './registry/introspect-as-gateway';
import type * as CallReport from './operators/call-report';
import type * as Executions from './operators/executions';
import type * as Failures from './operators/failures';
import type * as Rebuilds from './operators/rebuilds';
import type * as Rehearsal from './recovery/rehearsal';
import type * as Scaffold from './init/scaffold';
import type * as GatewayTemplate from './package/template/gateway-template';
import type * as SubgraphTemplate from './package/template/subgraph-template';
import type * as PackageGateway from './package/package-gateway';
import type * as PackageSubgraph from './package/package-subgraph';

const load = createRequire(__filename);

/**
 * Modules that are slow to load, such as the composer. Commands load them when they need them, so that
 * `weir --help` answers at once and `weir dev` starts its processes first. What is required is in the bundle of
 * `gateway-program.ts`, and what is loaded is not.
 */
export const lazy = {
  archive: () => load('../gateway/events/archive/archive') as typeof Archive,
  archiveBucket: () => load('../gateway/events/archive/archive-bucket') as typeof ArchiveBucket,
  audit: () => ({
    ...(load('../gateway/telemetry/audit/record') as typeof AuditRecord),
    ...(load('../gateway/telemetry/audit/verify') as typeof AuditVerify),
  }),
  authOptions: () => load('../gateway/options/auth') as typeof AuthOptions,
  callReport: () => load('./operators/call-report') as typeof CallReport,
  checkGateway: () => require('../gateway/process/check-gateway') as typeof CheckGateway,
  credentials: () => load('./dev/credentials') as typeof Credentials,
  executions: () => load('./operators/executions') as typeof Executions,
  explain: () => load('../gateway/explain/explain') as typeof Explain,
  failures: () => load('./operators/failures') as typeof Failures,
  gatewayOptions: () => require('../gateway/options') as typeof GatewayOptions,
  lostProtections: () => require('../gateway/options/lost-protections') as typeof LostProtections,
  gatewayTemplate: () => load('./package/template/gateway-template') as typeof GatewayTemplate,
  graphql: () => load('graphql') as typeof GraphQL,
  inForce: () => load('../gateway/options/in-force') as typeof InForce,
  introspectAsGateway: () => load('./registry/introspect-as-gateway') as typeof IntrospectAsGateway,
  linkKeys: () => load('../gateway/subgraph-calls/signers/link-keys') as typeof LinkKeys,
  openConsole: () => require('../gateway/process/open-console') as typeof OpenConsole,
  ownGraph: () => load('./dev/own-graph') as typeof OwnGraph,
  packageGateway: () => load('./package/package-gateway') as typeof PackageGateway,
  packageSubgraph: () => load('./package/package-subgraph') as typeof PackageSubgraph,
  packGateway: () => load('../gateway/lambda/pack-gateway') as typeof PackGateway,
  planCosts: () => load('../gateway/explain/plan-costs') as typeof PlanCosts,
  readSupergraph: () => load('../gateway/process/read-supergraph') as typeof ReadSupergraph,
  rebuilds: () => load('./operators/rebuilds') as typeof Rebuilds,
  referenceGraph: () => load('./dev/reference-graph') as typeof ReferenceGraph,
  rehearsal: () => load('./recovery/rehearsal') as typeof Rehearsal,
  s3Client: () => load('../gateway/net/s3-client') as typeof S3Client,
  scaffold: () => load('./init/scaffold') as typeof Scaffold,
  schema: () => load('../schema') as typeof Schema,
  signing: () => load('../gateway/subgraph-calls/signers/private-link') as typeof Signing,
  startGateway: () => require('../gateway/process/start-gateway') as typeof StartGateway,
  subgraphTemplate: () => load('./package/template/subgraph-template') as typeof SubgraphTemplate,
  yaml: () => load('yaml') as typeof Yaml,
};
