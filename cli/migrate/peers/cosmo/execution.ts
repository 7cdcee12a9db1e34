/** The execution config of Cosmo: which subgraphs there are, where they are, and their schemas. */
import { stringify } from 'yaml';
import { type ForeignValue, isMap, valueAt } from '../../foreign';
import { different, none, type Row, same, type Outcome } from '../../table';
import type { Position } from '../../translate';
import { byHand } from '../../values';

interface Subgraph {
  readonly name: string;
  readonly url: string;
  readonly schema: string | undefined;
  readonly subscriptions: string | undefined;
}

export const executionRows: readonly Row[] = [
  same('version', '', undefined, 'It is that of the file.'),
  same('compatibilityVersion', '', undefined, 'It is that of the file.'),
  same('subgraphs.*.name', '`subgraphs` of supergraph.yaml'),
  same('subgraphs.*.id', '`subgraphs` of supergraph.yaml'),
  same('subgraphs.*.routingUrl', '`subgraphs` of supergraph.yaml'),
  same('engineConfig.graphqlSchema', '`supergraph`', (value, at) => {
    if (typeof value !== 'string' || !value.includes('join__Graph'))
      return byHand(
        'It has no plans of its own in it: the supergraph is composed of the schemas of the subgraphs.',
      );
    at.write('supergraph.graphql', unescaped(value));
    at.set('supergraph', 'supergraph.graphql');
    return undefined;
  }),
  none('engineConfig.graphqlClientSchema', 'The gateway derives it from the supergraph.'),
  same('engineConfig.datasourceConfigurations.**', 'supergraph.yaml, `subgraphs`', writeGraph),
  none('engineConfig.stringStorage.**', 'Schemas of subgraphs are in files of their own.'),
  none('engineConfig.**', 'The gateway works it out from the supergraph.'),
  different(
    'featureFlagConfigs.**',
    '',
    'Run a gateway, or a [canary](registry.md), for each variant of the graph.',
  ),
];

/** Writes `supergraph.yaml`, and a file for the schema of each subgraph. */
function writeGraph(value: ForeignValue, at: Position): Outcome | undefined {
  const subgraphs = subgraphsIn(value, at);
  const composed = subgraphs.filter(({ schema }) => schema !== undefined);
  for (const { name, subscriptions, url } of subgraphs)
    if (subscriptions !== undefined && subscriptions !== '' && subscriptions !== url)
      at.set(['subgraphs', name, 'subscriptions', 'url'], subscriptions);
  if (composed.length === 0)
    return byHand('It has no schemas of subgraphs: compose the supergraph with `weir compose`.');
  for (const { name, schema } of composed) at.write(fileOf(name), `${schema!.trimEnd()}\n`);
  const entries = composed.map(
    ({ name, url }) => [name, { routing_url: url, schema: { file: fileOf(name) } }] as const,
  );
  at.write(
    'supergraph.yaml',
    `# From the execution config of Cosmo. \`weir compose supergraph.yaml --out supergraph.graphql\` composes it.\n${stringify({ federation_version: 2, subgraphs: Object.fromEntries(entries) })}`,
  );
  at.otherwise(
    ['supergraph'],
    'supergraph.graphql',
    'what `weir compose supergraph.yaml --out supergraph.graphql` writes',
  );
  return composed.length === subgraphs.length
    ? undefined
    : byHand('Some of them have no schema in it: add them to supergraph.yaml.');
}

const fileOf = (name: string): string =>
  `schemas/${/^[A-Za-z0-9][\w.-]*$/.test(name) ? name : encodeURIComponent(name).replaceAll('.', '%2E')}.graphql`;

function subgraphsIn(value: ForeignValue, at: Position): Subgraph[] {
  const listed = at.inFile('subgraphs');
  const byId = new Map(
    (Array.isArray(listed) ? (listed as ForeignValue[]) : [])
      .filter(isMap)
      .map((each) => [each.get('id'), each]),
  );
  return (Array.isArray(value) ? (value as ForeignValue[]) : []).flatMap((source) => {
    const graphql = valueAt(source, ['customGraphql']);
    if (graphql === undefined) return [];
    const named = byId.get(valueAt(source, ['id']));
    const name =
      textOf(named?.get('name')) ?? textOf(valueAt(source, ['name'])) ?? textOf(valueAt(source, ['id']));
    const url =
      textOf(named?.get('routingUrl')) ?? textOf(valueAt(graphql, ['fetch', 'url', 'staticVariableContent']));
    if (name === undefined || url === undefined) return [];
    const schema = textOf(valueAt(graphql, ['federation', 'serviceSdl'])) ?? storedSchema(graphql, at);
    return [
      {
        name,
        url,
        schema,
        subscriptions: textOf(valueAt(graphql, ['subscription', 'url', 'staticVariableContent'])),
      },
    ];
  });
}

/** A schema may be named by its key in the storage of texts. */
function storedSchema(graphql: ForeignValue, at: Position): string | undefined {
  const key = textOf(valueAt(graphql, ['upstreamSchema', 'key']));
  return key === undefined ? undefined : textOf(at.inFile('engineConfig', 'stringStorage', key));
}

const textOf = (value: ForeignValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? unescaped(value) : undefined;

/** Files that are no options have no references. */
const unescaped = (text: string): string => text.replaceAll('$${', '${');
