import { getLocation, printSourceLocation, type Source } from 'graphql';

/** A finding of composition, or of reading its inputs, and where to fix it. */
export interface Problem {
  /** Only an `error` prevents composition. */
  readonly level: 'error' | 'warning' | 'info';
  /**
   * Stable: Apollo's composition codes, or `APPSYNC_ANY_FIELD_MISSING`, `INVALID_ONE_OF`, `INVALID_SOURCE_SCHEMA`, `OPENAPI_INVALID`, `UNSUPPORTED_FEATURE`,
   * `CONFIG_INVALID`, `SCHEMA_UNREADABLE`, `FEDERATION_VERSION`.
   */
  readonly code: string;
  readonly message: string;
  /** The subgraph whose schema cannot be read. Only for `SCHEMA_UNREADABLE`. */
  readonly subgraph?: string;
  /**
   * The most relevant location first. Empty for a problem without a location, for example if no subgraph has a `Query`.
   */
  readonly locations: readonly ProblemLocation[];
}

export interface ProblemLocation {
  /** Absent for a location in the configuration. */
  readonly subgraph?: string;
  readonly file: string;
  /** From 1, as in GraphQL. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The numbered lines around the location, with a caret below it. */
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
    // Of a file in one line, graphql-js prints all that is before the location.
    excerpt: excerpt.slice(-4).join('\n'),
  };
}

/** A node of a schema. Nodes of upgraded Federation 1 schemas, and what is made of no text, have no location. */
export interface LocatedNode {
  readonly loc?: { readonly start: number; readonly source: Source } | undefined;
}

/** The location of a node, if it has one. */
export const locateNode = ({ loc }: LocatedNode, subgraph?: string): ProblemLocation[] =>
  loc === undefined ? [] : [locate(loc.source, loc.start, subgraph)];

/** Formats a problem for a terminal. Editors and terminals link `file:line:column`. */
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
