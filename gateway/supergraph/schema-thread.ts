/** The thread of `describe-supergraph.ts`: what it does takes up to seconds, in which requests would wait. */
import { parentPort, workerData } from 'node:worker_threads';
import { buildSchema } from 'graphql';
import { apiSchemaOf } from '../../schema/api-schema';
import { changesBetween } from '../../schema/changes';
import { readUsage } from '../../schema/usage';
import { describeTypes, type SchemaUsage } from '../console/schema';
import { letRequestsGoFirst } from '../planning/thread-priority';
import type { DescribedSupergraph, DescribeOptions } from './describe-supergraph';
import { type RegistryFacts } from './registry-facts';

letRequestsGoFirst();
void describe(workerData as DescribeOptions).then((described) => parentPort!.postMessage(described));

async function describe({
  supergraphSdl,
  apiSchemaSdl,
  registry,
}: DescribeOptions): Promise<DescribedSupergraph> {
  if (registry === undefined) return { types: describeTypes(supergraphSdl) };
  const usage = await usageIn(registry, apiSchemaSdl);
  const { before } = registry;
  const found =
    before === undefined || before.supergraphSdl === supergraphSdl
      ? []
      : await changesBetween(apiSchemaOf(before.supergraphSdl), apiSchemaOf(supergraphSdl));
  return {
    types: describeTypes(supergraphSdl, usage),
    usageFrom: usage.firstDay,
    changes: before && found.map(({ severity, message }) => ({ severity, message })),
  };
}

async function usageIn({ usage }: RegistryFacts, apiSchemaSdl: string): Promise<SchemaUsage> {
  const schema = buildSchema(apiSchemaSdl, { assumeValid: true, assumeValidSDL: true, noLocation: true });
  const log = { read: () => Promise.resolve(usage) };
  const found = await readUsage(log, { since: new Date(), schema });
  return { requests: found.requests, firstDay: found.firstDay, coordinates: found.coordinates() };
}
