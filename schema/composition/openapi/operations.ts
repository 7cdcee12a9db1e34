import { child, entries, type Located, type OpenApiDocument, textAt } from './document';
import { legalName } from './names';

/** An operation of a document, and its name in GraphQL. */
export interface Operation {
  readonly name: string;
  /** In capitals. */
  readonly method: string;
  readonly path: string;
  readonly at: Located;
  /** Of the path, with what holds for all its operations. */
  readonly item: Located;
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'query'];

/** The operations of a document by their names: `operationId`, else made of method and path. Some may be equal. */
export function operationsOf(document: OpenApiDocument): Map<string, Operation[]> {
  const operations = new Map<string, Operation[]>();
  for (const [path, unresolved] of entries(document.root, 'paths')) {
    const item = document.resolve(unresolved);
    for (const method of methods) {
      const at = child(item, method);
      if (at === undefined) continue;
      const name = legalName(textAt(at, 'operationId') ?? nameOf(method, path));
      const operation = { name, method: method.toUpperCase(), path, at, item };
      if (operations.get(name)?.push(operation) === undefined) operations.set(name, [operation]);
    }
  }
  return operations;
}

/** `get_pets_petId` for `GET /pets/{petId}`. */
const nameOf = (method: string, path: string): string =>
  [method, ...path.split(/[^0-9A-Za-z]/).filter((word) => word !== '')].join('_');

/** @throws {SupergraphConfigError} where a path cannot be called, or lies beside that of the source. */
export function checkPath({ path, at }: Operation, document: OpenApiDocument): void {
  const isUsual = /^\/[!-~]*$/.test(path) && !path.startsWith('//') && !/[?#\\]/.test(path);
  if (!isUsual || path.split('/').some((segment) => /^(\.|%2e){1,2}$/i.test(segment)))
    throw document.error(
      'Its path cannot be called: it must begin with one `/`, and have no `?`, `#`, `\\`, blank, `.` or `..` as a segment.',
      at,
    );
}

/** The names in braces. */
export const pathParameters = (path: string): string[] =>
  Array.from(path.matchAll(/\{([^{}]*)\}/g), ([, name]) => name!);
