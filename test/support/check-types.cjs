// `node check-types.cjs`, with a JSON map of file names to sources on standard input: prints what the compiler says of them.
// The files are not written; names are relative to the checkout. In a process of its own, as jest makes the compiler slow.
const { join } = require('node:path');
const ts = require('typescript');

const root = join(__dirname, '../..');
const sources = new Map(
  Object.entries(JSON.parse(require('node:fs').readFileSync(0, 'utf8'))).map(([name, text]) => [
    join(root, name),
    text,
  ]),
);
const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
Object.assign(options, {
  ...{
    incremental: false,
    tsBuildInfoFile: undefined,
    allowJs: true,
    checkJs: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
  },
  lib: [...options.lib, 'lib.dom.d.ts'],
  paths: {
    weir: [join(root, 'gateway/index.ts')],
    'weir/lambda': [join(root, 'gateway/lambda.ts')],
    'weir/subgraph': [join(root, 'subgraphs/kit/index.ts')],
    'weir/schema': [join(root, 'schema/index.ts')],
  },
});

/** Modules beside an example are its reader's own: whatever they export has any type. */
const own = join(root, 'own-modules.d.ts');
sources.set(own, "declare module '*.js'; declare module '*.mjs'; declare module '*.ts';");

const host = ts.createCompilerHost(options);
const { fileExists, readFile, getSourceFile } = host;
host.fileExists = (name) => sources.has(name) || fileExists(name);
host.readFile = (name) => sources.get(name) ?? readFile(name);
host.getSourceFile = (name, target, ...rest) =>
  sources.has(name)
    ? ts.createSourceFile(name, sources.get(name), target, true)
    : getSourceFile(name, target, ...rest);

/** JavaScript needs no types, but its syntax (1000 and up), its names, and what it imports. */
const ofJavaScript = [2304, 2305, 2307, 2339, 2552, 2613, 2614, 2724];

const program = ts.createProgram([...sources.keys()], options, host);
const problems = [...sources.keys()]
  .filter((name) => name !== own)
  .map((name) => program.getSourceFile(name))
  .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
  .filter(({ code, file }) => !file.fileName.endsWith('.mjs') || code < 2000 || ofJavaScript.includes(code));
process.stdout.write(
  ts.formatDiagnostics(problems, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => root,
    getNewLine: () => '\n',
  }),
);
