import { readFileSync } from 'node:fs';
import {
  type ASTNode,
  type DocumentNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type Token,
  TokenKind,
  visit,
} from 'graphql';
import { OptionsError } from '../../options';
import { filesMatching, type McpOptions } from '../../options/mcp';
import { readTrustedOperations } from '../../request/persisted/trusted-operations';

/** An operation that is registered as a tool, as its document describes it. */
export interface RegisteredTool {
  readonly name: string;
  readonly file: string;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** The document as it is run: without descriptions. */
  readonly text: string;
  readonly title: string | undefined;
  readonly description: string | undefined;
  /** Whether fields that the caller may not see are null, and not a reason to refuse the call. */
  readonly isPartial: boolean;
  readonly isOpenWorld: boolean;
}

/** Reads the operations of `mcp.operations`, by name. @throws {OptionsError} with the file that is wrong, and the reason */
export async function readRegisteredTools({ operations }: McpOptions): Promise<readonly RegisteredTool[]> {
  const tools = new Map<string, RegisteredTool>();
  const add = (file: string, text: string): void => {
    const tool = toolIn(file, text);
    const other = tools.get(tool.name);
    if (other !== undefined && other.file !== file)
      refuse(file, `has the operation ${tool.name}, which ${other.file} has, too`);
    tools.set(tool.name, tool);
  };
  for (const each of operations) {
    if (typeof each !== 'string') {
      for (const text of await operationsOf(each.manifest, each.tools)) add(each.manifest, text);
      continue;
    }
    const files = filesMatching(each);
    if (files.length === 0) refuse(each, 'stands for no file');
    for (const file of files) add(file, readText(file));
  }
  return [...tools.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function refuse(file: string, predicate: string): never {
  throw OptionsError.of(['mcp', 'operations'], `names ${file}, which ${predicate}.`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw OptionsError.unreadable(['mcp', 'operations'], file, error);
  }
}

/** The documents of a manifest that have the operations of these names. */
async function operationsOf(manifest: string, names: readonly string[]): Promise<readonly string[]> {
  const { texts } = await readTrustedOperations([manifest], ['mcp', 'operations']);
  return names.map((name) => {
    const found = [...texts].filter((text) => text.includes(name) && operationNames(text).includes(name));
    if (found.length > 1) refuse(manifest, `has ${found.length} documents with the operation ${name}`);
    return found[0] ?? refuse(manifest, `has no operation ${name}`);
  });
}

const operationNames = (text: string): readonly (string | undefined)[] =>
  parse(text, { noLocation: true }).definitions.flatMap((each) =>
    each.kind === Kind.OPERATION_DEFINITION ? [each.name?.value] : [],
  );

/** @throws {OptionsError} */
export function toolIn(file: string, source: string): RegisteredTool {
  let document: DocumentNode;
  try {
    document = parse(source);
  } catch (error) {
    return refuse(file, `is no GraphQL document: ${(error as Error).message.replace(/\.$/, '')}`);
  }
  const [operation, ...more] = document.definitions.filter(
    (each): each is OperationDefinitionNode => each.kind === Kind.OPERATION_DEFINITION,
  );
  if (operation === undefined || more.length > 0) return refuse(file, 'must have exactly one operation');
  const name = operation.name?.value;
  if (name === undefined) return refuse(file, 'has an operation without a name');
  // What models of several makers take.
  if (name.length > 64) refuse(file, `has an operation whose name is longer than 64 characters: ${name}`);
  const { settings, text: comment } = readComments(file, operation);
  const description = operation.description?.value ?? (comment === '' ? undefined : comment);
  return {
    ...{ name, file, document, operation, description },
    text: withoutDescriptions(document, source),
    title: settings.get('title'),
    isPartial: settings.get('partial') === 'true',
    isOpenWorld: settings.get('openWorld') !== 'false',
  };
}

const booleans = ['partial', 'openWorld'];

/** Reads the comments in front of an operation: settings such as `# title: Find products`, and text. */
function readComments(file: string, { loc }: OperationDefinitionNode) {
  const lines: string[] = [];
  for (let token: Token | null = loc!.startToken.prev; token?.kind === TokenKind.COMMENT; token = token.prev)
    lines.unshift(token.value.trim());
  const settings = new Map<string, string>();
  const texts = lines.filter((line) => {
    const [, name, value] = /^(title|partial|openWorld):(.*)$/.exec(line) ?? [];
    if (name === undefined) return true;
    const setting = value!.trim();
    if (booleans.includes(name) && setting !== 'true' && setting !== 'false')
      refuse(file, `has the comment "${line}", where ${name} must be true or false`);
    settings.set(name, setting);
    return false;
  });
  return { settings, text: texts.join('\n').trim() };
}

/** Other readers of documents may not know descriptions in them (GraphQL, September 2025). */
function withoutDescriptions(document: DocumentNode, source: string): string {
  const described: ASTNode[] = [];
  const bare = visit(document, {
    enter(node: ASTNode & { readonly description?: unknown }) {
      if (node.description === undefined) return undefined;
      described.push(node);
      return { ...node, description: undefined };
    },
  });
  return described.length === 0 ? source : print(bare);
}
