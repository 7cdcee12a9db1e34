export interface CurlFacts {
  readonly endpoint: string;
  /** Undefined if it is not known: then the command has `…` instead. */
  readonly text: string | undefined;
  readonly operationName: string | undefined;
  /** Names of the operation's variables. */
  readonly variables?: readonly string[];
}

/** A command that sends an operation again. What the client has sent besides its text are placeholders. */
export function curlFor({ endpoint, text, operationName, variables = [] }: CurlFacts): string {
  const body = {
    query: text ?? '…',
    ...(operationName !== undefined && { operationName }),
    ...(variables.length > 0 && { variables: Object.fromEntries(variables.map((name) => [name, '…'])) }),
  };
  return [
    `curl ${quoted(endpoint)}`,
    "-H 'content-type: application/json'",
    "-H 'authorization: Bearer …'",
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(' \\\n  ');
}

/** A word of a POSIX shell, in which nothing is replaced. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
