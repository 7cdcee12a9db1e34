import { getLocation, printSourceLocation, type Source } from 'graphql';

/** One thing that composition, or reading its inputs, has to say, and the places in which to mend it. */
export interface Problem {
  /** Only an `error` keeps a supergraph from being made. */
  readonly level: 'error' | 'warning' | 'info';
  /**
   * Stable: Apollo's composition codes, or `APPSYNC_ANY_FIELD_MISSING`, `INVALID_ONE_OF`, `UNSUPPORTED_FEATURE`, `CONFIG_INVALID`,
   * `SCHEMA_UNREADABLE`, `FEDERATION_VERSION`.
   */
  readonly code: string;
  readonly message: string;
  /** Whose schema cannot be read: of `SCHEMA_UNREADABLE` only. */
  readonly subgraph?: string;
  /** The most telling one first; empty when the fact is in no one place, as when no subgraph has a `Query`. */
  readonly locations: readonly ProblemLocation[];
}

export interface ProblemLocation {
  /** Absent when the place is in the configuration. */
  readonly subgraph?: string;
  readonly file: string;
  /** From 1, as GraphQL counts. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The lines around the place, numbered, with a caret below it. */
  readonly excerpt: string;
}

/** The location of the character at `offset` of a text. */
export function locate(source: Source, offset: number, subgraph?: string): ProblemLocation {
  const { line, column } = getLocation(source, offset);
  const [, ...excerpt] = printSourceLocation(source, { line, column }).split('\n');
  return {
    ...(subgraph === undefined ? {} : { subgraph }),
    file: source.name,
    line,
    column,
    excerpt: excerpt.join('\n'),
  };
}

/** A problem as lines for a terminal, `file:line:column` in the form that editors and terminals link. */
export function formatProblem({ level, code, message, locations }: Problem): string {
  const places = locations.map(
    ({ subgraph, file, line, column, excerpt }) =>
      `  ${file}:${line}:${column}${subgraph === undefined ? '' : ` (${subgraph})`}\n${indent(excerpt)}`,
  );
  return [`${level} ${code}: ${message}`, ...places].join('\n');
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '    ');
}
