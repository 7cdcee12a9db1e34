import { resolve } from 'node:path';
import type { GatewayOptions } from '../../../gateway/process/given-options';
import type { SubgraphConfig, SubgraphSchema, SupergraphConfig } from '../../../schema';
import type * as Schema from '../../../schema';
import type * as GraphQL from 'graphql';
import { CommandFailure, type Context } from '../../context';
import { secretsIn } from '../../header-variables';
import type { Output } from '../output';
import { openBaseGraph } from './base-graph';
import { callOthers } from './calls-of-others';
import { type OverFlags, type Overlay, readOverlay } from './over-flags';

/** Local subgraphs over the others of a graph. */
export interface OverGraph {
  /** The name or file of the graph. */
  readonly name: string;
  /** The subgraphs as they are now. @throws {SupergraphConfigError} if the graph cannot be read */
  load(): Promise<SupergraphConfig>;
  /** The options of the gateway for them. */
  optionsOf(options: GatewayOptions): GatewayOptions;
  stop(): Promise<void>;
}

export interface OverGraphOptions {
  readonly flags: OverFlags;
  /** The subgraphs that are mocked. */
  readonly mocked: readonly string[];
  readonly context: Context;
  readonly output: Output;
}

/** @throws {CommandFailure} for a flag that is wrong */
export async function openOverGraph({
  flags,
  mocked,
  context,
  output,
}: OverGraphOptions): Promise<OverGraph> {
  const overlay = readOverlay(flags, context);
  const twice = mocked.find((name) => overlay.local.has(name));
  if (twice !== undefined)
    throw new CommandFailure(`weir: ${twice} is named by --local and by --mock: leave one out.`, 2);
  const base = await openBaseGraph(flags);
  const isOther = (name: string): boolean => !overlay.local.has(name) && !mocked.includes(name);
  let addresses: ReadonlyMap<string, string> = new Map();
  /** The subgraphs for which the gateway has headers, or was said to have none; undefined until it runs. */
  let withHeader: Set<string> | undefined;
  const interceptor = callOthers({
    ...{ isOther, output },
    addressOf: (name) => addresses.get(name),
    secrets: [...overlay.headers.values(), ...secretsIn(overlay.headers.values())],
  });
  return {
    name: base.name,
    async load() {
      const published = await base.read();
      requireKnown(base.name, published, overlay, mocked);
      const subgraphs = layOver(published, overlay);
      addresses = new Map(subgraphs.map(({ name, routingUrl }) => [name, routingUrl]));
      for (const name of addresses.keys()) {
        if (withHeader === undefined || withHeader.has(name) || overlay.headers.size === 0) continue;
        withHeader.add(name);
        output.say(`${name} is new in ${base.name}: it gets no --header until weir dev starts again.`);
      }
      return { file: base.name, subgraphs };
    },
    optionsOf(options) {
      withHeader = new Set(addresses.keys());
      const others = [...addresses.keys()].filter(isOther);
      return {
        ...options,
        subgraphs: withHeaders(withoutAddresses(options.subgraphs ?? {}, overlay), others, overlay),
        interceptors: [interceptor, ...(options.interceptors ?? [])],
      };
    },
    stop: () => base.stop(),
  };
}

/** @throws {SupergraphConfigError} for a subgraph of which neither the graph nor another flag knows schema and address */
function requireKnown(
  graph: string,
  published: readonly SubgraphSchema[],
  { local, schemas, addresses }: Overlay,
  mocked: readonly string[],
): void {
  const known = new Set([...published.map(({ name }) => name), ...local.keys()]);
  const wrong = [
    ...[...addresses.keys()]
      .filter((name) => !known.has(name) && !schemas.has(name))
      .map((name) => ['--at', name]),
    ...[...schemas.keys()]
      .filter((name) => !known.has(name) && !addresses.has(name) && !mocked.includes(name))
      .map((name) => ['--local-schema', name]),
  ];
  if (wrong.length === 0) return;
  const { SupergraphConfigError } = require('../../../schema') as typeof Schema;
  const names = published.map(({ name }) => name).join(', ');
  const problems = wrong.map(([flag, name]) => ({
    ...{ level: 'error' as const, code: 'CONFIG_INVALID', locations: [] },
    message: `${flag}: ${graph} has no subgraph ${name}; it has: ${names}. A new one needs --local ${name}=URL.`,
  }));
  throw new SupergraphConfigError(problems);
}

/** The subgraphs of a graph with what is put over them. */
function layOver(base: readonly SubgraphSchema[], { local, schemas, addresses }: Overlay): SubgraphConfig[] {
  const names = new Set([
    ...base.map(({ name }) => name),
    ...local.keys(),
    ...schemas.keys(),
    ...addresses.keys(),
  ]);
  return Array.from(names, (name) => {
    const published = base.find((each) => each.name === name);
    const url = local.get(name);
    const file = schemas.get(name);
    return {
      name,
      // One that is mocked gets the address of its mock.
      routingUrl: url ?? addresses.get(name) ?? published?.routingUrl ?? nowhere,
      schema:
        file !== undefined
          ? { kind: 'file', path: resolve(file) }
          : published !== undefined && (url === undefined || isSource(published))
            ? { kind: 'sdl', sdl: published.sdl, file: published.file }
            : { kind: 'url', url: url ?? addresses.get(name)!, headers: {} },
    };
  });
}

/** Whether a local API has the published schema: it does not know what joins it to the graph. */
function isSource({ sdl }: SubgraphSchema): boolean {
  const { isSourceSchema } = require('../../../schema') as typeof Schema;
  const { parse } = require('graphql') as typeof GraphQL;
  return isSourceSchema(parse(sdl, { noLocation: true }));
}

/** Of a new subgraph without an address. */
const nowhere = 'http://127.0.0.1:1/graphql';

type SubgraphsOptions = NonNullable<GatewayOptions['subgraphs']>;

/** A local subgraph gets neither the address nor the credentials of the published one. */
function withoutAddresses(subgraphs: SubgraphsOptions, { local, addresses }: Overlay): SubgraphsOptions {
  return Object.fromEntries(
    Object.entries(subgraphs).map(([name, given]) => {
      const { url, endpoints, ...elsewhere } = given;
      if (addresses.has(name)) return [name, elsewhere];
      const { auth, appsync, tls, ...here } = elsewhere;
      return [name, local.has(name) ? here : given];
    }),
  );
}

function withHeaders(
  subgraphs: SubgraphsOptions,
  names: readonly string[],
  { headers }: Overlay,
): SubgraphsOptions {
  if (headers.size === 0) return subgraphs;
  const given = names.map((name) => {
    const own = subgraphs[name] ?? {};
    const set = { ...own.headers?.set, ...Object.fromEntries(headers) };
    return [name, { ...own, headers: { ...own.headers, set } }] as const;
  });
  return { ...subgraphs, ...Object.fromEntries(given) };
}
