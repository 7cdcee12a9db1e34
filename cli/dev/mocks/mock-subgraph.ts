import {
  execute,
  type ExecutionArgs,
  type ExecutionResult,
  getNamedType,
  getOperationAST,
  type GraphQLFieldResolver,
  type GraphQLLeafType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  OperationTypeNode,
  parse,
  subscribe,
} from 'graphql';
import type { SubgraphSchema } from '../../../schema';
import type * as Schema from '../../../schema';
import { hashOf, isValueOf, LeafValues, type ScalarValues } from './leaf-values';
import { at, type Echo, type Fields, type MockObject, MockObjects, noEcho } from './mock-objects';

export interface MockSubgraphOptions {
  readonly subgraph: SubgraphSchema;
  /** The schema for clients: values that it does not have are not made up. */
  readonly apiSchema: GraphQLSchema;
  readonly scalars: ScalarValues;
  /** The keys of a type that real subgraphs have answered. */
  readonly seenKeys: (type: string) => readonly Fields[];
}

/** A GraphQL request, as a gateway sends it. */
export interface MockRequest {
  readonly query: string;
  readonly variables?: Fields | null | undefined;
  readonly operationName?: string | null | undefined;
}

/** How long lists are. */
const listLength = 3;
/** Between two events of a subscription, in milliseconds. */
const pause = 1_000;

/**
 * Answers for a subgraph, from its schema alone. A value depends on the type, the field with its arguments, and the key of
 * its entity, so that equal operations have equal answers in every process. It never answers with an error.
 */
export class MockSubgraph {
  readonly #schema: GraphQLSchema;
  readonly #sdl: string;
  readonly #leaves: LeafValues;
  readonly #objects: MockObjects;

  constructor({ subgraph, apiSchema, scalars, seenKeys }: MockSubgraphOptions) {
    const { executableSubgraph } = require('../../../schema') as typeof Schema;
    const { schema, keys } = executableSubgraph(subgraph);
    this.#schema = schema;
    this.#sdl = subgraph.sdl;
    this.#leaves = new LeafValues({ scalars, enumValues: (name) => enumValues(name, schema, apiSchema) });
    this.#objects = new MockObjects({ schema, keys, apiSchema, seenKeys, leaves: this.#leaves });
  }

  /** The names of its scalars. */
  get scalars(): string[] {
    return Object.values(this.#schema.getTypeMap()).flatMap((type) =>
      isLeafType(type) && !isEnumType(type) ? [type.name] : [],
    );
  }

  answer(request: MockRequest): ExecutionResult | Promise<ExecutionResult> {
    return execute(this.#executionOf(request));
  }

  /** The answers to a subscription, one a second; undefined for another operation. */
  subscribe(request: MockRequest, signal: AbortSignal): AsyncIterable<ExecutionResult> | undefined {
    const execution = this.#executionOf(request);
    if (
      getOperationAST(execution.document, request.operationName)?.operation !== OperationTypeNode.SUBSCRIPTION
    )
      return undefined;
    const subscribeFieldResolver = (): AsyncIterable<MockObject> => events(signal);
    return {
      async *[Symbol.asyncIterator]() {
        const results = await subscribe({ ...execution, subscribeFieldResolver });
        if (Symbol.asyncIterator in results) yield* results;
        else yield results;
      },
    };
  }

  #executionOf({ query, variables, operationName }: MockRequest): ExecutionArgs {
    return {
      ...{ schema: this.#schema, document: parse(query), rootValue: root, operationName },
      variableValues: variables,
      fieldResolver: this.#resolve,
      typeResolver: (object: MockObject) => object.typename,
    };
  }

  readonly #resolve: GraphQLFieldResolver<MockObject, unknown, Fields> = (parent, args, _context, info) => {
    const { fieldName, returnType, parentType } = info;
    if (parentType === this.#schema.getQueryType()) {
      if (fieldName === '_service') return { ...root, identity: '_service', given: { sdl: this.#sdl } };
      if (fieldName === '_entities') return this.#known(returnType, args['representations'], noEcho);
    }
    if (Object.hasOwn(parent.given, fieldName))
      return this.#known(returnType, parent.given[fieldName], parent.echo);
    const inherited = parent.isEntity ? noEcho : parent.echo;
    const given = Object.keys(args).length > 0 ? JSON.stringify(args) : '';
    const identity = `${parent.identity}.${fieldName}${given}`;
    const ordinal = hashOf(`${parent.typename}.${fieldName}${given}`) + parent.ordinal;
    const field: InventedField = {
      ...{ parent, name: fieldName, description: parentType.getFields()[fieldName]!.description },
      echo: { ...inherited, values: { ...inherited.values, ...namedValues(args) } },
    };
    return this.#invent(returnType, field, { identity, ordinal, index: undefined });
  };

  /** What a representation or a key has, as the value of a field. */
  #known(type: GraphQLOutputType, value: unknown, echo: Echo): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#known(type, item, echo));
    const named = getNamedType(type);
    if (isLeafType(named) || typeof value !== 'object' || value === null) return value;
    return this.#objects.known(named, value as Fields, echo);
  }

  #invent(type: GraphQLOutputType, field: InventedField, position: Position): unknown {
    if (isNonNullType(type)) return this.#invent(type.ofType, field, position);
    if (isListType(type)) return this.#inventList(type.ofType, field, position);
    if (isLeafType(type)) return this.#leaf(type, field, position);
    const { identity, ordinal, index } = position;
    const isOfOne = field.echo.isOfOne && index === undefined;
    return this.#objects.invent(type, { identity, ordinal, echo: { ...field.echo, isOfOne } });
  }

  #inventList(type: GraphQLOutputType, field: InventedField, { identity, ordinal }: Position): unknown[] {
    const keys = this.#requestedKeys(type, field.echo);
    if (keys !== undefined) return keys.map((key) => this.#known(type, key, noEcho));
    return Array.from({ length: listLength }, (_, index) =>
      this.#invent(type, field, { identity: `${identity}/${index}`, ordinal: ordinal + index, index }),
    );
  }

  /** Of a field that takes a list of keys, such as `products(upcs: …)`: an entity for each. */
  #requestedKeys(type: GraphQLOutputType, { values }: Echo): Fields[] | undefined {
    const named = getNamedType(type);
    if (isLeafType(named)) return undefined;
    const key = this.#objects.plainKey(named);
    const list = key === undefined ? undefined : (at(values, [key]) ?? at(values, [`${key}s`]));
    return Array.isArray(list) ? list.map((value: unknown) => ({ [key!]: value })) : undefined;
  }

  #leaf(type: GraphQLLeafType, field: InventedField, { identity, ordinal, index }: Position): unknown {
    const { parent, name, description } = field;
    const echoed = at(parent.echo.values, [name]);
    if (index === undefined && isValueOf(type, echoed)) return echoed;
    return this.#leaves.of(type, { identity, field: name, description, ordinal });
  }
}

interface InventedField {
  readonly parent: MockObject;
  readonly name: string;
  readonly description: string | null | undefined;
  /** What objects of the field repeat. */
  readonly echo: Echo;
}

/** Where in the value of the field it stands. */
interface Position {
  readonly identity: string;
  readonly ordinal: number;
  /** In a list; undefined outside. */
  readonly index: number | undefined;
}

const root: MockObject = { typename: '', identity: '', ordinal: 0, given: {}, isEntity: false, echo: noEcho };

async function* events(signal: AbortSignal): AsyncGenerator<MockObject> {
  const { setTimeout: wait } = await import('node:timers/promises');
  for (let count = 1; !signal.aborted; count++) {
    yield { ...root, identity: String(count), ordinal: count };
    await wait(pause, undefined, { signal }).catch(() => undefined);
  }
}

/** Arguments by name, with the fields of those that are input objects. */
function namedValues(args: Fields): Fields {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(args)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) Object.assign(values, value);
    else values[name] = value;
  }
  return values;
}

/** Those that clients may see. */
function enumValues(name: string, schema: GraphQLSchema, apiSchema: GraphQLSchema): string[] {
  const [own, visible] = [schema, apiSchema].map((each) => {
    const type = each.getType(name);
    return isEnumType(type) ? type.getValues().map((value) => value.name) : [];
  }) as [string[], string[]];
  const common = own.filter((value) => visible.includes(value));
  return common.length > 0 ? common : own;
}
