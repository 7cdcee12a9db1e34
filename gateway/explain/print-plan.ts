/** A plan as text, in the notation that people know. */
import { type ASTNode, getOperationAST, Kind, parse, print } from 'graphql';
import {
  type FetchNode,
  type PlanNode,
  type QueryPlan,
  type RequiredSelection,
  type SubscriptionNode,
} from '../execution/compile/plan';

/** The comments on a fetch, in lines. */
type Notes = (node: FetchNode) => readonly string[];

/** @param notes comments at the head of each fetch; none where they are left out */
export function printPlan({ node }: QueryPlan, notes: Notes = () => []): string {
  return node === undefined ? 'QueryPlan {}' : block('QueryPlan', ending(linesOf(node, notes))).join('\n');
}

function linesOf(node: PlanNode | SubscriptionNode, notes: Notes): string[] {
  switch (node.kind) {
    case 'Sequence':
    case 'Parallel':
      return block(
        node.kind,
        node.nodes.flatMap((child) => ending(linesOf(child, notes))),
      );
    case 'Flatten':
      return block(`Flatten(path: "${node.path.join('.')}")`, ending(linesOf(node.node, notes)));
    case 'Condition': {
      const clauses = { Include: node.ifClause, Skip: node.elseClause };
      const lines = Object.entries(clauses).flatMap(([name, clause]) =>
        clause === undefined
          ? []
          : ending(block(`${name}(if: $${node.condition})`, ending(linesOf(clause, notes)))),
      );
      return [...lines.slice(0, -1), lines.at(-1)!.slice(0, -1)];
    }
    case 'Subscription':
      return block('Subscription', [
        ...ending(block('Primary:', linesOf(node.primary, notes))),
        ...(node.rest === undefined ? [] : block('Rest:', linesOf(node.rest, notes))),
      ]);
    case 'Fetch':
      return fetchLines(node, notes(node));
    case 'Defer':
      return ['Defer {}'];
    default:
      return node satisfies never;
  }
}

function fetchLines({ operation, requires, serviceName }: FetchNode, notes: readonly string[]): string[] {
  const document = parse(operation, { noLocation: true });
  const { selectionSet } = getOperationAST(document)!;
  const [entities] = selectionSet.selections;
  const selected =
    requires !== undefined && entities?.kind === Kind.FIELD ? entities.selectionSet! : selectionSet;
  const fragments = document.definitions
    .filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)
    .flatMap((fragment) => ['', ...printed(fragment)]);
  return block(`Fetch(service: ${JSON.stringify(serviceName)})`, [
    ...notes.map((note) => `# ${note}`),
    ...(requires === undefined ? [] : ['{', ...indented(requires.flatMap(requiredLines)), '} =>']),
    ...printed(selected),
    ...fragments,
  ]);
}

const printed = (node: ASTNode): string[] => print(node).split('\n');

function requiredLines(selection: RequiredSelection): string[] {
  if (selection.kind === 'InlineFragment') {
    const on = selection.typeCondition === undefined ? '...' : `... on ${selection.typeCondition}`;
    return block(on, selection.selections.flatMap(requiredLines));
  }
  const { alias, name, selections } = selection;
  const named = alias === undefined ? name : `${alias}: ${name}`;
  return selections === undefined ? [named] : block(named, selections.flatMap(requiredLines));
}

const block = (head: string, lines: readonly string[]): string[] => [`${head} {`, ...indented(lines), '}'];

const indented = (lines: readonly string[]): string[] =>
  lines.map((line) => (line === '' ? '' : `  ${line}`));

/** Lines of one of several nodes, which commas end. */
const ending = (lines: readonly string[]): string[] => [...lines.slice(0, -1), `${lines.at(-1)!},`];
