import type { GraphQLSchema } from 'graphql';
import { apiSchemaOf } from '../composition/api-schema';
import { changesBetween, type SchemaChange } from './changes';
import type { Composition, SubgraphSchema } from '../composition/compose';
import { composeSupergraph, contractSupergraph } from '../composition/composer';
import type { ContractTags } from '../composition/contract';
import { type LintRules, lintSchema } from './lint';
import { locateCoordinate } from './locate-coordinate';
import type { Problem, ProblemLocation } from '../composition/problem';
import type { Usage, UsedOperation } from '../registry/usage';

export interface CheckOptions {
  /** The current supergraph; undefined before the first. */
  readonly before: string | undefined;
  /** All subgraphs, with the change. */
  readonly subgraphs: readonly SubgraphSchema[];
  /** The terms of the variant, if it is a contract. */
  readonly contract?: ContractTags | undefined;
  /** The contracts made from the variant. Their clients must not break, either. @default none */
  readonly contracts?: readonly RunningContract[];
  /** The names of the subgraphs to publish. Only these are linted, and locations are in their files. */
  readonly proposed: readonly string[];
  /** Reads how clients use the current schema; undefined without usage data. */
  readonly readUsage?: ReadUsage | undefined;
  /** The most requests that a breaking change may affect without failing the check. @default none */
  readonly threshold?: Threshold | undefined;
  readonly lint: LintRules;
}

export type ReadUsage = (schema: GraphQLSchema) => Promise<Usage>;

/** A contract and its current supergraph. */
export interface RunningContract {
  /** Such as `shop@public`. */
  readonly name: string;
  readonly tags: ContractTags;
  readonly before: string;
  readonly readUsage: ReadUsage;
}

/** Requests in the window, or a share of all of them. */
export type Threshold = { readonly requests: number } | { readonly share: number };

export interface CheckedChange extends SchemaChange {
  /** `allowed`: it is breaking, but affects no more requests than the threshold. */
  readonly verdict: 'fails' | 'allowed' | 'passes';
  /** The operations that would break; empty without usage data. */
  readonly operations: readonly UsedOperation[];
  readonly requests: number;
  readonly locations: readonly ProblemLocation[];
}

/** The result of a check for a variant. */
export interface CheckedVariant {
  readonly passed: boolean;
  /** Why the schemas do not compose; then nothing else was checked. */
  readonly errors: readonly Problem[];
  readonly hints: readonly Problem[];
  readonly changes: readonly CheckedChange[];
  readonly usage: Pick<Usage, 'requests' | 'firstDay' | 'operations'> | undefined;
}

export interface CheckResult extends CheckedVariant {
  readonly lint: readonly Problem[];
  /** The results for contracts, by name. If one fails, the check fails. */
  readonly contracts: Readonly<Record<string, CheckedVariant>>;
  /** The new supergraph. */
  readonly supergraphSdl: string | undefined;
}

/** Checks whether schemas compose, and which clients they would break. */
export async function checkSchemas(options: CheckOptions): Promise<CheckResult> {
  const { before, subgraphs, contract, proposed, readUsage, threshold = { requests: 0 } } = options;
  const own = subgraphs.filter(({ name }) => proposed.includes(name));
  const composed = composeSupergraph({ subgraphs });
  const after =
    contract === undefined || composed.errors
      ? composed
      : contractSupergraph(composed.supergraphSdl, contract);
  const weigh = { own, threshold };
  const checked = await checkVariant({ before, after, readUsage, ...weigh });
  if (after.errors) return { ...checked, lint: [], contracts: {}, supergraphSdl: undefined };

  const lint = own.flatMap((subgraph) => lintSchema(subgraph, options.lint));
  const { supergraphSdl } = after;
  const contracts: Record<string, CheckedVariant> = {};
  for (const { name, tags, ...running } of options.contracts ?? []) {
    const after = contractSupergraph(supergraphSdl, tags);
    contracts[name] = await checkVariant({ ...running, after, ...weigh });
  }
  const passed =
    checked.passed &&
    lint.every(({ level }) => level !== 'error') &&
    Object.values(contracts).every(({ passed }) => passed);
  return { ...checked, passed, lint, contracts, supergraphSdl };
}

interface VariantToCheck {
  readonly before: string | undefined;
  readonly after: Composition;
  readonly own: readonly SubgraphSchema[];
  readonly readUsage: ReadUsage | undefined;
  readonly threshold: Threshold;
}

/** Compares the current and the new schema of clients, and checks breaking changes against usage. */
async function checkVariant(variant: VariantToCheck): Promise<CheckedVariant> {
  const { before, after, own, readUsage, threshold } = variant;
  const { errors = [], hints = [] } = after;
  const result = { errors, hints, changes: [], usage: undefined };
  if (after.errors) return { ...result, passed: false };
  if (before === undefined) return { ...result, passed: true };

  const schema = apiSchemaOf(before);
  const found = await changesBetween(schema, apiSchemaOf(after.supergraphSdl));
  const usage = await readUsage?.(schema);
  const changes = found.map((change): CheckedChange => {
    const operations = change.severity === 'breaking' ? (usage?.using(change.concerns) ?? []) : [];
    const requests = operations.reduce((sum, each) => sum + each.requests, 0);
    const verdict = verdictOf(change, requests, usage, threshold);
    return { ...change, verdict, operations, requests, locations: locateCoordinate(change.coordinate, own) };
  });
  return { ...result, changes, usage, passed: changes.every(({ verdict }) => verdict !== 'fails') };
}

function verdictOf(
  { severity }: SchemaChange,
  requests: number,
  usage: Usage | undefined,
  threshold: Threshold,
): CheckedChange['verdict'] {
  if (severity !== 'breaking') return 'passes';
  // Without counted requests it is not known that no client would break.
  if (usage === undefined || usage.requests === 0) return 'fails';
  const most = 'requests' in threshold ? threshold.requests : threshold.share * usage.requests;
  return requests > most ? 'fails' : 'allowed';
}
