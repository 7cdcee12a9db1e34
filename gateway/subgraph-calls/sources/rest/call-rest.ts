import { Kind, OperationTypeNode } from 'graphql';
import type { SourceField, SourceType } from '../../../../schema/supergraph/sources/source-schema';
import type { Policy } from '../../../cache/policy';
import { type ExactJson, type ExactObject, readJson, typeOf } from '../../../replay/exact-json';
import type { EntityList, SubgraphResponse } from '../../contract/transport';
import { joinPolicies, joinResponses, type OpenExecutor } from '../source-executor';
import { Answer, AnswerPart, type Failure, malformed } from './answer';
import { type CallAnswer, Calls } from './calls';
import { EntityFinder, type Wanted } from './entity-finder';
import { type Arguments, givenArguments } from '../inputs';
import { RestSource } from './rest-source';
import { revalidate } from './revalidate';
import {
  isComplete,
  isGiven,
  type Operation,
  Operations,
  type Selection,
  type Shape,
  type ShapeField,
  type ValueShape,
} from './selections';

/** Answers requests for a graph whose subgraph is a REST API. */
export const callRest: OpenExecutor = (opened) => {
  const source = new RestSource(opened);
  const operations = new Operations(source);
  return (next) => {
    const send = revalidate(next);
    return async (request) => {
      const { document } = request.operation;
      const given =
        request.variables.length === 0 ? {} : (readJson(request.variables.toString()) as ExactObject);
      const calls = new Calls(source, request, send);
      const run = new Run(source, operations.of(document, given), calls);
      const response = await run.answer(request.entities);
      if (calls.outage !== undefined) throw calls.outage;
      return { ...response, status: calls.status };
    };
  };
};

class Run {
  readonly #source: RestSource;
  readonly #operation: Operation;
  readonly #calls: Calls;
  readonly #finder: EntityFinder;
  readonly #wanted: Wanted[] = [];

  constructor(source: RestSource, operation: Operation, calls: Calls) {
    this.#source = source;
    this.#operation = operation;
    this.#calls = calls;
    this.#finder = new EntityFinder(source, calls);
  }

  async answer(lists: readonly EntityList[] | undefined): Promise<SubgraphResponse> {
    const whole = new Answer(this.#source.opened.subgraph, new AnswerPart(), []);
    const parts = lists?.map((list, i) => this.#entities(list, i, whole)) ?? [[whole.part]];
    if (lists === undefined) await this.#roots(whole);
    await this.#settle();
    whole.text += '}';
    const errors = parts.flat().flatMap((part) => part.errors);
    const end = errors.length === 0 ? '}' : `,"errors":${JSON.stringify(errors)}}`;
    const policies = parts.map((list) => list.map(({ policy = unchanging }) => policy));
    return {
      ...joinResponses(this.#calls.responses),
      ...joinPolicies(policies),
      body: Buffer.from(`{"data":${whole.toString()}${end}`),
    };
  }

  async #roots(to: Answer): Promise<void> {
    const { kind, selection, variables } = this.#operation;
    const type = this.#source.schema.types.get(this.#source.schema.roots[kind]!)!;
    const { fields } = selection.shapeOf(type, 'json');
    for (const { key, start, field, node, value } of fields) {
      to.text += start;
      if (field === undefined) to.text += JSON.stringify(type.graphName);
      else this.#call(field, givenArguments(node.arguments ?? [], variables), value!, to.hole([key]));
      // Mutations come one after the other (GraphQL, section 6.2.2).
      if (kind === OperationTypeNode.MUTATION) await this.#settle();
    }
  }

  /** Waits for all calls. What several answers lack is looked up together. */
  async #settle(): Promise<void> {
    for (;;) {
      await this.#calls.settled();
      if (this.#wanted.length === 0) return;
      this.#finder.find(this.#wanted.splice(0));
    }
  }

  #entities({ responseKey, variable }: EntityList, i: number, to: Answer): AnswerPart[] {
    const { variables, selection: root } = this.#operation;
    const { selection } = root.shapeOf(undefined, 'graph').fields.find(({ key }) => key === responseKey)!;
    const representations = variables[variable] as readonly ExactObject[];
    to.text += `${i === 0 ? '{' : ','}"${responseKey}":[`;
    const parts = representations.map((representation, n) => {
      if (n > 0) to.text += ',';
      const part = new AnswerPart();
      const answer = to.hole([responseKey, n], part);
      const type = this.#source.entity(representation['__typename']);
      const shape = type && selection.shapeOf(type, 'graph');
      if (shape !== undefined && isComplete(representation, shape))
        this.#fields(representation, shape, answer);
      else
        this.#wanted.push({
          representation,
          take: (found) => this.#entity(found, representation, shape, selection, answer),
        });
      return part;
    });
    to.text += ']';
    return parts;
  }

  /** Writes an entity that was looked up. */
  #entity(
    answer: CallAnswer,
    representation: ExactObject,
    shape: Shape | undefined,
    selection: Selection,
    to: Answer,
  ): void {
    const { failure, type, json } = this.#found(answer, representation['__typename'], to);
    if (failure !== undefined) to.fail(failure);
    else if (type !== undefined) this.#fields(json, selection.shapeOf(type, 'json'), to, representation);
    // Of an entity that does not exist, calls that need nothing but its representation are answered.
    else if (shape?.fields.some((each) => each.field?.from && isGiven(representation, shape, each)))
      this.#fields(representation, shape, to);
    else to.text += 'null';
  }

  /** The entity that was looked up; nothing where it does not exist. */
  #found(
    { failure, json, type, policy }: CallAnswer,
    entity: ExactJson | undefined,
    { part }: Answer,
  ): { readonly failure?: Failure; readonly type?: SourceType; readonly json: ExactObject } {
    part.keep(policy);
    if (failure !== undefined) return { failure, json: {} };
    if (json === null) return { json: {} };
    const object = typeOf(json) === 'object' ? (json as ExactObject) : undefined;
    const own = object && this.#source.typeOf(object, type, 'json');
    if (own?.graphName === entity) return { type: own!, json: object! };
    return { failure: malformed(this.#source.opened.subgraph, 'something else than the entity'), json: {} };
  }

  /** Requests what an object lacks, as it is a link or a summary. */
  #lookUp(object: ExactObject, shape: Shape, to: Answer): void {
    const { type, names, needs } = shape;
    const { graphName } = type!;
    const known = names === 'graph' ? object : this.#source.toGraph(object, type!, needs);
    const take = (answer: CallAnswer): void => {
      const { failure, type: own, json } = this.#found(answer, graphName, to);
      for (const [i, field] of shape.fields.entries()) {
        to.text += field.start;
        to.path.push(field.key);
        if (isGiven(object, shape, field)) this.#field(object, shape, field, to);
        else if (own !== undefined) {
          const whole = shape.selection.shapeOf(own, 'json');
          this.#field(json, whole, whole.fields[i]!, to, known);
        } else if (failure !== undefined) to.fail(failure);
        else to.text += 'null';
        to.path.pop();
      }
      to.text += '}';
    };
    this.#wanted.push({ representation: { ...known, __typename: graphName }, take });
  }

  /** Calls an operation, and writes its answer. */
  #call(field: SourceField, args: Arguments, value: ValueShape, to: Answer): void {
    this.#calls.call(field, args, ({ json, failure, policy }) => {
      to.part.keep(policy);
      if (failure !== undefined) to.fail(failure);
      else this.#value(json, value, to);
    });
  }

  /** Answers a field with `@from`: null where an object lacks what it needs. */
  #callFrom({ field, node, value }: ShapeField, scope: ExactObject, to: Answer): void {
    const args: Record<string, ExactJson> = {
      ...givenArguments(node.arguments ?? [], this.#operation.variables),
    };
    for (const { name, type, require } of field!.arguments.values()) {
      if (require === undefined) continue;
      args[name] = this.#source.evaluate(require, scope) ?? null;
      if (args[name] === null && type.kind === Kind.NON_NULL_TYPE) {
        to.text += 'null';
        return;
      }
    }
    this.#call(this.#source.rootField(field!.from!), args, value!, to.hole());
  }

  #value(json: ExactJson, shape: ValueShape, to: Answer): void {
    if (json === null) to.text += 'null';
    else if (shape.kind === 'leaf') {
      const text = shape.text(json);
      if (text === undefined) to.mismatch(json, `a value of \`${shape.name}\``);
      else to.text += text;
    } else if (shape.kind === 'list') {
      if (!Array.isArray(json)) {
        to.mismatch(json, 'a list');
        return;
      }
      const depth = to.path.length;
      to.text += '[';
      json.forEach((each: ExactJson, i) => {
        to.path[depth] = i;
        if (i > 0) to.text += ',';
        this.#value(each, shape.item, to);
      });
      to.path.length = depth;
      to.text += ']';
    } else if (typeOf(json) === 'object') this.#object(json as ExactObject, shape, to);
    else to.mismatch(json, 'an object');
  }

  #object(
    object: ExactObject,
    { name, names, selection }: Extract<ValueShape, { kind: 'object' }>,
    to: Answer,
  ): void {
    const type = this.#source.typeOf(object, name, names);
    if (type === undefined) {
      to.malformed(`an object of which nothing says which type of \`${name}\` it is`);
      return;
    }
    const shape = selection.shapeOf(type, names);
    if (shape.mayLack && (names === 'json' || !isComplete(object, shape)))
      this.#lookUp(object, shape, to.hole());
    else this.#fields(object, shape, to);
  }

  /** @param base further values of the object, with names of the graph */
  #fields(object: ExactObject, shape: Shape, to: Answer, base?: ExactObject): void {
    for (const field of shape.fields) {
      to.text += field.start;
      to.path.push(field.key);
      this.#field(object, shape, field, to, base);
      to.path.pop();
    }
    to.text += shape.fields.length === 0 ? '{}' : '}';
  }

  #field(
    object: ExactObject,
    { type, names }: Shape,
    selected: ShapeField,
    to: Answer,
    base?: ExactObject,
  ): void {
    const { node, field, member, value, needs } = selected;
    if (field === undefined) {
      if (node.name.value === '__typename') to.text += `"${type!.graphName}"`;
      else to.malformed('an object of a type that lacks the field');
    } else if (needs === undefined)
      this.#value(Object.hasOwn(object, member) ? object[member]! : null, value!, to);
    else {
      const own = names === 'graph' ? object : this.#source.toGraph(object, type!, needs);
      const scope = base === undefined ? own : { ...own, ...base };
      if (field.derived === undefined) this.#callFrom(selected, scope, to);
      else this.#value(withoutIncomplete(this.#source.evaluate(field.derived, scope) ?? null), value!, to);
    }
  }
}

/** A link whose key is not complete is none. */
function withoutIncomplete(link: ExactJson): ExactJson {
  if (Array.isArray(link)) return link.map(withoutIncomplete);
  if (typeOf(link) !== 'object') return link;
  return Object.values(link as ExactObject).some((each) => withoutIncomplete(each) === null) ? null : link;
}

/** Of what is made of a representation alone. */
const unchanging: Policy = { scope: 'public', maxAge: 2 ** 31, staleWhileRevalidate: 0, staleIfError: 0 };
