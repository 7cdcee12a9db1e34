import { Command } from 'commander';
import { type GraphQLError, printSourceLocation, Source } from 'graphql';
import { CommandFailure, type Context } from './context';
import { readInput } from './input';
import { lazy } from './lazy';

interface ExplainFlags {
  readonly query: string;
  readonly variables?: string;
  readonly operation?: string;
  readonly supergraph: string;
}

/** `weir explain`: how the gateway would run an operation, without running it. */
export function explainCommand(context: Context): Command {
  return new Command('explain')
    .summary('print the query plan of an operation')
    .description(
      'Prints how the gateway would run an operation: which subgraph is asked for what, in which order. Nothing ' +
        'is sent to a subgraph. Exits 1 when the operation is not valid, with line and column.',
    )
    .requiredOption('-q, --query <FILE>', 'the GraphQL document')
    .option('--variables <FILE>', 'its variables, as JSON')
    .option('--operation <NAME>', 'the operation, when the document has several')
    .option('-s, --supergraph <FILE>', 'the supergraph', 'schema/supergraph.graphql')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir explain --query query.graphql\n' +
        '  $ weir explain --query shop.graphql --operation Cart --variables cart.json',
    )
    .action((flags: ExplainFlags) => explain(flags, context));
}

async function explain(flags: ExplainFlags, { stdout }: Context): Promise<void> {
  const query = await readInput(flags.query);
  const supergraphSdl = await readInput(flags.supergraph);
  const variables =
    flags.variables === undefined
      ? undefined
      : parseVariables(flags.variables, await readInput(flags.variables));
  const { explainOperation } = lazy.gateway();
  const explanation = await explainOperation({
    supergraphSdl,
    query,
    variables,
    operationName: flags.operation,
  }).catch((error: unknown) => {
    // It rejects only when the supergraph does not build.
    const [reason] = (error as Error).message.split('\n');
    throw new CommandFailure(`weir: ${flags.supergraph} cannot be planned for: ${reason}`, 2);
  });
  if ('errors' in explanation) {
    const source = new Source(query, flags.query);
    throw new CommandFailure(explanation.errors.map((error) => describe(error, source)).join('\n\n'), 1);
  }
  stdout.write(`${explanation.plan.trimEnd()}\n`);
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
  const places = (locations ?? []).map((location) => printSourceLocation(source, location));
  return [`error: ${message}`, ...places].join('\n');
}
