/** What is wrong with a source, for who writes its schema or overlay. */
import { suggestionList } from 'graphql/jsutils/suggestionList';
import { type LocatedNode, locateNode, type Problem } from '../problem';

export const sourceProblem = (message: string, node: LocatedNode, subgraph?: string): Problem => ({
  ...{ level: 'error', code: 'INVALID_SOURCE_SCHEMA', message },
  locations: locateNode(node, subgraph),
});

/** The known name that an unknown one may mean, for messages. */
export function suggestion(name: string, known: Iterable<string>): string {
  const [nearest] = suggestionList(name, [...known]);
  return nearest === undefined ? '' : ` Did you mean \`${nearest}\`?`;
}
