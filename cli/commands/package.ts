import { Command } from 'commander';
import type { Context } from '../context';
import type { OwnFlags } from '../gateway-options';
import type * as PackageGateway from '../package/package-gateway';
import type * as PackageSubgraph from '../package/package-subgraph';

export interface PackageGatewayFlags extends Pick<OwnFlags, 'config' | 'supergraph'> {
  readonly out: string;
  readonly stream?: true;
}

export interface PackageSubgraphFlags {
  readonly out?: string;
}

/** `weir package`: writes what AWS Lambda runs, and the template that deploys it. */
export function packageCommand(context: Context): Command {
  const gateway = new Command('gateway')
    .summary('write the gateway as a function of AWS Lambda')
    .description(
      'Writes the folder `code` with all that a function of AWS Lambda needs (`index.handler`, and ' +
        '`index.streamHandler` for one that streams): the code in one file, the options, the supergraph, and the query ' +
        'plans of the operations in `persistedOperations.manifest`. Such an operation is answered without a ' +
        'planner. The supergraph is fixed: a newer one is a new package. Beside it, template.yaml deploys ' +
        'it with AWS SAM, with a policy that allows what the options need, and nothing else.',
    )
    .option('-c, --config <FILE>', 'options of the gateway, in YAML (default: the defaults)')
    .option(
      '-s, --supergraph <SOURCE>',
      'a file, an http(s) or s3:// URL, or registry:LOCATION#GRAPH@VARIANT',
    )
    .option(
      '-o, --out <FOLDER>',
      'where it is written; a package that is there is replaced',
      'package/gateway',
    )
    .option('--stream', 'the template deploys a function that streams: subscriptions and @defer')
    .addHelpText(
      'after',
      `\n${needs}\n\nExamples:\n` +
        '  $ weir package gateway --config weir.yaml\n' +
        "  $ weir package gateway --config weir.yaml --supergraph 'registry:dynamodb://weir-registry?region=eu-west-1#shop@prod'",
    )
    .action((flags: PackageGatewayFlags) =>
      (require('../package/package-gateway') as typeof PackageGateway).packageGateway(flags, context),
    );
  const subgraph = new Command('subgraph')
    .summary('write a subgraph as a function of AWS Lambda')
    .description(
      'Writes the folder `code` with all that a function of AWS Lambda needs (`index.handler`) for a subgraph that is ' +
        'written with `weir/subgraph`: the code in one file, its schema, and the definitions of its workflows, which ' +
        'are the files *.graphql and *.asl.json in the folder of its module. Beside it, template.yaml deploys it with ' +
        'AWS SAM: with its tables, topic, queues and state machines, and a policy that allows what the code declares, ' +
        'and nothing else.',
    )
    .argument('<MODULE>', 'a file that exports `handler`, or the name of a subgraph of the reference graph')
    .option(
      '-o, --out <FOLDER>',
      'where it is written; a package that is there is replaced (default: package/NAME)',
    )
    .addHelpText(
      'after',
      `\n${needs}\n\nExamples:\n` +
        '  $ weir package subgraph reviews\n' +
        '  $ weir package subgraph services/books/index.ts --out package/books',
    )
    .action((module: string, flags: PackageSubgraphFlags) =>
      (require('../package/package-subgraph') as typeof PackageSubgraph).packageSubgraph(
        module,
        flags,
        context,
      ),
    );
  return new Command('package')
    .summary('write a function of AWS Lambda')
    .description('Writes the code of a function of AWS Lambda, and the template of AWS SAM that deploys it.')
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ weir package gateway --config weir.yaml\n  $ weir package subgraph reviews',
    )
    .addCommand(gateway)
    .addCommand(subgraph);
}

const needs =
  'Needs esbuild: `npm install --save-dev esbuild`. Run it with the version of Node\n' +
  'that the function has: another one compiles the code at each start.';
