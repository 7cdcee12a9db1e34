import {
  type DocumentNode,
  getOperationAST,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type OperationTypeNode,
  parse,
  print,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { SlicedTask } from '../../net/sliced-tasks';
import { requestError } from '../../errors';
import type { Options } from '../../options';
import {
  type PlannedOperation,
  type Planner,
  type PlannerContext,
  type Protections,
  type QueryPlan,
  type Requirement,
  requirementLabel,
} from '../../planning';
import type { Logger } from '../../telemetry/logger';
import { type Identity, isSignedIn } from '../identity';
import { DeniedFields } from './denied-fields';
import { withoutRefused } from './filter';
import { type Policies } from './policies';
import { Protection } from './protection';
import { outOfReach } from './reach';
import { Visibility } from './visibility';
import { visibleSchema } from './visible-schema';

export interface AuthorizationOptions {
  readonly facts: Protections;
  /** The API schema. */
  readonly schema: GraphQLSchema;
  readonly options: Pick<Options['authorization'], 'refused' | 'introspection'>;
  readonly policies: Policies;
  readonly logger: Logger;
}

/** What is refused to a caller of an operation: labels of requirements and names of fields, sorted. Mostly empty. */
export type RefusedLabels = readonly string[];

/** How an operation is run for a caller who may not see all of it. */
export type RefusedPlan =
  | {
      readonly kind: 'plan';
      readonly plan: QueryPlan;
      /** The planned document. */
      readonly document: string;
      readonly refusals: Visibility;
    }
  /** The operation is rejected. */
  | { readonly kind: 'rejected'; readonly fields: readonly string[] };

/** Decides which fields of an operation a caller may see, for one supergraph. */
export class Authorization {
  readonly #options: AuthorizationOptions;
  readonly #protection: Protection;
  readonly #denied: DeniedFields;
  readonly #schemas = new LRUCache<string, GraphQLSchema>({ max: mostSchemas });
  /** By what is refused: callers without an account share one. */
  readonly #visibilities = new LRUCache<string, Visibility>({ max: mostVisibilities });

  constructor(options: AuthorizationOptions) {
    this.#options = options;
    this.#protection = new Protection(options.facts, options.schema);
    this.#denied = new DeniedFields(options);
    if (!options.policies.areKnown && options.facts.requirements.some(({ kind }) => kind === 'policies'))
      options.logger.warn(
        'the supergraph has @policy, but `authorization.policies` is not set: no policy is ever met',
      );
  }

  /** The requirements of an operation. */
  accessTo(document: DocumentNode, operation: OperationDefinitionNode): OperationAccess {
    const { facts, options, policies } = this.#options;
    const needs = this.#protection.ofOperation(document, operation);
    const isAllNeeded = needs.introspects && options.introspection === 'visible';
    const requirements = isAllNeeded
      ? facts.requirements
      : [...needs.requirements].map((number) => facts.requirements[number]!);
    const fields = isAllNeeded ? undefined : needs.fields;
    return new OperationAccess({ requirements, fields, policies, denied: this.#denied });
  }

  /** The labels of what a field, such as `User.email`, or a type requires of callers. */
  requirementsOf(what: string): readonly string[] {
    const [type, field] = what.split('.') as [string, string | undefined];
    const protection = this.#protection;
    const numbers =
      field === undefined ? protection.ofType(type) : protection.ofField(type, field).requirements;
    return [...numbers].map((number) => requirementLabel(protection.facts.requirements[number]!));
  }

  /** Plans the visible part of an operation. Throws as the planner does. */
  *plan(
    { document: text, operationName, overrideLabels, refused = [] }: PlannedOperation,
    planning: PlannerContext,
  ): SlicedTask<RefusedPlan> {
    const consequence = this.#options.options.refused;
    const document = parse(text, { noLocation: true });
    const operation = getOperationAST(document, operationName)!;
    let refusals = this.#visibilityOf(refused);
    for (let round = 0; ; round++) {
      const { document: visible, refused: fields } = withoutRefused(document, operation, refusals);
      if (consequence === 'reject' && fields.size > 0)
        return { kind: 'rejected', fields: [...fields].sort() };
      const printed = print(visible);
      const plan = yield* planning.plan(printed, operationName, overrideLabels);
      const more = outOfReach(plan, visible, refusals);
      if (more.size === 0) return { kind: 'plan', plan, document: printed, refusals };
      // Fields that are reachable only through refused fields are refused, too. After too many rounds all fields are
      // refused.
      refusals = refusals.without(round < mostRounds ? more : this.#rootFields(operation.operation));
    }
  }

  /** The document of an operation without refused fields. */
  async visiblePart(operation: PlannedOperation, planner: Pick<Planner, 'run'>): Promise<string> {
    if ((operation.refused ?? []).length === 0) return operation.document;
    const planned = await planner.run(operation.document, '', (planning) => this.plan(operation, planning));
    return planned.kind === 'plan' ? planned.document : '{ __typename }';
  }

  #rootFields(operation: OperationTypeNode): string[] {
    const root = this.#protection.schema.getRootType(operation)!;
    return Object.keys(root.getFields()).map((field) => `${root.name}.${field}`);
  }

  #visibilityOf(refused: RefusedLabels): Visibility {
    const key = refused.join('\n');
    let visibility = this.#visibilities.get(key);
    if (visibility === undefined) {
      visibility = new Visibility(this.#protection, refused, (one) => this.#schemaFor(one));
      this.#visibilities.set(key, visibility);
    }
    return visibility;
  }

  #schemaFor(visibility: Visibility): GraphQLSchema {
    if (this.#options.options.introspection !== 'visible') return this.#protection.schema;
    const key = [...visibility.refused].sort().join('\n');
    let schema = this.#schemas.get(key);
    if (schema === undefined) {
      schema = visibleSchema(this.#protection.schema, visibility);
      this.#schemas.set(key, schema);
    }
    return schema;
  }
}

/** The most visible schemas that are kept. A schema of a hundred subgraphs takes some megabytes. */
const mostSchemas = 16;
const mostVisibilities = 100;
/** The most rounds of planning, each with more fields refused. Almost always one is enough. */
const mostRounds = 10;

interface OperationAccessOptions {
  readonly requirements: readonly Requirement[];
  /** The fields that may be denied by name; undefined for all fields. */
  readonly fields: ReadonlySet<string> | undefined;
  readonly denied: DeniedFields;
  readonly policies: Policies;
}

/** The requirements of one operation, with remembered decisions per caller. */
export class OperationAccess {
  readonly requirements: readonly Requirement[];
  readonly #fields: ReadonlySet<string> | undefined;
  readonly #denied: DeniedFields;
  readonly #policies: Policies;
  readonly #policyNames: readonly string[];
  readonly #decisions = new WeakMap<Identity, Decision>();

  constructor({ requirements, fields, denied, policies }: OperationAccessOptions) {
    this.requirements = requirements;
    this.#fields = fields;
    this.#denied = denied;
    this.#policies = policies;
    this.#policyNames = [
      ...new Set(requirements.flatMap((one) => (one.kind === 'policies' ? one.anyOf.flat() : []))),
    ];
  }

  /** The decision, if it is known synchronously. Undefined if policies must be evaluated first, or `decide` rejects. */
  peek(identity: Identity): RefusedLabels | undefined {
    if (this.requirements.length === 0 && identity.deniedFields.length === 0) return nothing;
    const known = this.#decisions.get(identity);
    if (known !== undefined && (known.expires === Infinity || known.expires > performance.now()))
      return known.refused;
    return this.#decide(identity);
  }

  /** Decides what is refused to a caller. Rejects if denied fields of the caller are ambiguous. */
  async decide(identity: Identity): Promise<RefusedLabels> {
    const known = this.peek(identity);
    if (known !== undefined) return known;
    await this.#policies.learn(this.#policyNames, identity);
    // A policy whose result was evicted meanwhile counts as not met.
    const refused = this.#decide(identity) ?? this.#refusedTo(identity, () => false);
    if (refused !== undefined) return refused;
    throw requestError('AUTHENTICATION_UNAVAILABLE', {}, { headers: { 'retry-after': '1' } });
  }

  /** A text that separates answers for different refusals; undefined for an operation without requirements. */
  variantOf(refused: RefusedLabels): string | undefined {
    return this.requirements.length === 0 && refused.length === 0 ? undefined : refused.join('\n');
  }

  /** Whether a caller may see all fields, as far as is known. */
  isOpenTo(identity: Identity): boolean {
    return this.peek(identity)?.length === 0;
  }

  #decide(identity: Identity): RefusedLabels | undefined {
    let expires = Infinity;
    const met = new Set<string>();
    for (const policy of this.#policyNames) {
      const verdict = this.#policies.peek(policy, identity);
      if (verdict === undefined) return undefined;
      expires = Math.min(expires, verdict.expires);
      if (verdict.isMet) met.add(policy);
    }
    const refused = this.#refusedTo(identity, (policy) => met.has(policy));
    if (refused === undefined) return undefined;
    this.#decisions.set(identity, { refused, expires });
    return refused;
  }

  /** What is refused to a caller; undefined if that is ambiguous. */
  #refusedTo(identity: Identity, meetsPolicy: (policy: string) => boolean): RefusedLabels | undefined {
    const denied = this.#denied.of(identity);
    if (denied === undefined) return undefined;
    const scopes = new Set(identity.scopes);
    const refused = this.requirements.flatMap((requirement) =>
      isMet(requirement, identity, scopes, meetsPolicy) ? [] : [requirementLabel(requirement)],
    );
    const requested = denied.filter((field) => this.#fields?.has(field) ?? true);
    return [...new Set([...refused, ...requested])].sort();
  }
}

interface Decision {
  readonly refused: RefusedLabels;
  readonly expires: number;
}

const nothing: RefusedLabels = [];

function isMet(
  requirement: Requirement,
  identity: Identity,
  scopes: ReadonlySet<string>,
  meetsPolicy: (policy: string) => boolean,
): boolean {
  switch (requirement.kind) {
    case 'authenticated':
      return isSignedIn(identity);
    case 'scopes':
      return isAnyMet(requirement.anyOf, (scope) => scopes.has(scope));
    case 'policies':
      return isAnyMet(requirement.anyOf, meetsPolicy);
    default:
      return requirement satisfies never;
  }
}

/** Whether one alternative is met. Without alternatives there is no requirement. */
const isAnyMet = (ways: readonly (readonly string[])[], has: (name: string) => boolean): boolean =>
  ways.length === 0 || ways.some((way) => way.every(has));
