/** The thread of `describe-supergraph.ts`: what it does takes up to seconds, in which requests would wait. */
import { parentPort, workerData } from 'node:worker_threads';
import { buildSchema, type GraphQLSchema, isInputObjectType, isInterfaceType, isObjectType } from 'graphql';
import { apiSchemaOf } from '../../schema/composition/api-schema';
import { changesBetween } from '../../schema/checks/changes';
import { readUsage } from '../../schema/registry/usage';
import { describeTypes, type SchemaUsage } from './console-schema';
import type { DescribedSupergraph, DescribeOptions, SchemaTask } from './describe-supergraph';
import { letRequestsGoFirst } from './thread-priority';
import { type RegistryFacts } from './registry-facts';
import type { Removals, VersionedSupergraph } from './removed-names';

letRequestsGoFirst();
const task = workerData as SchemaTask;
void make(task).then((made) => parentPort!.postMessage(made));

function make(given: SchemaTask): Promise<unknown> {
  if ('versions' in given) return removedIn(given.versions);
  return 'supergraphs' in given ? differencesOf(given.supergraphs) : describe(given);
}

async function describe({
  supergraphSdl,
  apiSchemaSdl,
  registry,
}: DescribeOptions): Promise<DescribedSupergraph> {
  if (registry === undefined) return { types: describeTypes(supergraphSdl) };
  const usage = await usageIn(registry, apiSchemaSdl);
  const { before } = registry;
  const changes =
    before === undefined || before.supergraphSdl === supergraphSdl
      ? []
      : await differencesOf([before.supergraphSdl, supergraphSdl]);
  return {
    types: describeTypes(supergraphSdl, usage),
    usage: { from: usage.firstDay, days: usage.days, neededDays: usage.neededDays },
    changes: before && changes,
  };
}

/** What clients see of one supergraph that they did not see of another, the worst first. */
async function differencesOf([before, after]: readonly [string, string]): Promise<
  NonNullable<DescribedSupergraph['changes']>
> {
  const found = await changesBetween(apiSchemaOf(before), apiSchemaOf(after));
  return found.map(({ severity, message }) => ({ severity, message }));
}

async function usageIn({ usage }: RegistryFacts, apiSchemaSdl: string): Promise<SchemaUsage> {
  const schema = buildSchema(apiSchemaSdl, { assumeValid: true, assumeValidSDL: true, noLocation: true });
  const log = { read: () => Promise.resolve(usage) };
  const found = await readUsage(log, { since: new Date(), schema });
  const { requests, firstDay, days } = found;
  return { requests, firstDay, days, neededDays: usage.minimumDays, coordinates: found.coordinates() };
}

/** What earlier versions had and the last one has not. @param versions the newest first */
function removedIn([running, ...earlier]: readonly VersionedSupergraph[]): Promise<Removals> {
  const removed = new Map<string, number>();
  if (running === undefined) return Promise.resolve([]);
  const has = new Set(coordinatesOf(apiSchemaOf(running.supergraphSdl)));
  let after = running.number;
  for (const { number, supergraphSdl } of earlier) {
    for (const coordinate of coordinatesOf(apiSchemaOf(supergraphSdl))) {
      if (has.has(coordinate)) continue;
      has.add(coordinate);
      removed.set(coordinate, after);
    }
    after = number;
  }
  return Promise.resolve([...removed]);
}

/** Of types, fields, arguments and fields of input objects. */
function* coordinatesOf(schema: GraphQLSchema): Generator<string> {
  for (const type of Object.values(schema.getTypeMap())) {
    yield type.name;
    if (isInputObjectType(type))
      for (const field of Object.keys(type.getFields())) yield `${type.name}.${field}`;
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const { name, args } of Object.values(type.getFields())) {
      yield `${type.name}.${name}`;
      for (const argument of args) yield `${type.name}.${name}(${argument.name}:)`;
    }
  }
}
