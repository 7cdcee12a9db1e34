/**
 * Progressive `@override`s: a label is on for a percentage of the requests, or for those callers whom a claim or a header
 * names. What callers decide is in the keys of answers; for a percentage, any answer of either subgraph will do.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type DocumentNode, type GraphQLSchema, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import { claimAt } from '../auth/claim';
import type { Identity } from '../auth/identity';
import type { Options } from '../options';
import type { SupergraphFacts } from '../planning';

export interface OverrideRate {
  readonly label: string;
  /** The share of requests for which the label is on. */
  readonly percent: number;
}

/** The percentage of each label: from the options, or from the label itself, as in `percent(25)`. */
export function overrideRates(labels: readonly string[], overrides: Options['overrides']): OverrideRate[] {
  return labels
    .map((label) => {
      const own = /^percent\((\d+(?:\.\d+)?)\)$/.exec(label)?.[1];
      const given = Object.hasOwn(overrides, label) ? overrides[label] : undefined;
      return { label, percent: typeof given === 'object' ? 0 : (given ?? Number(own ?? 0)) };
    })
    .filter(({ percent }) => percent > 0)
    .sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** The labels that are on for one request, sorted. */
export const chooseOverrides = (rates: readonly OverrideRate[]): readonly string[] =>
  rates.length === 0
    ? noLabels
    : rates.filter(({ percent }) => Math.random() * 100 < percent).map(({ label }) => label);

const noLabels: readonly string[] = [];

/** Who sends a request, or began a subscription. */
export interface OverrideCaller {
  readonly identity: Pick<Identity, 'claims' | 'groups'>;
  readonly head: { readonly headers: IncomingHttpHeaders };
}

/** What a caller decides of the plan of one operation. */
export interface CallerOverrides {
  /** The labels that are on, sorted. */
  readonly on: readonly string[];
  /** The headers that may decide. */
  readonly vary: readonly string[];
  /** Whether another caller with the same of these headers may get another answer. */
  readonly isPrivate: boolean;
}

/** Finds, for an operation, how its callers decide; undefined where they decide nothing. */
export function findCallerOverrides(
  { overriddenFields }: Pick<SupergraphFacts, 'overriddenFields'>,
  overrides: Options['overrides'],
):
  | ((
      document: DocumentNode,
      schema: GraphQLSchema,
    ) => ((caller: OverrideCaller) => CallerOverrides) | undefined)
  | undefined {
  const all = Object.entries(overrides)
    .flatMap(([label, given]) => (typeof given === 'object' ? { ...given, label } : []))
    .sort((a, b) => (a.label < b.label ? -1 : 1));
  if (all.length === 0 || overriddenFields.size === 0) return undefined;
  return (document, schema) => {
    const used = new Set(fieldsIn(document, schema).flatMap((field) => overriddenFields.get(field) ?? []));
    const own = all.filter(({ label }) => used.has(label));
    if (own.length === 0) return undefined;
    const vary = [...new Set(own.flatMap(({ header }) => header ?? []))];
    const hasClaims = own.some(({ claim }) => claim !== undefined);
    return (caller) => ({
      on: own.filter((label) => isOn(label, caller)).map(({ label }) => label),
      vary,
      // Without the header nobody's groups count.
      isPrivate: hasClaims || vary.some((header) => caller.head.headers[header] !== undefined),
    });
  };
}

type CallerLabel = Exclude<Options['overrides'][string], number> & { readonly label: string };

function isOn(
  { label, claim, header, groups = [] }: CallerLabel,
  { identity, head }: OverrideCaller,
): boolean {
  const value = claim === undefined ? head.headers[header!] : claimAt(identity.claims, claim);
  if (claim !== undefined)
    return value === true || value === label || (Array.isArray(value) && value.includes(label));
  if (typeof value !== 'string' || value.length > longestHeader) return false;
  const isAllowed = groups.some((group) => identity.groups.includes(group));
  return isAllowed && value.split(',').some((each) => each.trim() === label);
}

const longestHeader = 1024;

/** As `Type.field`. */
function fieldsIn(document: DocumentNode, schema: GraphQLSchema): string[] {
  const fields: string[] = [];
  const types = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(types, {
      Field({ name }) {
        fields.push(`${types.getParentType()?.name}.${name.value}`);
      },
    }),
  );
  return fields;
}
