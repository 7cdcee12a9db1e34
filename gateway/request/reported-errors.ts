/** What an error of an answer has besides its message. */
export interface ShownError {
  readonly path?: readonly (string | number)[] | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** What is known of an error without its values, its message and its position in lists. */
export interface ReportedError {
  readonly code: string;
  /** The names of fields from the root; empty where it is of the whole answer. */
  readonly path: string;
  /** The subgraph; empty for errors of the gateway. */
  readonly service: string;
}

/** An error as a text, by which equal ones are found. */
export function reportedError({ path, extensions }: ShownError): string {
  let fields = '';
  if (path !== undefined)
    for (const step of path) {
      if (typeof step === 'number') continue;
      fields += fields === '' ? lineOf(step) : `.${lineOf(step)}`;
      if (fields.length > longestPath) break;
    }
  return `${lineOf(extensions?.['code'])}\n${lineOf(extensions?.['service'])}\n${fields}`;
}

export function errorOf(text: string): ReportedError {
  const [code, service, path] = text.split('\n') as [string, string, string];
  return { code, service, path };
}

/** Subgraphs choose codes, and clients aliases. */
const lineOf = (name: unknown): string =>
  typeof name === 'string' ? name.slice(0, longest).replaceAll('\n', ' ') : '';

const longest = 64;
const longestPath = 200;
