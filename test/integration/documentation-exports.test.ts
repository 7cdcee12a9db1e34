/** gateway/index.ts: what `weir` exports, beside the page that lists it and the examples that import it. */
import { join } from 'node:path';
import { parseFileSync, parseSync, type Module } from '@swc/core';
import { examplesOf, pages, readPage, root } from '../support/documentation';

const exported = parseFileSync(join(root, 'gateway/index.ts'), { syntax: 'typescript' }).body.flatMap(
  (item) => {
    if (item.type !== 'ExportNamedDeclaration') throw new Error(`${item.type} exports what nobody can list.`);
    return item.specifiers.map((specifier) =>
      specifier.type === 'ExportSpecifier' ? (specifier.exported ?? specifier.orig).value : specifier.type,
    );
  },
);

const [, table = ''] = readPage('docs/extending.md').split('\n## What `weir` exports\n');
const listed = [...table.matchAll(/^\|([^|]*)\|/gm)].flatMap(([, names]) =>
  [...names!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
);

const examples = pages().flatMap((page) => examplesOf(page));
const inCode = examples.filter(({ language }) => ['ts', 'js'].includes(language));

const importsOf = ({ body }: Module): string[] =>
  body.flatMap((item) => {
    if (item.type !== 'ImportDeclaration' || !['weir', 'weir/gateway'].includes(item.source.value)) return [];
    return item.specifiers.map((specifier) =>
      specifier.type === 'ImportSpecifier' ? (specifier.imported ?? specifier.local).value : specifier.type,
    );
  });

describe('an export of `weir`', () => {
  it('is listed once in docs/extending.md, and everything that is listed is one', () => {
    expect(listed.toSorted()).toEqual(exported.toSorted());
  });

  it('is what an example imports', () => {
    const missing = inCode.flatMap(({ at, text }) =>
      importsOf(parseSync(text, { syntax: 'typescript' }))
        .filter((name) => !exported.includes(name))
        .map((name) => `${at} imports ${name}`),
    );
    expect(inCode.some(({ text }) => text.includes("from 'weir'"))).toBe(true);
    expect(missing).toEqual([]);
  });
});
