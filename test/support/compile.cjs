// node compile.cjs FOLDER OPTIONS FILE...: compiles TypeScript, and prints what is wrong with these files or with a declaration
// file of `weir`. `tsc` would check those of all packages, which takes four times as long; and jest slows it down as much.
const { join } = require('node:path');
const ts = require('typescript');

const [folder, text, ...names] = process.argv.slice(2);
const { options, errors } = ts.convertCompilerOptionsFromJson(JSON.parse(text), folder);
const program = ts.createProgram(
  names.map((name) => join(folder, name)),
  { ...options, configFilePath: join(folder, 'tsconfig.json') },
);
const ours = program.getSourceFiles().filter(({ fileName }) => {
  const [, ...packages] = fileName.split('/node_modules/');
  return packages.length === 0 || (packages.length === 1 && packages[0].startsWith('weir/'));
});
if (!ours.some(({ fileName }) => fileName.endsWith('node_modules/weir/dist/gateway/index.d.ts')))
  throw new Error('The types of the package were not found.');
program.emit();
const problems = [
  ...errors,
  ...program.getOptionsDiagnostics(),
  ...program.getGlobalDiagnostics(),
  ...ours.flatMap((file) => [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ]),
];
process.stdout.write(
  ts.formatDiagnostics(problems, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => folder,
    getNewLine: () => '\n',
  }),
);
