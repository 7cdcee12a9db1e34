/** Whoever adds an implementation and forgets to enter it in its contract suite is told here. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { testedModes } from '../support/authenticators';
import { testedStores } from '../support/cache-stores';
import { channels } from '../support/channels';
import { domainEventSources } from '../support/domain-event-sources';
import { eventSources } from '../support/event-sources';
import { registryStoreKinds } from '../support/registry-stores';
import { resolverKinds } from '../support/resolvers';
import { sinkKinds } from '../support/sink-connections';
import { snapshotStores } from '../support/snapshot-stores';
import { workflowEngines } from '../support/workflow-engines';

const root = join(__dirname, '../..');

interface Contract {
  /** The interface, and the file that has it. */
  readonly of: string;
  readonly file: string;
  /** The list that the suite runs over. */
  readonly list: string;
  readonly entered: readonly { readonly name: string }[];
  /** Functions that open one of those that are entered. */
  readonly openers?: readonly string[];
}

const contracts: readonly Contract[] = [
  {
    of: 'Store',
    file: 'gateway/cache/stores/store.ts',
    list: 'test/support/cache-stores.ts',
    entered: testedStores,
    openers: ['openStore'],
  },
  {
    of: 'RegistryStore',
    file: 'schema/store/store.ts',
    list: 'test/support/registry-stores.ts',
    entered: registryStoreKinds.map(([, , open]) => open),
    openers: ['openRegistryStore'],
  },
  {
    of: 'Sink',
    file: 'gateway/request/sink.ts',
    list: 'test/support/sink-connections.ts',
    entered: sinkKinds.map(([, , sink]) => sink),
    // It is no connection of its own: it stands between a request and the sink that it came by.
    openers: ['McpSink'],
  },
  {
    of: 'EventSource',
    file: 'kit/subscriptions/event-source.ts',
    list: 'test/support/event-sources.ts',
    entered: eventSources.map(([, , implementation]) => implementation),
  },
  {
    of: 'Channel',
    file: 'kit/events/channels/channel.ts',
    list: 'test/support/channels.ts',
    entered: channels,
  },
  {
    of: 'WorkflowEngine',
    file: 'kit/workflows/engine.ts',
    list: 'test/support/workflow-engines.ts',
    entered: workflowEngines.map(({ implementation }) => implementation),
    openers: ['openEngine'],
  },
  {
    of: 'TargetResolver',
    file: 'gateway/discovery/resolver.ts',
    list: 'test/support/resolvers.ts',
    entered: resolverKinds.map(({ implementation }) => implementation),
    openers: ['polling'],
  },
  {
    of: 'DomainEventSource',
    file: 'gateway/events/source.ts',
    list: 'test/support/domain-event-sources.ts',
    entered: domainEventSources.map(([, create]) => create),
  },
  {
    of: 'Authenticator',
    file: 'gateway/auth/authenticator.ts',
    list: 'test/support/authenticators.ts',
    entered: Object.values(testedModes).map(([, create]) => create),
  },
  {
    of: 'SnapshotStore',
    file: 'cli/recovery/snapshot-store.ts',
    list: 'test/support/snapshot-stores.ts',
    entered: snapshotStores,
  },
];

const sources = ['gateway', 'kit', 'schema', 'cli', 'subgraphs']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));

it.each(contracts)(
  'every exported implementation of $of is entered in $list',
  ({ of, file, entered, openers = [] }) => {
    const names = entered.map(({ name }) => name);
    const found = sources
      .filter(({ text }) => text.includes(of))
      .flatMap((source) => implementationsIn(source, { of, file, names }));
    expect(found.length).toBeGreaterThan(0);
    const known = [...names, ...openers];
    expect(found.filter((name) => !known.includes(name))).toEqual([]);
    expect(openers.filter((name) => !found.includes(name))).toEqual([]);
  },
);

/**
 * The exported classes that implement an interface or extend one of `names`, and the exported functions that return it
 * or a promise of it.
 */
function implementationsIn(
  { file, text }: (typeof sources)[number],
  contract: Pick<Contract, 'of' | 'file'> & { readonly names: readonly string[] },
): string[] {
  const { of, names } = contract;
  const { statements } = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  // There may be other interfaces of the same name.
  const isMeant =
    file === contract.file || statements.some((each) => importsFrom(each, of, file, contract.file));
  const isOf = (type: string): boolean => isMeant && (type === of || type === `Promise<${of}>`);
  return statements.flatMap((each): string[] => {
    const isExported =
      ts.canHaveModifiers(each) &&
      ts.getModifiers(each)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
    if (!isExported) return [];
    if (ts.isClassDeclaration(each)) {
      const types = each.heritageClauses?.flatMap(({ types }) => types) ?? [];
      const isOne = types.some(({ expression }) => {
        const name = expression.getText();
        return isOf(name) || names.includes(name);
      });
      return isOne ? [each.name!.text] : [];
    }
    if (ts.isFunctionDeclaration(each))
      return each.type !== undefined && isOf(each.type.getText()) ? [each.name!.text] : [];
    if (!ts.isVariableStatement(each)) return [];
    return each.declarationList.declarations.flatMap(({ name, type, initializer }) => {
      const returned = initializer !== undefined && ts.isArrowFunction(initializer) ? initializer.type : type;
      return returned !== undefined && isOf(returned.getText()) ? [name.getText()] : [];
    });
  });
}

function importsFrom(statement: ts.Statement, name: string, file: string, from: string): boolean {
  if (!ts.isImportDeclaration(statement)) return false;
  const bindings = statement.importClause?.namedBindings;
  if (bindings === undefined || !ts.isNamedImports(bindings)) return false;
  const specifier = (statement.moduleSpecifier as ts.StringLiteral).text;
  const imported = relative(root, join(root, dirname(file), specifier));
  return (
    `${imported}.ts` === from &&
    bindings.elements.some(({ name: local, propertyName }) => (propertyName ?? local).text === name)
  );
}
