import { OptionsError, parseOptions } from '../../../../../gateway/options';
import { readRegisteredTools, toolIn } from '../../../../../gateway/mcp/tools/registered-tools';
import { toolFiles } from '../../../../support/tool-files';

it('reads settings and a description from the comments in front of the operation', () => {
  expect(
    toolIn(
      'a.graphql',
      '# A file.\n# title: Find it\n# partial: true\n# openWorld: false\n# Finds.\nquery A { a }',
    ),
  ).toMatchObject({
    ...{ name: 'A', title: 'Find it', description: 'A file.\nFinds.', isPartial: true, isOpenWorld: false },
  });
  expect(toolIn('a.graphql', 'query A { a # b\n}')).toMatchObject({
    ...{ title: undefined, description: undefined, isPartial: false, isOpenWorld: true },
  });
});

it('prefers a description of GraphQL, and runs the operation without it', () => {
  const tool = toolIn('a.graphql', '# No text.\n"Finds." query A("Words." $a: Int) { a(a: $a) }');
  expect(tool.description).toBe('Finds.');
  expect(tool.text).toBe('query A($a: Int) {\n  a(a: $a)\n}');
});

it.each([
  ['{ a }', 'has an operation without a name'],
  ['query A { a } query B { a }', 'must have exactly one operation'],
  ['fragment F on A { a }', 'must have exactly one operation'],
  ['query A {', 'is no GraphQL document: Syntax Error'],
  ['# partial: yes\nquery A { a }', 'where partial must be true or false'],
  [`query ${'A'.repeat(65)} { a }`, 'longer than 64 characters'],
])('refuses %s', (text, reason) => {
  expect(() => toolIn('a.graphql', text)).toThrow(reason);
  expect(() => toolIn('a.graphql', text)).toThrow(OptionsError);
});

describe('the operations of files and manifests', () => {
  const files = toolFiles({
    'b.graphql': 'query B { b }',
    'a.graphql': 'query A { a }',
    'other.gql': 'query A { b }',
    'web.json': JSON.stringify({
      1: 'query Web { a }',
      2: 'query Other { a }',
      3: 'query Twice { a }',
      4: 'query Twice { b }',
    }),
  });
  afterAll(files.remove);
  const read = (...operations: unknown[]) =>
    readRegisteredTools(parseOptions({ mcp: { operations: operations as string[] } }).mcp!);
  const manifest = `${files.folder}/web.json`;

  it('are tools in the order of their names', async () => {
    const tools = await read({ manifest, tools: ['Web'] }, files.pattern);
    expect(tools.map(({ name }) => name)).toEqual(['A', 'B', 'Web']);
  });

  it.each<[string, unknown[], string]>([
    ['a pattern without files', [`${files.folder}/*.none`], 'stands for no file'],
    ['a file that is missing', [`${files.folder}/none.graphql`], 'does not exist'],
    ['one name in two files', [files.pattern, `${files.folder}/other.gql`], 'has the operation A, which'],
    ['a manifest without the operation', [{ manifest, tools: ['Webb'] }], 'has no operation Webb'],
    [
      'a manifest with two of the name',
      [{ manifest, tools: ['Twice'] }],
      'has 2 documents with the operation Twice',
    ],
    [
      'a manifest that is none',
      [{ manifest: `${files.folder}/a.graphql`, tools: ['A'] }],
      '`mcp.operations` names',
    ],
  ])('are refused: %s', async (_, operations, reason) => {
    await expect(read(...operations)).rejects.toThrow(reason);
  });
});
