import { Command, InvalidArgumentError, Option } from 'commander';
import type {
  CheckOptions,
  CheckResult,
  ReadUsage,
  Registry,
  RunningContract,
  SubgraphChange,
  SubgraphSchema,
  Threshold,
  UsedOperation,
} from '../../schema';
import { CommandFailure, type Context } from '../context';
import { addRegistryFlags, formatOption, type RegistryFlags, withRegistry } from '../registry/registry';
import { toolsIn } from '../mcp/tools-in';
import {
  type BrokenTool,
  formatReport,
  isAnnotation,
  type PlanWarning,
  type ReportFormat,
  reportFormats,
} from '../registry/check-report';
import { paintFor } from '../terminal/colours';
import type * as PlanCosts from '../../gateway/explain/plan-costs';
import type * as Schema from '../../schema';
import { readInput } from '../terminal/input';
import { type Introspect, withIntrospection } from '../registry/introspection';
import { addSchemaFlags, readChanges, type SchemaFlags } from '../registry/subgraph-changes';

/** Loaded only when it is needed, as it takes long. */
const loadSchema = () => require('../../schema') as typeof Schema;

interface CheckFlags extends RegistryFlags, SchemaFlags {
  readonly against?: string;
  /** Days. */
  readonly since: number;
  readonly threshold: Threshold;
  readonly excludeClient: readonly string[];
  readonly lint?: string;
  readonly tools?: string;
  readonly plans: number;
  readonly format: ReportFormat;
}

/** `weir check`: checks whether a schema composes, and which clients it would break. */
export function checkCommand(context: Context): Command {
  const command = new Command('check')
    .summary('check whether a schema composes, and which clients it would break')
    .description(
      'Composes the schema with those of all other subgraphs, and compares the result with the current graph. ' +
        'Breaking changes are compared with the operations that clients sent. Nothing is changed. Exits 1 if the ' +
        'schema does not compose, breaks clients or tools of agents, or violates a style rule that is an error.',
    )
    .argument('[SUBGRAPH]', 'its name; left out with --config');
  return addRegistryFlags(addSchemaFlags(command))
    .option(
      '--against <FILE>',
      "the current graph, without a registry: a supergraph, or a configuration in Rover's format",
    )
    .addOption(
      new Option('--since <DAYS>', 'how many days of usage to consider, such as 7d')
        .argParser(days)
        .default(30, '30d'),
    )
    .addOption(
      new Option('--threshold <N>', 'requests in this time that may break, or their share such as 0.1%')
        .argParser(thresholdOf)
        .default({ requests: 0 }, '0'),
    )
    .addOption(
      new Option('--exclude-client <NAME>', 'a client that may break, or NAME@VERSION; may be repeated')
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--lint <FILE>', 'style rules, in YAML such as `type-names: error`; docs/registry.md lists them')
    .option('--tools <FILE>', 'options of a gateway, whose operations for agents (`mcp`) must fit the graph')
    .option(
      '--plans <N>',
      'how many of the most used operations to plan, for warnings of slower plans',
      count,
      10,
    )
    .addOption(formatOption(...reportFormats))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir check reviews --schema schema.graphql --graph shop@prod\n' +
        '  $ weir check reviews --schema schema.graphql --since 7d --threshold 0.1% --exclude-client smoke-test\n' +
        '  $ weir check --config schema/supergraph.yaml --against schema/supergraph.graphql',
    )
    .action((name: string | undefined, flags: CheckFlags) =>
      withIntrospection(flags, context, (calls) => check(name, flags, context, calls)),
    );
}

async function check(
  name: string | undefined,
  flags: CheckFlags,
  context: Context,
  calls: Introspect,
): Promise<void> {
  const changes = await readChanges(name, flags, context, calls);
  const { checkSchemas, defaultLintRules, readLintRules, RegistryError } = loadSchema();
  const lint =
    flags.lint === undefined
      ? defaultLintRules
      : await readLintRules(flags.lint).catch((error: unknown) => {
          throw error instanceof RegistryError ? new CommandFailure(`weir: ${error.message}`, 2) : error;
        });
  const run = async ({ name, ...base }: Base): Promise<void> => {
    const { before } = base;
    const proposed = changes.map((change) => change.name);
    const result = await checkSchemas({ ...base, proposed, threshold: flags.threshold, lint });
    const plans = await comparePlans(before, result, flags.plans);
    const tools = await brokenTools(flags.tools, result, context);
    const passed = result.passed && tools.length === 0;
    const report = { result, passed, tools, plans, name, isFirst: before === undefined, since: flags.since };
    const { stdout, stderr } = context;
    stdout.write(formatReport(report, flags.format, paintFor(stdout, context)));
    // Annotation formats are not readable in the log of a job, so the log gets the text format.
    if (isAnnotation(flags.format)) stderr.write(formatReport(report, 'text', paintFor(stderr, context)));
    if (!passed) throw new CommandFailure('', 1);
  };
  if (flags.against !== undefined)
    return run(await readBase({ file: flags.against, changes, flags, context, calls }));
  return withRegistry(flags, async (registry) => run(await registryBase(registry, changes, flags)));
}

/** The current state, and the one after the change. */
interface Base extends Pick<CheckOptions, 'before' | 'subgraphs' | 'contract' | 'contracts' | 'readUsage'> {
  readonly name: string;
}

async function registryBase(
  registry: Registry,
  changes: readonly SubgraphChange[],
  { since, excludeClient }: CheckFlags,
): Promise<Base> {
  const start = new Date(Date.now() - since * 86_400_000);
  const usageOf =
    ({ usage }: Registry): ReadUsage =>
    (schema) =>
      loadSchema().readUsage(usage, { since: start, excludedClients: excludeClient, schema });
  const running = async (variant: Registry) => {
    const newest = await variant.current();
    const before = newest?.supergraph === undefined ? undefined : await variant.supergraph(newest);
    return { name: variant.name, before, tags: newest?.contract, readUsage: usageOf(variant) };
  };
  const { tags: contract, ...base } = await running(registry);
  const followers = await Promise.all((await registry.contracts()).map(running));
  const contracts = followers.flatMap(({ before, tags, ...follower }): RunningContract[] =>
    before === undefined || tags === undefined ? [] : [{ ...follower, before, tags }],
  );
  return { ...base, contract, contracts, subgraphs: await registry.proposal(changes) };
}

interface ReadBase {
  readonly file: string;
  readonly changes: readonly SubgraphChange[];
  readonly flags: CheckFlags;
  readonly context: Context;
  readonly calls: Introspect;
}

async function readBase({
  file,
  changes,
  flags: { config },
  context: { env },
  calls,
}: ReadBase): Promise<Base> {
  const toSchema = ({ routingUrl = 'http://unknown', ...change }: SubgraphChange): SubgraphSchema => ({
    ...change,
    routingUrl,
  });
  if (/\.ya?ml$/.test(file)) {
    const { composeFile, formatProblem } = loadSchema();
    const composed = await composeFile({ file, env, ...calls });
    if (composed.errors)
      throw new CommandFailure(
        `${composed.errors.map(formatProblem).join('\n\n')}\nweir: ${file} does not compose: there is nothing to check against.`,
        2,
      );
    const others = composed.subgraphs.filter(({ name }) => !changes.some((change) => change.name === name));
    const routed = changes.map((change) => ({
      ...toSchema(change),
      ...pickUrl(composed.subgraphs.find(({ name }) => name === change.name)),
    }));
    const subgraphs = config === undefined ? [...others, ...routed] : routed;
    return { name: file, before: composed.supergraphSdl, subgraphs };
  }
  if (config === undefined)
    throw new CommandFailure(
      `weir: ${file} has no schemas of single subgraphs: check all with --config FILE, or against a configuration.`,
      2,
    );
  const before = await readInput('--against', file, env);
  return { name: file, before, subgraphs: changes.map(toSchema) };
}

const pickUrl = (known: SubgraphSchema | undefined): { routingUrl?: string } =>
  known === undefined ? {} : { routingUrl: known.routingUrl };

/** The most used operations whose plans would have more calls, or more calls in sequence. */
async function comparePlans(
  before: string | undefined,
  { usage, supergraphSdl }: CheckResult,
  most: number,
): Promise<PlanWarning[]> {
  const operations: readonly UsedOperation[] = (usage?.operations ?? [])
    .filter(({ text }) => text !== '')
    .slice(0, most);
  if (before === undefined || supergraphSdl === undefined || operations.length === 0) return [];
  const { measurePlans } = require('../../gateway/explain/plan-costs') as typeof PlanCosts;
  const texts = operations.map(({ text }) => text);
  const [now, then] = await Promise.all([measurePlans(before, texts), measurePlans(supergraphSdl, texts)]);
  return operations.flatMap((operation, index) => {
    const before = now[index];
    const after = then[index];
    const isSlower = before && after && (after.fetches > before.fetches || after.chain > before.chain);
    return isSlower ? [{ operation, before, after }] : [];
  });
}

/** The operations of `mcp` in an options file that would not be tools any more. */
async function brokenTools(
  config: string | undefined,
  { supergraphSdl }: CheckResult,
  context: Context,
): Promise<BrokenTool[]> {
  if (config === undefined || supergraphSdl === undefined) return [];
  const { leftOut } = await toolsIn({ config, supergraph: 'checked.graphql' }, context, () =>
    Promise.resolve(supergraphSdl),
  );
  return leftOut.flatMap(({ name, file, reason, isInvalid, location }) =>
    isInvalid
      ? [{ name, reason, location: { file, line: location?.line ?? 1, column: location?.column ?? 1 } }]
      : [],
  );
}

function days(text: string): number {
  const [, amount] = /^([1-9]\d?)d$/.exec(text) ?? [];
  if (amount !== undefined && Number(amount) <= 90) return Number(amount);
  throw new InvalidArgumentError('It must be a number of days from 1d to 90d.');
}

function thresholdOf(text: string): Threshold {
  const [, amount, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  if (amount === undefined || (percent === '' && amount.includes('.')))
    throw new InvalidArgumentError('It must be a number of requests, or a share such as 0.1%.');
  return percent === '' ? { requests: Number(amount) } : { share: Number(amount) / 100 };
}

function count(text: string): number {
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number from 0 to 999.');
}

const collect = (value: string, others: readonly string[]): string[] => [...others, value];
