/** Headers of Hive Gateway: functions that return them, and lists of what is sent to a subgraph. */
import { Code, type ForeignValue, isMap, isOneValue, textOf } from '../foreign';
import { different, none, type Outcome, type Row, same } from '../table';
import type { Position } from '../translate';
import { byHand, noOption, texts } from '../values';

const toSubgraphs = 'propagateHeaders.fromClientToSubgraphs';
const toClient = 'propagateHeaders.fromSubgraphsToClient';

const decidedByCode =
  'Code decides it: name the header in `headers`, or write an [interceptor](extending.md#interceptors).';

/** Functions are read as the objects that they return. */
export const propagationRows: readonly Row[] = [
  same(`${toSubgraphs}.*`, '`headers.forward`, `.rename`, `.set`, `.defaults`', takeHeaderToSubgraphs),
  none(toSubgraphs, decidedByCode),
  none(`${toSubgraphs}.**`, decidedByCode),
  same(`${toClient}.*`, '`headers.response`', (value, at) => {
    const name = at.names[0]!.toLowerCase();
    const header = value instanceof Code ? value.header : undefined;
    if (header?.name.toLowerCase() !== name)
      return byHand('Code decides it: name the header in `headers.response`. It keeps its name.');
    const isLast = name !== 'set-cookie' && at.inFile('propagateHeaders', 'deduplicateHeaders') === true;
    at.set(['headers', 'response', name], isLast ? 'last' : 'append');
    return header.otherwise === undefined
      ? undefined
      : byHand('It has no default: set it in the proxy in front.');
  }),
  different(
    [toClient, `${toClient}.**`],
    '`headers.response`',
    'Name each header, and whether the first, the last or all count.',
  ),
  same('propagateHeaders.deduplicateHeaders', '`headers.response`'),
];

function takeHeaderToSubgraphs(value: ForeignValue, at: Position): Outcome | undefined {
  const name = at.names[0]!.toLowerCase();
  if (!(value instanceof Code)) {
    if (!isOneValue(value) || Array.isArray(value)) return noOption(decidedByCode);
    at.set(['headers', 'set', name], textOf(value));
    return undefined;
  }
  if (value.header === undefined) return noOption(decidedByCode);
  const from = value.header.name.toLowerCase();
  if (from !== name && nameFor(from, at) !== name)
    return byHand(`\`headers.rename\` has one name for ${from}, which is ${nameFor(from, at)}.`);
  if (from === name) at.add('headers.forward', name);
  else at.set(['headers', 'rename', from], name);
  if (value.header.otherwise !== undefined) at.set(['headers', 'defaults', name], value.header.otherwise);
  return undefined;
}

/** The first other name of a client's header. */
function nameFor(from: string, at: Position): string | undefined {
  const returned = at.inFile(...toSubgraphs.split('.'));
  const renamed = [...(isMap(returned) ? returned : [])].find(
    ([name, value]) =>
      name.toLowerCase() !== from && value instanceof Code && value.header?.name.toLowerCase() === from,
  );
  return renamed?.[0].toLowerCase();
}

export const byName = 'Write each header as `set`, `forward` or `claims`.';

/** Names of all subgraphs, as their supergraph has them. */
const all: ReadonlySet<string> = new Set(['*', '*.http']);

/** Of a list of names and values, or of a map. */
export function takeSentHeader(value: ForeignValue, at: Position): Outcome | undefined {
  const [subgraph, key] = at.names as [string, string];
  const [name, text] = Array.isArray(value) ? (value as readonly ForeignValue[]) : [key, value];
  if (typeof name !== 'string') return byHand(byName);
  const header = name.toLowerCase();
  const options = all.has(subgraph) ? ['headers'] : ['subgraphs', subgraph, 'headers'];
  const [sent] = (text === undefined ? undefined : texts(text)) ?? [];
  if (sent === undefined || (subgraph.includes('*') && !all.has(subgraph)))
    return byHand(`${header}: ${byName}`);
  const [, dotted, quoted] = /^\{context\.headers(?:\.([\w-]+)|\[['"]([\w-]+)['"]\])\}$/.exec(sent) ?? [];
  const from = (dotted ?? quoted)?.toLowerCase();
  if (from === header) at.add([...options, 'forward'], header);
  else if (from !== undefined) at.set([...options, 'rename', from], header);
  else if (sent.replaceAll(/\$\{[^{}]*\}/g, '').includes('{')) return byHand(`${header}: ${byName}`);
  else at.set([...options, 'set', header], sent);
  return undefined;
}
