import { child, children, type Located, type OpenApiDocument, textAt } from './document';
import { legalName } from './names';

/** An operation of a document, and its name in GraphQL. */
export interface Operation {
  readonly name: string;
  /** As `GET /pets/{petId}`, for messages. */
  readonly title: string;
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
  for (const [path, unresolved] of children(child(document.root, 'paths'))) {
    const item = document.resolve(unresolved);
    for (const method of methods) {
      const at = child(item, method);
      if (at === undefined) continue;
      const name = legalName(textAt(at, 'operationId') ?? nameOf(method, path));
      const title = `${method.toUpperCase()} ${path}`;
      const operation = { name, title, method: method.toUpperCase(), path, at, item };
      const same = operations.get(name);
      if (same === undefined) operations.set(name, [operation]);
      else same.push(operation);
    }
  }
  return operations;
}

/** `get_pets_petId` for `GET /pets/{petId}`. */
function nameOf(method: string, path: string): string {
  const words = path.split(/[^0-9A-Za-z]/).filter((word) => word !== '');
  return [method, ...words].join('_');
}

/** @throws {OpenApiError} where a path cannot be called, or lies beside that of the source. */
export function checkPath({ path, at }: Operation, document: OpenApiDocument): void {
  const segments = path.split('/');
  const isUsual = /^\/[!-~]*$/.test(path) && !path.startsWith('//') && !/[?#\\]/.test(path);
  const isDot = segments.some((segment) => /^(\.|%2e){1,2}$/i.test(segment));
  if (!isUsual || isDot)
    throw document.error(
      'Its path cannot be called: it must begin with one `/`, and have no `?`, `#`, `\\`, blank, `.` or `..` as a segment.',
      at,
    );
}

/** The names in braces. */
export const pathParameters = (path: string): string[] =>
  path
    .split('{')
    .slice(1)
    .flatMap((part) => (part.includes('}') ? part.slice(0, part.indexOf('}')) : []));
