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
import { requestError } from '../../errors';
import type { Options } from '../../options';
import {
  type PlannedOperation,
  type Planner,
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
  /** What clients may ask for. */
  readonly schema: GraphQLSchema;
  readonly options: Pick<Options['authorization'], 'refused' | 'introspection'>;
  readonly policies: Policies;
  readonly logger: Logger;
}

/** What of an operation is refused to somebody: labels of requirements and names of fields, sorted. Mostly nothing. */
export type Refused = readonly string[];

/** How an operation is run for those who may not see all of it. */
export type RefusedPlan =
  | {
      readonly kind: 'plan';
      readonly plan: QueryPlan;
      /** What was planned. */
      readonly document: string;
      readonly refusals: Visibility;
    }
  /** It is not. */
  | { readonly kind: 'rejected'; readonly fields: readonly string[] };

/** Decides what of an operation a caller may see, for one supergraph. */
export class Authorization {
  readonly #options: AuthorizationOptions;
  readonly #protection: Protection;
  readonly #denied: DeniedFields;
  readonly #schemas = new LRUCache<string, GraphQLSchema>({ max: mostSchemas });

  constructor(options: AuthorizationOptions) {
    this.#options = options;
    this.#protection = new Protection(options.facts, options.schema);
    this.#denied = new DeniedFields(options);
    if (!options.policies.areKnown && options.facts.requirements.some(({ kind }) => kind === 'policies'))
      options.logger.warn(
        'the supergraph has @policy, but `authorization.policies` is not set: no policy is ever met',
      );
  }

  /** What an operation asks of its callers. */
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

  /** Plans what is left of an operation. Rejects as the planner does. */
  async plan(
    { document: text, operationName, overrideLabels, refused = [] }: PlannedOperation,
    planner: Pick<Planner, 'plan'>,
  ): Promise<RefusedPlan> {
    const { introspection, refused: consequence } = this.#options.options;
    const document = parse(text, { noLocation: true });
    const operation = getOperationAST(document, operationName)!;
    const schemaFor = (one: Visibility): GraphQLSchema =>
      introspection === 'visible' ? this.#schemaFor(one) : this.#protection.schema;
    let refusals = new Visibility(this.#protection, refused, schemaFor);
    for (let round = 0; ; round++) {
      const { document: visible, refused: fields } = withoutRefused(document, operation, refusals);
      if (consequence === 'reject' && fields.size > 0)
        return { kind: 'rejected', fields: [...fields].sort() };
      const printed = print(visible);
      const plan = await planner.plan(printed, operationName, overrideLabels);
      const more = outOfReach(plan, visible, refusals);
      if (more.size === 0) return { kind: 'plan', plan, document: printed, refusals };
      // What cannot be had without what is refused is not had; if it comes to that, nothing is.
      refusals = refusals.without(round < mostRounds ? more : this.#rootFields(operation.operation));
    }
  }

  /** The document of an operation without what is refused. */
  async visiblePart(operation: PlannedOperation, planner: Pick<Planner, 'plan'>): Promise<string> {
    if ((operation.refused ?? []).length === 0) return operation.document;
    const planned = await this.plan(operation, planner);
    return planned.kind === 'plan' ? planned.document : '{ __typename }';
  }

  #rootFields(operation: OperationTypeNode): string[] {
    const root = this.#protection.schema.getRootType(operation)!;
    return Object.keys(root.getFields()).map((field) => `${root.name}.${field}`);
  }

  #schemaFor(visibility: Visibility): GraphQLSchema {
    const key = [...visibility.refused].sort().join('\n');
    let schema = this.#schemas.get(key);
    if (schema === undefined) {
      schema = visibleSchema(this.#protection.schema, visibility);
      this.#schemas.set(key, schema);
    }
    return schema;
  }
}

/** A schema of a hundred subgraphs takes some megabytes. */
const mostSchemas = 16;
/** Each refuses some fields more; almost always none is needed. */
const mostRounds = 10;

interface OperationAccessOptions {
  readonly requirements: readonly Requirement[];
  /** The fields that may be denied by name; undefined: all. */
  readonly fields: ReadonlySet<string> | undefined;
  readonly denied: DeniedFields;
  readonly policies: Policies;
}

/** What one operation asks of its callers, and who of them was answered what. */
export class OperationAccess {
  readonly #requirements: readonly Requirement[];
  readonly #fields: ReadonlySet<string> | undefined;
  readonly #denied: DeniedFields;
  readonly #policies: Policies;
  readonly #policyNames: readonly string[];
  readonly #decisions = new WeakMap<Identity, Decision>();

  constructor({ requirements, fields, denied, policies }: OperationAccessOptions) {
    this.#requirements = requirements;
    this.#fields = fields;
    this.#denied = denied;
    this.#policies = policies;
    this.#policyNames = [
      ...new Set(requirements.flatMap((one) => (one.kind === 'policies' ? one.anyOf.flat() : []))),
    ];
  }

  /** Undefined where policies have to be asked first, and for whom `decide` refuses. */
  peek(identity: Identity): Refused | undefined {
    if (this.#requirements.length === 0 && identity.deniedFields.length === 0) return nothing;
    const known = this.#decisions.get(identity);
    if (known !== undefined && (known.expires === Infinity || known.expires > performance.now()))
      return known.refused;
    return this.#decide(identity);
  }

  /** Rejects where it is not clear what the caller is denied. */
  async decide(identity: Identity): Promise<Refused> {
    const known = this.peek(identity);
    if (known !== undefined) return known;
    await this.#policies.learn(this.#policyNames, identity);
    // A policy whose answer was thrown away meanwhile counts as not met.
    const refused = this.#decide(identity) ?? this.#refusedTo(identity, () => false);
    if (refused !== undefined) return refused;
    throw requestError('AUTHENTICATION_UNAVAILABLE', {}, { headers: { 'retry-after': '1' } });
  }

  /**
   * What tells the answers to callers apart who are refused different things; undefined for an operation that asks
   * nothing of anybody.
   */
  variantOf(refused: Refused): string | undefined {
    return this.#requirements.length === 0 && refused.length === 0 ? undefined : refused.join('\n');
  }

  /** Whether somebody may see all of it, as far as is known. */
  isOpenTo(identity: Identity): boolean {
    return this.peek(identity)?.length === 0;
  }

  #decide(identity: Identity): Refused | undefined {
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

  /** Undefined where that is not clear. */
  #refusedTo(identity: Identity, meetsPolicy: (policy: string) => boolean): Refused | undefined {
    const denied = this.#denied.of(identity);
    if (denied === undefined) return undefined;
    const scopes = new Set(identity.scopes);
    const refused = this.#requirements.flatMap((requirement) =>
      isMet(requirement, identity, scopes, meetsPolicy) ? [] : [requirementLabel(requirement)],
    );
    const asked = denied.filter((field) => this.#fields?.has(field) ?? true);
    return [...new Set([...refused, ...asked])].sort();
  }
}

interface Decision {
  readonly refused: Refused;
  readonly expires: number;
}

const nothing: Refused = [];

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

/** No way at all is said where nothing is asked for. */
const isAnyMet = (ways: readonly (readonly string[])[], has: (name: string) => boolean): boolean =>
  ways.length === 0 || ways.some((way) => way.every(has));
