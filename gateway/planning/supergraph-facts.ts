/** What the gateway needs to know of a supergraph beside its plans. */
import { type DocumentNode, Kind, print } from 'graphql';
import { checkSupergraph } from '../../schema/supergraph/checks';
import { Features } from '../../schema/supergraph/features';
import { applied, isComposite } from '../../schema/supergraph/sdl';
import { visibleDefinitions } from '../../schema/supergraph/visible-definitions';
import { type CostDirectives, readCostDirectives } from './cost-directives';
import { type EntityFacts, entityFactsOf } from './entity-facts';
import { type EventFieldProblem, type EventFields, eventsSubgraph, withEventFields } from './event-fields';
import { incrementalDirectives } from './incremental-delivery';
import { type Protections, protectionsOf } from './protections';

/** Plain data: a package holds it. */
export interface SupergraphFacts {
  /** The API schema, in parts of a few definitions each, so that a large one need not be parsed at once. */
  readonly apiSchemaSdl: readonly string[];
  /**
   * The object types, interfaces and unions of the supergraph, without their fields, as a schema; undefined where the
   * API schema has them all.
   */
  readonly answerTypesSdl: string | undefined;
  /** The `@inaccessible` values of enums that clients see, by the enum's name. */
  readonly inaccessibleValues: ReadonlyMap<string, readonly string[]>;
  readonly subgraphs: readonly { readonly name: string; readonly url: string }[];
  /** The labels of progressive `@override`s. */
  readonly overrideLabels: readonly string[];
  readonly protections: Protections;
  /** Undefined for a supergraph without cost directives. */
  readonly costs: CostDirectives | undefined;
  readonly entities: EntityFacts;
  /** What `eventFields` names, and the supergraph does not have. */
  readonly eventFieldProblems: readonly EventFieldProblem[];
}

export interface ReadSupergraph {
  /** As it is planned: with events as a subgraph. */
  readonly supergraph: DocumentNode;
  readonly facts: SupergraphFacts;
}

/** Throws an `Error` with the reasons why the supergraph is refused. */
export function readSupergraph(original: DocumentNode, eventFields: EventFields): ReadSupergraph {
  const features = new Features(original);
  checkSupergraph(original, features);
  const { supergraph, problems } = withEventFields(original, eventFields);
  const { definitions, inaccessibleTypes, inaccessibleValues } = visibleDefinitions(supergraph, features);
  return {
    supergraph,
    facts: {
      apiSchemaSdl: inParts([...definitions.map(print), incrementalDirectives]),
      answerTypesSdl: answerTypesSdl(supergraph, features, inaccessibleTypes),
      inaccessibleValues,
      subgraphs: subgraphsOf(original),
      overrideLabels: overrideLabelsOf(original),
      protections: protectionsOf(supergraph, {
        authenticated: features.directiveOf('authenticated'),
        requiresScopes: features.directiveOf('requiresScopes'),
        policy: features.directiveOf('policy'),
        context: features.directiveOf('context'),
        inaccessible: features.directiveOf('inaccessible'),
      }),
      costs: readCostDirectives(supergraph, features),
      entities: entityFactsOf(original),
      eventFieldProblems: problems,
    },
  };
}

/** Characters of a part, which are parsed within a few milliseconds. */
const usualPart = 8192;

function inParts(definitions: readonly string[]): string[] {
  const parts: string[] = [];
  let part = '';
  for (const definition of definitions) {
    part += `${definition}\n\n`;
    if (part.length < usualPart) continue;
    parts.push(part);
    part = '';
  }
  return part === '' ? parts : [...parts, part];
}

function answerTypesSdl(
  { definitions }: DocumentNode,
  features: Features,
  inaccessible: ReadonlySet<string>,
): string | undefined {
  const composite = definitions.filter(isComposite).filter((node) => !features.owns(node));
  if (!composite.some(({ name }) => inaccessible.has(name.value))) return undefined;
  return composite
    .map((node) => {
      if (node.kind === Kind.UNION_TYPE_DEFINITION)
        return `union ${node.name.value} = ${(node.types ?? []).map(({ name }) => name.value).join(' | ')}`;
      const interfaces = (node.interfaces ?? []).map(({ name }) => name.value).join(' & ');
      const keyword = node.kind === Kind.OBJECT_TYPE_DEFINITION ? 'type' : 'interface';
      return `${keyword} ${node.name.value}${interfaces && ` implements ${interfaces}`} { _: Boolean }`;
    })
    .join('\n');
}

function subgraphsOf({ definitions }: DocumentNode): SupergraphFacts['subgraphs'] {
  const graphs = definitions.find(
    (node) => node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'join__Graph',
  );
  if (graphs?.kind !== Kind.ENUM_TYPE_DEFINITION) return [];
  return (graphs.values ?? []).flatMap((value) => {
    const { name = value.name.value, url = '' } = (applied(value, 'join__graph')[0] ?? {}) as {
      readonly name?: string;
      readonly url?: string;
    };
    return name === eventsSubgraph ? [] : [{ name, url }];
  });
}

function overrideLabelsOf({ definitions }: DocumentNode): string[] {
  const labels = new Set<string>();
  for (const node of definitions) {
    if (!('fields' in node)) continue;
    for (const field of node.fields ?? [])
      for (const { overrideLabel } of applied(field, 'join__field'))
        if (typeof overrideLabel === 'string') labels.add(overrideLabel);
  }
  return [...labels];
}
