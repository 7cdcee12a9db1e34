/** The code of a package of the gateway: `weir package gateway` bundles it with all that it imports. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  buildSchema,
  getNamedType,
  type GraphQLNamedType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { type HookModule, loadNamedHook } from '../auth/hook';
import type { ImportModule } from '../auth/import-module';
import { loadExtensions } from '../extensions/load-extensions';
import { loadOptions, type Options } from '../options';
import type { PackageTexts } from '../packaged/loader';
import type { SupergraphFacts } from '../planning';
import { graphFile, optionsFile, readGraph, supergraphFile } from '../packaged/packaged-graph';
import type { SupergraphSource } from '../supergraph/source';
import { packageVersion } from '../telemetry/package-root';
import type { LambdaHandlers } from './event-handlers';
import { type LambdaOptions, openLambda, streamified } from './lambda-handler';

/**
 * Opens the gateway of a package. The supergraph is that of the package for good: a newer one is a new package.
 *
 * @throws {PackageError} when the graph was made by another version of Weir, or of another supergraph
 * @throws {OptionsError} when an option is wrong, or cannot be used on Lambda
 */
export async function open(
  folder: string,
  parts: PackageTexts,
  importModule: ImportModule,
): Promise<LambdaHandlers> {
  const options = loadOptions({ config: join(folder, optionsFile) });
  const given = await withHooks(options, importModule);
  // What code of a package imports is imported from outside of it.
  const extensions = await loadExtensions(options.extensions, {}, importModule);
  return openWith({ ...given, ...extensions, extensions: [] }, parts);
}

/** Options with functions instead of modules. @throws {OptionsError} with an option whose module has no function */
async function withHooks(options: Options, importModule: ImportModule): Promise<Options> {
  const load = async <Of extends { readonly module?: HookModule | undefined }>(
    path: readonly string[],
    given: Of | undefined,
  ): Promise<Of | undefined> => {
    if (given?.module === undefined) return given;
    return { ...given, module: await loadNamedHook([...path, 'module'], given.module, importModule) };
  };
  const { auth, authorization } = options;
  const [iam, lambda, policies] = await Promise.all([
    load(['auth', 'iam'], auth.iam),
    load(['auth', 'lambda'], auth.lambda),
    load(['authorization', 'policies'], authorization.policies),
  ]);
  return { ...options, auth: { ...auth, iam, lambda }, authorization: { ...authorization, policies } };
}

async function openWith(
  options: Omit<LambdaOptions, 'supergraph'>,
  parts: PackageTexts,
): Promise<LambdaHandlers> {
  const supergraphSdl = parts.get(supergraphFile)!;
  const graph = readGraph(parts.get(graphFile)!, supergraphSdl, packageVersion());
  const opened = await openLambda(
    { ...options, supergraph: fixedSource(supergraphSdl) },
    { packaged: graph },
  );
  return { handler: opened.handler, streamHandler: streamified(opened.streamHandler) };
}

/**
 * Answers some operations of a package with the default options, as those of the package may need what is not there yet. A
 * server in this process stands in for the subgraphs.
 */
export async function rehearse(folder: string, parts: PackageTexts): Promise<void> {
  const subgraph = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json').end('{"data":{}}');
  });
  await new Promise<void>((listening) => subgraph.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(subgraph.address() as AddressInfo).port}`;
  const graph = readGraph(parts.get(graphFile)!, parts.get(supergraphFile)!, packageVersion());
  const subgraphs = Object.fromEntries(graph.facts.subgraphs.map(({ name }) => [name, { url }]));
  const options = { subgraphs, lambda: { perInstance: true }, logging: { level: 'silent' } } as const;
  readOptions(folder);
  const { handler } = await openWith(options, parts);
  const known = graph.operations.slice(0, rehearsed).map(({ document }) => document);
  // With another text the operations are unknown, and are planned.
  const unknown = known.length > 0 ? known.map((document) => `${document}\n`) : [sampleOf(graph.facts)];
  for (const document of [...known, ...unknown]) await handler(eventOf(document), {});
  subgraph.close();
}

function readOptions(folder: string): void {
  try {
    loadOptions({ config: join(folder, optionsFile) });
  } catch {
    // Such as for a variable of the environment that only the function has.
  }
}

/** An operation that the package does not have: some fields of the query type, and of what is below them. */
function sampleOf({ apiSchemaSdl }: SupergraphFacts): string {
  const select = (type: GraphQLNamedType | null | undefined, depth: number): string => {
    if (!isObjectType(type)) return '{ __typename }';
    const fields = Object.values(type.getFields()).filter(({ args }) => !args.some(isRequiredArgument));
    const leaves = fields.filter((field) => isLeafType(getNamedType(field.type)));
    const others = depth === 0 ? [] : fields.filter((field) => !leaves.includes(field)).slice(0, 3);
    const below = others.map(({ name, type }) => `${name} ${select(getNamedType(type), depth - 1)}`);
    return `{ __typename ${[...leaves.map(({ name }) => name), ...below].join(' ')} }`;
  };
  return select(buildSchema(apiSchemaSdl.join('')).getQueryType(), 3);
}

/** Operations: of some, the plans have other parts. */
const rehearsed = 20;

const eventOf = (query: string): object => ({
  version: '2.0',
  rawPath: '/graphql',
  headers: { 'content-type': 'application/json' },
  requestContext: { http: { method: 'POST', sourceIp: '127.0.0.1' } },
  body: JSON.stringify({ query }),
});

const fixedSource = (supergraphSdl: string): SupergraphSource => ({
  start: () => Promise.resolve(supergraphSdl),
  stop: () => Promise.resolve(),
});
