/** The request of an operation that a tool call becomes. */
import { createHmac } from 'node:crypto';
import { suggestionList } from 'graphql/jsutils/suggestionList';
import type { Tool } from './tools/tools';

/** Undefined for arguments that are nested too deeply to be written. */
export function digestOf(given: object, key: string): string | undefined {
  try {
    return createHmac('sha256', key).update(JSON.stringify(given)).digest('hex');
  } catch {
    return undefined;
  }
}

/** The body of a POST with the operation of a tool, or a sentence about what is wrong with its arguments. */
export function bodyFor(tool: Tool, given: Readonly<Record<string, unknown>>): Buffer | string {
  const { properties } = tool.definition.inputSchema;
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(properties, name));
  if (unknown !== undefined) {
    const known = Object.keys(properties);
    const nearest = nearestTo(unknown, known);
    const hint =
      nearest === undefined ? `it takes ${known.join(', ') || 'none'}.` : `did you mean ${nearest}?`;
    return `The tool has no argument ${JSON.stringify(unknown.slice(0, 64))}: ${hint}`;
  }
  try {
    return Buffer.from(`${tool.beforeVariables}${JSON.stringify(given)}}`);
  } catch {
    return 'The arguments are nested too deeply.';
  }
}

/** The known name that a wrong one is nearest to; undefined if none is near. */
export const nearestTo = (wrong: string, known: readonly string[]): string | undefined =>
  suggestionList(wrong, known)[0];
