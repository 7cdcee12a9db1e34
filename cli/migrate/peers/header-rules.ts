/** Header rules as Apollo Router and Hive Router write them: lists of `propagate`, `insert` and `remove`. */
import { type ForeignValue, hasReference, textOf } from '../foreign';
import { different, none, type Outcome, type Row, same } from '../table';
import type { Position } from '../translate';
import { byHand, headerPatterns, noOption, texts } from '../values';

/** The options of rules at a position: for all subgraphs, or for the one that the first star names. */
interface Scope {
  /** Where rules stand, such as `headers.all`. */
  readonly key: string;
  /** Such as `headers`, or `subgraphs.*.headers`. */
  readonly options: string;
}

const scopes: readonly Scope[] = [
  { key: 'headers.all', options: 'headers' },
  { key: 'headers.subgraphs.*', options: 'subgraphs.*.headers' },
];

/** Both of them; later releases of Apollo Router write the list below `operations`. */
export const headerRules = (): Row[] =>
  scopes.flatMap((scope) => [...requestRules(scope), ...responseRules(scope)]);

function requestRules({ key, options }: Scope): Row[] {
  const rule = (name: string): string[] => [
    `${key}.request.*.${name}`,
    `${key}.request.operations.*.${name}`,
  ];
  const shown = options.replace('*', 'NAME');
  return [
    same(rule('propagate.named'), `\`${shown}.forward\`, \`.rename\``, (value, at) =>
      propagate(options, texts(value), at),
    ),
    different(
      rule('propagate.matching'),
      `\`${shown}.forward\``,
      'Patterns with `*` in place of regular expressions.',
      (value, at) => addPatterns(`${options}.forward`, value, at),
    ),
    same(rule('propagate.rename'), `\`${shown}.rename\``),
    different(
      rule('propagate.exclude'),
      `\`${shown}.exclude\``,
      'Patterns with `*`; they count for all rules of the place.',
      (value, at) => addPatterns(`${options}.exclude`, value, at),
    ),
    same(rule('propagate.default'), `\`${shown}.defaults\``, (value, at) => {
      const name = at.beside('rename') ?? at.beside('named');
      if (typeof name !== 'string' || !isScalar(value))
        return byHand(`Give each header its default in \`${shown}.defaults\`.`);
      at.set(pathOf(`${options}.defaults`, at, name), textOf(value));
      return undefined;
    }),
    same(rule('insert.name'), `\`${shown}.set\``, (name, at) => insert(options, name, at)),
    same(rule('insert.value'), `\`${shown}.set\``),
    different(
      rule('insert.from_context'),
      `\`${shown}.operationName\`, \`.claims\``,
      'The name of the operation is `operationName`. Of a claim of the caller, name the claim by hand. Anything else is set in an interceptor.',
      isNameOfOperation,
    ),
    none(rule('insert.path'), 'Set it in an interceptor, which can read the request.'),
    none(rule('insert.default'), 'Set it in an interceptor.'),
    different(
      rule('insert.expression'),
      `\`${shown}.operationName\``,
      'The name of the operation only. A claim can be sent by `headers.claims`; set anything else in an interceptor.',
      isNameOfOperation,
    ),
    same(
      rule('remove.named'),
      `\`${shown}.exclude\``,
      (value, at) => {
        const names = texts(value);
        if (names === undefined) return byHand(`Name the headers in \`${shown}.exclude\` by hand.`);
        at.add(`${options}.exclude`, ...names);
        return undefined;
      },
      'Rules have no order: what is excluded is not forwarded, whatever stands before.',
    ),
    different(
      rule('remove.matching'),
      `\`${shown}.exclude\``,
      'Patterns with `*` in place of regular expressions.',
      (value, at) => addPatterns(`${options}.exclude`, value, at),
    ),
  ];
}

function responseRules({ key, options }: Scope): Row[] {
  const rule = (name: string): string[] => [
    `${key}.response.*.${name}`,
    `${key}.response.operations.*.${name}`,
  ];
  const shown = `\`${options.replace('*', 'NAME')}.response\``;
  return [
    same(rule('propagate.named'), shown, (value, at) => {
      const names = texts(value);
      if (names === undefined) return byHand(`Name the headers in ${shown} by hand.`);
      const ways = new Map<ForeignValue | undefined, string>([
        ['first', 'first'],
        ['last', 'last'],
        ['append', 'append'],
      ]);
      for (const name of names)
        at.set(pathOf(`${options}.response`, at, name), ways.get(at.beside('algorithm')) ?? 'last');
      return at.beside('rename') === undefined ? undefined : byHand('It keeps its name.');
    }),
    same(rule('propagate.algorithm'), shown),
    none(rule('propagate.matching'), `Name each header in ${shown}.`),
    none(rule('propagate.exclude'), `Name each header in ${shown}.`),
    none(rule('propagate.rename'), 'It keeps its name.'),
    none(rule('propagate.default'), 'Set it in the proxy in front.'),
    none(rule('insert.**'), 'Set it in the proxy in front.'),
    none(rule('remove.**'), 'Only the headers of `headers.response` reach clients.'),
  ];
}

/** The path of a map of headers, with the name of the subgraph if it is one's. */
const pathOf = (options: string, { names }: Position, ...more: readonly string[]): string[] => [
  ...options.split('.').map((key) => (key === '*' ? names[0]! : key)),
  ...more,
];

function propagate(options: string, names: readonly string[] | undefined, at: Position): Outcome | undefined {
  if (names === undefined) return byHand('Name the headers by hand.');
  const newName = at.beside('rename');
  const [name] = names;
  if (typeof newName === 'string' && names.length === 1)
    at.set(pathOf(`${options}.rename`, at, name!), newName);
  else at.add(pathOf(`${options}.forward`, at), ...names);
  return undefined;
}

function addPatterns(path: string, value: ForeignValue, at: Position): Outcome | undefined {
  const expressions = texts(value);
  const patterns = expressions?.map((each) => headerPatterns(each));
  if (patterns === undefined || patterns.includes(undefined))
    return byHand('No pattern is equal to this regular expression: name the headers by hand.');
  at.add(pathOf(path, at), ...patterns.flat().map((each) => each!));
  return undefined;
}

function insert(options: string, name: ForeignValue, at: Position): Outcome | undefined {
  const value = at.beside('value');
  if (typeof name !== 'string' || hasReference(name)) return byHand('Name the header by hand.');
  if (nameOfOperation.has(at.beside('from_context') ?? at.beside('expression'))) {
    at.set(pathOf(`${options}.operationName`, at), name);
    return undefined;
  }
  if (isScalar(value)) {
    at.set(pathOf(`${options}.set`, at, name), textOf(value));
    return undefined;
  }
  return noOption('Its value is not written there: use `headers.claims` for a claim, or an interceptor.');
}

/** A key of the context of Apollo Router, in version 2 and before, and an expression of Hive Router. */
const nameOfOperation: ReadonlySet<unknown> = new Set([
  ...['apollo::supergraph::operation_name', 'operation_name', '.request.operation.name'],
]);

const isNameOfOperation = (value: ForeignValue): Outcome | undefined =>
  nameOfOperation.has(value) ? { becomes: 'same', note: '' } : undefined;

const isScalar = (value: ForeignValue | undefined): value is string | number | boolean =>
  typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string';
