/** The operations that a source is called with. */
import { print, stripIgnoredCharacters, type VariableDefinitionNode } from 'graphql';
import { bodyPrefixOf } from '../../../execution/compile/subgraph-operation';
import type { SubgraphOperation } from '../../contract/transport';
import { type RootCall, slotMark } from './forms';

export interface UpstreamOperation {
  readonly request: Pick<SubgraphOperation, 'kind' | 'document' | 'name' | 'bodyPrefix'>;
  /** The client's variables that it uses. */
  readonly variables: readonly string[];
}

/** The operations of calls so far: which ones occur depends on how many entities are requested. */
export class UpstreamOperations {
  readonly #name: string | undefined;
  readonly #variables: ReadonlyMap<string, VariableDefinitionNode>;
  readonly #known = new Map<string, UpstreamOperation>();

  /** @param variables those that the operation declares */
  constructor(name: string | undefined, variables: ReadonlyMap<string, VariableDefinitionNode>) {
    this.#name = name;
    this.#variables = variables;
  }

  of(calls: readonly RootCall[]): UpstreamOperation {
    const key = calls.map(({ number }) => number).join();
    let operation = this.#known.get(key);
    if (operation === undefined) {
      if (this.#known.size === mostOperations) this.#known.clear();
      this.#known.set(key, (operation = this.#write(calls)));
    }
    return operation;
  }

  #write(calls: readonly RootCall[]): UpstreamOperation {
    const variables = new Set<string>();
    const fragments = new Map<string, string>();
    const own: string[] = [];
    const fields = calls.map((call, slot) => {
      const { field, arguments: args, given, type, number } = call;
      for (const each of call.variables) variables.add(each);
      args.forEach(({ type: input }, i) => own.push(`$${variableOf(slot, i)}:${input}`));
      const made = args.flatMap(({ name }, i) =>
        name === undefined ? [] : [`${name}:$${variableOf(slot, i)}`],
      );
      const all = [...made, ...(given === '' ? [] : [given])].join(' ');
      const head = `${aliasOf(slot)}:${field}${all === '' ? '' : `(${all})`}`;
      let { text } = call;
      const isRepeated = calls.some((each, i) => each === call && i !== slot);
      if (isRepeated && type !== undefined && !text.includes(slotMark)) {
        fragments.set(`_f${number}`, `fragment _f${number} on ${type}{${text}}`);
        text = `..._f${number}`;
      }
      return `${head}${type === undefined ? '' : `{${text.replaceAll(slotMark, String(slot))}}`}`;
    });
    return writeOperation('query', this.#name, {
      ...{ own, variables, declared: this.#variables },
      text: `{${fields.join(' ')}}${[...fragments.values()].join('')}`,
    });
  }
}

/** In one compiled operation. */
const mostOperations = 100;

export const aliasOf = (slot: number): string => `_${slot}`;

export const variableOf = (slot: number, argument: number): string => `_${slot}_${argument}`;

export function writeOperation(
  kind: SubgraphOperation['kind'],
  name: string | undefined,
  parts: {
    /** Its selection with braces, and fragments. */
    readonly text: string;
    /** Definitions of variables that the client's operation does not have. */
    readonly own: readonly string[];
    readonly variables: ReadonlySet<string>;
    readonly declared: ReadonlyMap<string, VariableDefinitionNode>;
  },
): UpstreamOperation {
  const used = [...parts.declared].filter(([variable]) => parts.variables.has(variable));
  const definitions = [...parts.own, ...used.map(([, node]) => stripIgnoredCharacters(print(node)))];
  const head = `${kind}${name === undefined ? '' : ` ${name}`}${definitions.length === 0 ? '' : `(${definitions.join(' ')})`}`;
  const document = `${head}${parts.text}`;
  return {
    request: { kind, document, name, bodyPrefix: bodyPrefixOf(document, name) },
    variables: used.map(([variable]) => variable),
  };
}
