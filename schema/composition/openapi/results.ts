import { isJson, mediaType, namesOf } from './bodies';
import { child, children } from './document';
import type { Import } from './fields';
import type { Operation } from './operations';

interface Result {
  readonly type: string;
  /** What is made of a body: `success` is `true` for an answer without one. */
  readonly kind: 'json' | 'text' | 'success';
}

/** What an operation answers when it succeeds. @throws {OpenApiError} where it is neither JSON nor text */
export function resultOf({ at, name }: Operation, field: string, { document, types, notes }: Import): Result {
  const responses = children(child(at, 'responses'));
  const successes = responses.filter(([status]) => /^2(\d\d|XX)$/i.test(status));
  const all = (successes.length > 0 ? successes : responses.filter(([status]) => status === 'default'))
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, response]) => document.resolve(response));
  const contents = all.flatMap((response) => children(child(response, 'content')));
  if (contents.length === 0) return { type: 'Boolean', kind: 'success' };

  const schemas = contents.filter(([type]) => isJson(mediaType(type)));
  const [json] = schemas;
  if (json !== undefined) {
    const schema = child(json[1], 'schema') ?? { value: {}, path: [...json[1].path, 'schema'] };
    const kinds = new Set(
      schemas.map(([, each]) => types.shapes.of(child(each, 'schema') ?? schema).at.value),
    );
    if (kinds.size > 1)
      notes.add('It answers several kinds of JSON: that of the first status is read', field);
    const type = types.of(schema, { direction: 'output', operation: `${name}_result`, coordinate: field });
    return { type, kind: 'json' };
  }
  const isText = (type: string) =>
    type.startsWith('text/') && type !== 'text/event-stream' && !type.endsWith('xml');
  if (contents.some(([type]) => isText(mediaType(type)))) return { type: 'String', kind: 'text' };
  const answer = all
    .map((response) => child(response, 'content'))
    .find((content) => children(content).length > 0);
  throw document.error(`It answers ${namesOf(answer)}; only JSON and text are read.`, answer ?? at);
}
