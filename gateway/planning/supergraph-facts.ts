/** Reads a supergraph: what plans need of it, and what the gateway needs to know beside its plans. */
import { type DefinitionNode, type DocumentNode, Kind, TokenKind } from 'graphql';
import { Parser } from 'graphql/language/parser';
import { type SlicedWork } from '../../schema/supergraph/sliced-work';
import { type EntityFacts, entityFactsOf } from './entity-facts';
import { addEventFields, type EventFieldProblem, type EventFields } from './event-fields';
import { overriddenFields } from './overridden-fields';
import { type Protections, protectionsOf } from './protections';
import { apiSchemaParts } from '../../schema/supergraph/api-schema-parts';
import { visibleDefinitions } from '../../schema/supergraph/visible-definitions';
import { checkSupergraph } from '../../schema/supergraph/checks';
import { type CostDirectives, readCostDirectives } from '../../schema/supergraph/cost-directives';
import { Features } from '../../schema/supergraph/features';
import { type ListedSubgraph, sourcesOf } from '../../schema/supergraph/sources/sources-of';
import { indexOf } from './supergraph-index/read-supergraph';
import { type SupergraphIndex } from './supergraph-index';

/** Plain data: a package holds it. */
export interface SupergraphFacts {
  /** The API schema, in parts of a few definitions each, so that a large one need not be parsed at once. */
  readonly apiSchemaSdl: readonly string[];
  /** The composite types of the supergraph, without fields, as a schema; undefined where the API schema has them all. */
  readonly answerTypesSdl: string | undefined;
  /** The `@inaccessible` values of enums that clients see, by the enum's name. */
  readonly inaccessibleValues: ReadonlyMap<string, readonly string[]>;
  readonly subgraphs: readonly ListedSubgraph[];
  /** The labels of progressive `@override`s. */
  readonly overrideLabels: readonly string[];
  /** The labels on which the plan of a field, as `Type.field`, may depend. */
  readonly overriddenFields: ReadonlyMap<string, readonly string[]>;
  readonly protections: Protections;
  readonly costs: CostDirectives | undefined;
  readonly entities: EntityFacts;
  /** What `eventFields` names, and the supergraph does not have. */
  readonly eventFieldProblems: readonly EventFieldProblem[];
}

export interface ReadSupergraph {
  readonly facts: SupergraphFacts;
  readonly index: SupergraphIndex;
}

/** Throws an `Error` with the reasons why the supergraph is refused. */
export function* readSupergraph(sdl: string, eventFields: EventFields): SlicedWork<ReadSupergraph> {
  const document = yield* parsed(sdl);
  const features = new Features(document);
  yield* checkSupergraph(document, features);
  const index = yield* indexOf(document, features);
  const sources = sourcesOf(document);
  const { definitions, inaccessibleTypes, inaccessibleValues } = yield* visibleDefinitions(
    document,
    features,
  );
  const facts = {
    apiSchemaSdl: yield* apiSchemaParts(definitions),
    answerTypesSdl: answerTypesSdl(index, inaccessibleTypes),
    inaccessibleValues,
    subgraphs: index.subgraphs.map(({ name, url }) => ({ name, url, source: sources.get(name) })),
    overrideLabels: [...index.overrideLabels],
    overriddenFields: overriddenFields(index),
    protections: yield* protectionsOf(document, features, index),
    costs: readCostDirectives(document, features),
    entities: yield* entityFactsOf(document, index),
  };
  // Nothing else sees that events are a subgraph of what is planned.
  const eventFieldProblems = addEventFields(index, document, eventFields);
  return { facts: { ...facts, eventFieldProblems }, index };
}

function* parsed(sdl: string): SlicedWork<DocumentNode> {
  const parser = new Parser(sdl, { noLocation: true });
  const definitions: DefinitionNode[] = [];
  parser.expectToken(TokenKind.SOF);
  do {
    definitions.push(parser.parseDefinition());
    yield;
  } while (!parser.expectOptionalToken(TokenKind.EOF));
  return { kind: Kind.DOCUMENT, definitions };
}

function answerTypesSdl({ types }: SupergraphIndex, inaccessible: ReadonlySet<string>): string | undefined {
  const all = [...types.values()];
  if (!all.some(({ name }) => inaccessible.has(name))) return undefined;
  return all
    .map(({ interfaces, kind, name, objects }) => {
      if (kind === 'union') return `union ${name} = ${[...objects.keys()].join(' | ')}`;
      const implemented = interfaces.size === 0 ? '' : ` implements ${[...interfaces].join(' & ')}`;
      return `${kind === 'object' ? 'type' : kind} ${name}${implemented} { _: Boolean }`;
    })
    .join('\n');
}
