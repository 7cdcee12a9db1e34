// node compile.cjs FOLDER PROGRAMS: compiles TypeScript, and prints for each program what is wrong with its files or with a
// declaration file of `weir`. `tsc` would check those of all packages, which takes four times as long; and jest slows it down
// as much. PROGRAMS are lists of files and compiler options, in JSON. They share what is parsed of declaration files.
const { join } = require('node:path');
const ts = require('typescript');

const [folder, programs] = process.argv.slice(2);
const parsed = new Map();
process.stdout.write(JSON.stringify(JSON.parse(programs).map(compile)));

function compile({ files, options: text }) {
  const { options, errors } = ts.convertCompilerOptionsFromJson(text, folder);
  const program = ts.createProgram(
    files.map((name) => join(folder, name)),
    { ...options, configFilePath: join(folder, 'tsconfig.json') },
    hostOf(options),
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
  return ts.formatDiagnostics(problems, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => folder,
    getNewLine: () => '\n',
  });
}

function hostOf(options) {
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (name, how, ...more) => {
    // What is no declaration is parsed as the options say.
    if (!/\.d\.[cm]?ts$/.test(name)) return getSourceFile(name, how, ...more);
    const key = JSON.stringify([name, how]);
    if (!parsed.has(key)) parsed.set(key, getSourceFile(name, how, ...more));
    return parsed.get(key);
  };
  return host;
}
