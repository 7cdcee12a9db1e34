// `node check-examples.cjs`, of `npm run lint`: prints what the compiler finds in the TypeScript and JavaScript of the README
// and the docs. What an example imports from a file beside it may be anything.
const { execFileSync } = require('node:child_process');
const { mkdirSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
require('./typescript.cjs');
const { examplesOf, pages, root } = require('./documentation.ts');

/** Below `node_modules` of the checkout, so that packages are found from here. */
const folder = join(root, 'node_modules/.cache/weir-examples');
/** Each problem begins with the file, `PAGE-line-LINE.mts`, in which the slashes of the page's path are `+`. */
const problem = /^([^(\s]+)-line-(\d+)\.(mts|mjs)\((\d+),(\d+)\): error TS(\d+): (.*)$/;
/** JavaScript needs no types, but its syntax (1000 to 1999), its names, and what it imports. */
const ofJavaScript = ['2304', '2305', '2307', '2339', '2552', '2613', '2614', '2724'];

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const examples = pages()
  .flatMap((page) => examplesOf(page))
  .filter(({ language }) => language === 'ts' || language === 'js');
for (const { page, at, language, text } of examples) {
  const line = at.slice(page.length + 1);
  writeFileSync(
    join(folder, `${page.replace(/\.md$/, '').replaceAll('/', '+')}-line-${line}.m${language}`),
    `${text}\nexport {};\n`,
  );
}
writeFileSync(
  join(folder, 'own-modules.d.ts'),
  "declare module '*.js'; declare module '*.mjs'; declare module '*.ts';\n",
);
writeFileSync(
  join(folder, 'tsconfig.json'),
  JSON.stringify({
    extends: join(root, 'tsconfig.json'),
    include: ['*'],
    compilerOptions: {
      incremental: false,
      noEmit: true,
      allowJs: true,
      checkJs: true,
      noUnusedLocals: false,
      noUnusedParameters: false,
      lib: ['es2023', 'es2024.arraybuffer', 'dom'],
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
      paths: {
        weir: [join(root, 'gateway/index.ts')],
        'weir/lambda': [join(root, 'gateway/lambda/index.ts')],
        'weir/subgraph': [join(root, 'kit/index.ts')],
        'weir/schema': [join(root, 'schema/index.ts')],
      },
    },
  }),
);

const problems = compile().split('\n').flatMap(problemOf);
for (const each of problems) console.log(each);
process.exitCode = problems.length > 0 || examples.length === 0 ? 1 : 0;

/** What the compiler prints. */
function compile() {
  const compiler = join(root, 'node_modules/typescript-7/bin/tsc');
  try {
    return execFileSync(process.execPath, [compiler, '-p', folder, '--singleThreaded', '--pretty', 'false'], {
      cwd: folder,
      encoding: 'utf8',
    });
  } catch ({ stdout }) {
    return stdout;
  }
}

/** A problem as people find it: at a line of the page. */
function problemOf(line) {
  const [, page, start, ending, row, , code, message] = problem.exec(line) ?? [];
  // Our own sources are checked by `npm run typecheck`, without the types of browsers.
  if (page === undefined) return /^( |$|\.\.\/)/.test(line) ? [] : [line];
  if (ending === 'mjs' && Number(code) >= 2000 && !ofJavaScript.includes(code)) return [];
  // A variable that is set later has no type that could say so.
  if (ending === 'mjs' && / on type '(never|.* \| null)'/.test(message)) return [];
  return [
    `${page.replace(/\.md$/, '').replaceAll('+', '/')}.md:${Number(start) + Number(row) - 1}: ${message}`,
  ];
}
