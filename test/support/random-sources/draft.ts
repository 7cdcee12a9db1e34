/** What is drawn for a random graph: APIs, each with types, an overlay and resolvers, and the fields of the graph. */
import { type Resolve, type Thing } from './world';

export interface FieldDraft {
  readonly name: string;
  readonly type: string;
  /** In SDL, without parentheses. */
  readonly args?: string;
  /** In a federation subgraph. */
  readonly directives?: string;
  readonly resolve: Resolve;
}

export interface TypeDraft {
  readonly kind: 'type' | 'interface' | 'union' | 'enum' | 'input';
  readonly name: string;
  /** Of a summary: the entity. */
  readonly graphName: string;
  readonly fields: Map<string, FieldDraft>;
  readonly interfaces: Set<string>;
  /** Members of a union, values of an enum, fields of an input. */
  readonly items: string[];
  directives: string;
}

export type ApiKind = 'graphql' | 'rest' | 'federation';

/** An operation of a REST API. */
export interface Operation {
  readonly field: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: 'path' | 'query' | 'header';
    readonly type: string;
    readonly explode?: boolean;
  }[];
}

export class ApiDraft {
  readonly types = new Map<string, TypeDraft>();
  readonly operations: Operation[] = [];
  readonly #overlay = new Map<string, string[]>();

  constructor(
    readonly name: string,
    readonly kind: ApiKind,
  ) {}

  type(name: string, kind: TypeDraft['kind'] = 'type', graphName = name): TypeDraft {
    let type = this.types.get(name);
    if (type === undefined) {
      type = { kind, name, graphName, fields: new Map(), interfaces: new Set(), items: [], directives: '' };
      this.types.set(name, type);
    }
    return type;
  }

  /** Adds a line to what the overlay has of a type: `field: Type @directive`, or directives of the type itself. */
  overlay(type: string, line: string): void {
    this.#overlay.set(type, [...(this.#overlay.get(type) ?? []), line]);
  }

  /** Whether the overlay has something of a type, or of its field. */
  hasOverlayOf(type: string, field?: string): boolean {
    const lines = this.#overlay.get(type);
    return field === undefined
      ? lines !== undefined
      : lines?.some((line) => /^\w+/.exec(line)?.[0] === field) === true;
  }

  get overlaySdl(): string {
    return Array.from(this.#overlay, ([type, lines]) => {
      const fields = lines.filter((line) => !line.startsWith('@'));
      const directives = lines.filter((line) => line.startsWith('@')).map((line) => ` ${line}`);
      return `${this.types.has(type) ? 'extend ' : ''}type ${type}${directives.join('')}${fields.length > 0 ? ` {\n  ${fields.join('\n  ')}\n}` : ''}`;
    }).join('\n');
  }

  get sdl(): string {
    return Array.from(this.types.values(), print).join('\n');
  }

  resolve(type: string, field: string): Resolve {
    return this.types.get(type)!.fields.get(field)!.resolve;
  }

  /** What the API calls the type of an object that it returns as one of these. */
  typeOf(thing: Thing, possible: readonly string[]): string {
    return possible.find((name) => this.types.get(name)!.graphName === thing.type) ?? thing.type;
  }
}

function print({ kind, name, fields, interfaces, items, directives }: TypeDraft): string {
  const head = `${kind} ${name}${interfaces.size > 0 ? ` implements ${[...interfaces].join(' & ')}` : ''}${directives}`;
  if (kind === 'union') return `${head} = ${items.join(' | ')}`;
  const lines = Array.from(fields.values(), fieldText);
  return `${head} {\n  ${[...lines, ...items].join('\n  ')}\n}`;
}

export const fieldText = ({ name, args, type, directives = '' }: FieldDraft): string =>
  `${name}${args ? `(${args})` : ''}: ${type}${directives}`;

/** A field of the graph: what one schema answers. */
export interface GraphField {
  readonly resolve: Resolve;
  readonly api: ApiDraft;
  /** Of an entity: whether the API has to know it, as it answers with a lookup. @default false */
  readonly isLookedUp?: boolean;
  /** A part of a key: whoever has the entity has it. @default false */
  readonly isKey?: boolean;
}

/** By coordinate. */
export type GraphFields = Map<string, GraphField>;
