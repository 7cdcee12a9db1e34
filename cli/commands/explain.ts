import { Command } from 'commander';
import type { GraphQLError, Source } from 'graphql';
import { CommandFailure, type Context } from '../context';
import { readInput } from '../terminal/input';
import type { OperationExplanation } from '../../gateway/explain/explain';
import { forOneGraph, OptionsReader, withOptionsErrors } from '../gateway-options';
import type * as Explain from '../../gateway/explain/explain';
import type * as ReadSupergraph from '../../gateway/process/read-supergraph';
import type * as GraphQL from 'graphql';
import { formatOption } from '../registry/registry';

/** Loaded only when it is needed, as it takes long. */
const loadGraphQL = () => require('graphql') as typeof GraphQL;

interface ExplainFlags {
  readonly query: string;
  readonly variables?: string;
  readonly operation?: string;
  readonly supergraph?: string;
  readonly config?: string;
  readonly override?: readonly string[];
  readonly why?: true;
  readonly format: string;
}

/** `weir explain`: shows how the gateway would run an operation, without running it. */
export function explainCommand(context: Context): Command {
  return new Command('explain')
    .summary('print the query plan of an operation, and what would be merged, batched and cached')
    .description(
      'Prints how the gateway would run an operation: its query plan, the subgraph calls, what these share with ' +
        'other requests, and what is cached for how long. Nothing is sent to a subgraph. Exits 1 if the operation ' +
        'is not valid, with line and column.',
    )
    .requiredOption('-q, --query <FILE>', 'the GraphQL document')
    .option('--variables <FILE>', 'its variables, as JSON')
    .option('--operation <NAME>', 'the operation, when the document has several')
    .option(
      '-s, --supergraph <SOURCE>',
      'a file, an http(s) or s3:// URL, or registry:LOCATION#GRAPH@VARIANT (default: `supergraph` of the options)',
    )
    .option('-c, --config <FILE>', 'options of the gateway, in YAML (default: the defaults)')
    .option('--override <LABEL...>', 'labels of progressive `@override`s that are on (default: none)')
    .option('--why', 'say why the plan has each fetch, and what the next best plan would cost')
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir explain --query query.graphql --config weir.yaml\n' +
        '  $ weir explain --query shop.graphql --operation Cart --variables cart.json\n' +
        '  $ weir explain --query query.graphql --why\n' +
        '  $ weir explain --query query.graphql --format json | jq .calls\n' +
        "  $ weir explain --query query.graphql --supergraph 'registry:dynamodb://weir-registry?region=eu-west-1#shop@prod'",
    )
    .action((flags: ExplainFlags) => explain(flags, context));
}

async function explain(flags: ExplainFlags, context: Context): Promise<void> {
  const { stdout, env } = context;
  const query = await readInput('--query', flags.query, env);
  const variables =
    flags.variables === undefined
      ? undefined
      : parseVariables(flags.variables, await readInput('--variables', flags.variables, env));
  const { config, supergraph } = flags;
  const reader = new OptionsReader(
    { ...(config !== undefined && { config }), ...(supergraph !== undefined && { supergraph }) },
    context,
    undefined,
    forOneGraph(flags),
  );
  const options = await withOptionsErrors(() => reader.read(), reader);
  const supergraphSdl = await withOptionsErrors(
    () => (require('../../gateway/process/read-supergraph') as typeof ReadSupergraph).readSupergraph(options),
    reader,
  );
  const explanation = await (require('../../gateway/explain/explain') as typeof Explain)
    .explainOperation({
      supergraphSdl,
      query,
      variables,
      operationName: flags.operation,
      overrideLabels: flags.override,
      why: flags.why === true,
      options,
    })
    .catch((error: unknown) => {
      // It rejects only if the supergraph cannot be built.
      throw new CommandFailure(
        `weir: ${supergraph ?? 'the supergraph'} cannot be planned for: ${(error as Error).message}`,
        2,
      );
    });
  if (flags.format === 'json') {
    stdout.write(`${JSON.stringify(explanation, null, 2)}\n`);
    if ('errors' in explanation) throw new CommandFailure('', 1);
    return;
  }
  if ('errors' in explanation) {
    const source = new (loadGraphQL().Source)(query, flags.query);
    throw new CommandFailure(explanation.errors.map((error) => describe(error, source)).join('\n\n'), 1);
  }
  stdout.write(`${[explanation.plan.trimEnd(), ...report(explanation)].join('\n')}\n`);
}

/** The lines below the plan: the calls, what they share, and what is cached. */
function report({ calls, deferred, subscription, subgraphs, answer }: OperationExplanation): string[] {
  const fetches = calls.flatMap((call) => call.fetches).length;
  const places = new Set(
    calls.map(({ step, subgraph, kind }, i) => (kind === 'mutation' ? i : `${step} ${kind} ${subgraph}`)),
  );
  const count = places.size === calls.length ? `${calls.length}` : `${places.size} to ${calls.length}`;
  const merged = fetches === calls.length ? '' : `, for ${fetches} fetches of the plan`;
  const meeting =
    places.size === calls.length
      ? ''
      : '; calls of one step and subgraph are merged if they are ready at the same time';
  return [
    ...['', `Calls: ${count}${merged}${meeting}`],
    ...table(
      calls.map((call) => [
        `step ${call.step}`,
        call.subgraph,
        call.fetches
          .map(
            ({ asks, path, upstream }) =>
              `${asks.join(', ')}${path === '' ? '' : ` at ${path}`}${upstream === undefined ? '' : ` (${describeUpstream(upstream)})`}`,
          )
          .join(' + '),
      ]),
    ),
    ...(deferred === undefined ? [] : ['', 'Deferred, for clients that accept answers in parts']),
    ...(deferred?.length === 0 ? ['  nothing: all of it comes with the calls of the rest'] : []),
    ...table((deferred ?? []).map(partRow)),
    ...['', 'Shared with other requests'],
    ...table(subgraphs.map(({ name, shared }) => [name, shared])),
    ...(subscription === undefined ? [] : ['', 'Shared with other subscriptions']),
    ...table(Object.entries(subscription ?? {})),
    ...['', 'Cached'],
    ...table([...subgraphs.map(({ name, kept }) => [name, kept]), ['the answer', answer]]),
  ];
}

type Upstream = NonNullable<OperationExplanation['calls'][number]['fetches'][number]['upstream']>;

const describeUpstream = (upstream: Upstream): string =>
  upstream.length === 0
    ? 'without a call'
    : upstream.map(({ request, of }) => `${request}${of === 'each' ? ' for each' : ''}`).join(', ');

function partRow({ label, path, waitsFor }: NonNullable<OperationExplanation['deferred']>[number]): string[] {
  const name = label === undefined ? 'a fragment' : `"${label}"`;
  const calls = waitsFor.map(({ subgraph, asks }) => `${subgraph} (${asks.join(', ')})`);
  return [`${name}${path === '' ? '' : ` at ${path}`}`, `waits for ${calls.join(', ')}`];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}`.trimEnd());
}

function parseVariables(file: string, text: string): Readonly<Record<string, unknown>> {
  let variables: unknown;
  try {
    variables = JSON.parse(text);
  } catch (error) {
    throw new CommandFailure(`weir: ${file} must hold JSON: ${(error as Error).message}.`, 2);
  }
  if (typeof variables === 'object' && variables !== null && !Array.isArray(variables)) {
    return variables as Record<string, unknown>;
  }
  throw new CommandFailure(`weir: ${file} must hold a JSON object, one member for each variable.`, 2);
}

function describe({ message, locations }: GraphQLError, source: Source): string {
  const places = (locations ?? []).map((location) => loadGraphQL().printSourceLocation(source, location));
  return [`error: ${message}`, ...places].join('\n');
}
