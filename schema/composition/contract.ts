import {
  defaultPrintOptions,
  type Directive,
  errorCauses,
  INACCESSIBLE_VERSIONS,
  inaccessibleIdentity,
  printSchema,
  shallowOrderPrintedDefinitions,
  Supergraph,
  tagIdentity,
} from '@apollo/federation-internals';
import type { Composition } from './compose';
import { type Element, hiddenByTags } from './contract-filter';
import type { Problem } from './problem';

/** The terms of a contract: which part of a graph it shows, by names of `@tag`s. */
export interface ContractTags {
  /** Keeps only fields and unions with one of these tags, on themselves or on their type. If empty, keeps all. */
  readonly include: readonly string[];
  /** Removes elements with one of these tags, whatever other tags they have. */
  readonly exclude: readonly string[];
}

/**
 * The supergraph of a contract: elements that its tags remove, or that become unreachable, are `@inaccessible`. This
 * only limits clients: query plans are those of the whole graph, and use hidden keys.
 */
export function contractSupergraph(supergraphSdl: string, tags: ContractTags): Composition {
  const { schema } = Supergraph.build(supergraphSdl, { supportedFeatures: null, validateSupergraph: false });
  const features = schema.coreFeatures!;
  const tag = features.getByIdentity(tagIdentity)?.directiveNameInSchema('tag');
  const seen = new Set<string>();
  const tagsOf = (element: Element): string[] => {
    if (tag === undefined) return [];
    const names = (element.appliedDirectivesOf(tag) as Directive[]).map((each) =>
      String(each.arguments()['name']),
    );
    for (const name of names) seen.add(name);
    return names;
  };
  if (features.getByIdentity(inaccessibleIdentity) === undefined) {
    features.coreDefinition.applyFeatureToSchema(
      schema,
      INACCESSIBLE_VERSIONS.latest(),
      undefined,
      'SECURITY',
    );
  }
  const inaccessible = features.getByIdentity(inaccessibleIdentity)!.directiveNameInSchema('inaccessible');
  const isInaccessible = (element: Element): boolean => element.hasAppliedDirective(inaccessible);
  for (const element of hiddenByTags(schema, { tags, tagsOf, isInaccessible })) {
    if (!element.hasAppliedDirective(inaccessible)) element.applyDirective(inaccessible);
  }
  const contract = printSchema(schema, shallowOrderPrintedDefinitions(defaultPrintOptions));
  const errors = errorsOf(contract);
  return errors.length > 0
    ? { errors }
    : { supergraphSdl: `${contract.trimEnd()}\n`, hints: unknownTags(tags, seen) };
}

/** The errors if the contract has no valid API schema. */
function errorsOf(contract: string): Problem[] {
  try {
    Supergraph.build(contract, { supportedFeatures: null, validateSupergraph: false }).apiSchema();
    return [];
  } catch (error) {
    const causes = errorCauses(error as Error);
    if (causes === undefined) throw error;
    return causes.map(({ message, extensions: { code } }) => ({
      level: 'error',
      code: typeof code === 'string' ? code : 'CONTRACT_FAILED',
      message,
      locations: [],
    }));
  }
}

/** Warnings for unknown tags: a mistyped name would hide nothing, or everything. */
function unknownTags({ include, exclude }: ContractTags, seen: ReadonlySet<string>): Problem[] {
  return [...include, ...exclude]
    .filter((name) => !seen.has(name))
    .map((name) => ({
      level: 'warning',
      code: 'CONTRACT_TAG_UNUSED',
      message: `No subgraph has @tag(name: "${name}"); the tags are: ${[...seen].sort().join(', ') || 'none'}.`,
      locations: [],
    }));
}
