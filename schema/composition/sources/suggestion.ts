import { suggestionList } from 'graphql/jsutils/suggestionList';

/** The known name that an unknown one may mean, for messages. */
export function suggestion(name: string, known: Iterable<string>): string {
  const [nearest] = suggestionList(name, [...known]);
  return nearest === undefined ? '' : ` Did you mean \`${nearest}\`?`;
}
