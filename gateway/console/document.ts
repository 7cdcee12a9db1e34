import {
  type DocumentNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionSetNode,
  type ValueNode,
  visit,
} from 'graphql';
import { fetchesOf } from '../execution/compile/order';
import type { QueryPlan } from '../planning';
import type { ExplainedDocument } from './api';

export interface DocumentFacts {
  /** Valid text of the operation, with fragments and other operations. */
  readonly text: string;
  /** The name in the request; undefined if the request has none. */
  readonly operationName: string | undefined;
  /** Undefined if it is not known: then no field has subgraphs. */
  readonly plan: QueryPlan | undefined;
  /** Whether literals are shown. */
  readonly values: boolean;
}

/** An operation, printed anew, and which subgraphs its query plan asks for each field. */
export function explainDocument({ text, operationName, plan, values }: DocumentFacts): ExplainedDocument {
  const given = parse(text, { noLocation: true });
  const printed = print(values ? given : withoutValues(given));
  if (printed === '') return { text: '', parts: [] };
  const document = parse(printed);
  const answered = plan === undefined ? new Map<string, Set<string>>() : subgraphsByPath(plan);
  const parts = new Map<number, { to: number; subgraphs: Set<string>; path: string }>();
  const operation = getOperationAST(document, operationName);
  if (operation != null)
    eachField(document, operation, (name, path) => {
      const { start, end } = name.loc!;
      const part = parts.get(start) ?? { to: end, subgraphs: new Set<string>(), path };
      parts.set(start, part);
      if (name.value !== '__typename')
        for (const subgraph of answered.get(path) ?? []) part.subgraphs.add(subgraph);
    });
  return {
    text: values ? printed : markHidden(printed, document),
    parts: [...parts]
      .sort(([one], [other]) => one - other)
      .map(([from, { to, subgraphs, path }]) => ({ from, to, subgraphs: [...subgraphs], path })),
  };
}

/** A name as long as the mark, so that offsets stay. */
const hidden: ValueNode = { kind: Kind.ENUM, value: '_' };
const mark = '…';

/**
 * Replaces literals, and lists of them. Variables and the names of input fields stay. Descriptions and definitions of types,
 * which no valid operation has, are left out. Comments are not printed.
 */
function withoutValues({ kind, definitions }: DocumentNode): DocumentNode {
  const executable = definitions.filter(
    (each) => each.kind === Kind.OPERATION_DEFINITION || each.kind === Kind.FRAGMENT_DEFINITION,
  );
  return visit({ kind, definitions: executable } as DocumentNode, {
    ...{ OperationDefinition: undescribed, FragmentDefinition: undescribed, VariableDefinition: undescribed },
    ...{ IntValue: () => hidden, FloatValue: () => hidden, StringValue: () => hidden },
    ...{ BooleanValue: () => hidden, NullValue: () => hidden, EnumValue: () => hidden },
    ListValue: {
      leave: (list) => (list.values.every(({ kind }) => kind === Kind.ENUM) ? hidden : undefined),
    },
    // In a custom scalar the names are values, too. Only those stay that lead to variables.
    ObjectValue: {
      leave: (object) => {
        const fields = object.fields.filter(({ value }) => value.kind !== Kind.ENUM);
        return fields.length === 0 ? hidden : { ...object, fields };
      },
    },
  });
}

const undescribed = <Node extends object>(node: Node): Node => ({ ...node, description: undefined });

function markHidden(printed: string, document: DocumentNode): string {
  const at: number[] = [];
  visit(document, { EnumValue: ({ loc }) => void at.push(loc!.start) });
  let text = '';
  let from = 0;
  for (const offset of at) {
    text += printed.slice(from, offset) + mark;
    from = offset + 1;
  }
  return text + printed.slice(from);
}

type Name = OperationDefinitionNode['name'] & object;

/** Calls a function with each field's name, and its path in the response; of a field in a fragment, with each path. */
function eachField(
  { definitions }: DocumentNode,
  operation: OperationDefinitionNode,
  visitField: (name: Name, path: string) => void,
): void {
  const fragments = new Map(
    definitions
      .filter((each): each is FragmentDefinitionNode => each.kind === Kind.FRAGMENT_DEFINITION)
      .map((fragment) => [fragment.name.value, fragment]),
  );
  const walked = new Set<string>();
  const walk = ({ selections }: SelectionSetNode, path: string): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const own = joined(path, (selection.alias ?? selection.name).value);
        visitField(selection.name, own);
        if (selection.selectionSet !== undefined) walk(selection.selectionSet, own);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) walk(selection.selectionSet, path);
      else {
        const key = `${selection.name.value} ${path}`;
        const fragment = fragments.get(selection.name.value);
        // Fragments that double would be walked for ever.
        if (fragment === undefined || walked.has(key) || walked.size >= mostSpreads) continue;
        walked.add(key);
        walk(fragment.selectionSet, path);
      }
    }
  };
  walk(operation.selectionSet, '');
}

const mostSpreads = 5000;

/** Which subgraphs a plan asks for each path of the response. */
function subgraphsByPath(plan: QueryPlan): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { node, path } of fetchesOf(plan)) {
    const renamed = new Map(
      (node.outputRewrites ?? []).flatMap((rewrite) =>
        rewrite.kind === 'KeyRenamer' ? [[keysOf(rewrite.path).join('.'), rewrite.renameKeyTo]] : [],
      ),
    );
    const walk = ({ selections }: SelectionSetNode, to: string, within: string): void => {
      for (const selection of selections) {
        if (selection.kind === Kind.INLINE_FRAGMENT) walk(selection.selectionSet, to, within);
        if (selection.kind !== Kind.FIELD) continue;
        const key = (selection.alias ?? selection.name).value;
        const sent = joined(within, key);
        if (within === '' && key === '_entities' && node.requires !== undefined) {
          walk(selection.selectionSet!, to, '');
          continue;
        }
        const own = joined(to, renamed.get(sent) ?? key);
        const subgraphs = found.get(own);
        if (subgraphs === undefined) found.set(own, new Set([node.serviceName]));
        else subgraphs.add(node.serviceName);
        if (selection.selectionSet !== undefined) walk(selection.selectionSet, own, sent);
      }
    };
    const [operation] = parse(node.operation, { noLocation: true }).definitions;
    walk((operation as OperationDefinitionNode).selectionSet, keysOf(path).join('.'), '');
  }
  return found;
}

/** The response keys of a path, without lists and conditions on types. */
const keysOf = (path: readonly (string | number)[]): string[] =>
  path
    .filter((key) => typeof key === 'string' && key !== '@' && key !== '..' && !key.startsWith('... on '))
    .map((key) => (key as string).split('|', 1)[0]!)
    .filter((key) => key !== '' && key !== '@');

const joined = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);
