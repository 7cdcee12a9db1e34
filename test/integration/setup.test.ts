import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

let checkout: string;

const compiling = 'weir: Compiling …\nweir: Bundling the gateway …\n';

/** A checkout whose compiler only says that it ran. */
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'weir-setup-'));
  copyFileSync(join(__dirname, '../../setup.mjs'), join(checkout, 'setup.mjs'));
  for (const file of ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json']) write(file, '{}');
  write('node_modules/.package-lock.json', '{}');
  write('node_modules/jest/package.json', '{}');
  write('node_modules/typescript-7/bin/tsc', "require('node:fs').mkdirSync('dist', { recursive: true })");
  write('node_modules/esbuild/package.json', '{}');
  write(
    'console/build.mjs',
    "import fs from 'node:fs'; fs.mkdirSync('dist/console', { recursive: true }); fs.writeFileSync('dist/console/index.html', '')",
  );
  write('bundle.mjs', '');
  for (const file of [
    'console/main.tsx',
    'cli/main.ts',
    'schema/a.graphql',
    'schema/supergraph.yaml',
    'cli/weir.mjs',
  ])
    write(file, '');
  expect(setUp()).toBe(`${compiling}weir: Bundling the console …\n`);
});

afterEach(() => rmSync(checkout, { recursive: true, force: true }));

function write(file: string, text: string): void {
  const path = join(checkout, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Edits a file as if that came a minute later. */
function edit(file: string): void {
  const later = Date.now() / 1000 + 60;
  utimesSync(join(checkout, file), later, later);
}

/** What is said. */
const setUp = (): string =>
  spawnSync('/bin/sh', ['-c', '"$0" setup.mjs 2>&1', process.execPath], {
    cwd: checkout,
    encoding: 'utf8',
  }).stdout;

describe('setting a checkout up', () => {
  it('does nothing when there is nothing to do', () => {
    expect(setUp()).toBe('');
  });

  it.each(['cli/main.ts', 'tsconfig.json', 'bundle.mjs'])('compiles again after an edit of %s', (file) => {
    edit(file);
    expect(setUp()).toBe(compiling);
  });

  it('bundles the console again after an edit of it, and compiles nothing', () => {
    edit('console/main.tsx');
    expect(setUp()).toBe('weir: Bundling the console …\n');
  });

  it('removes what was compiled of a source that is gone, and nothing else', () => {
    for (const file of ['gone.js', 'gone.d.ts', 'gone.graphql', 'main.js.map', 'main.js', 'main.d.ts'])
      write(`dist/cli/${file}`, '');
    edit('tsconfig.json');
    setUp();
    expect(readdirSync(join(checkout, 'dist/cli'))).toEqual(['main.d.ts', 'main.js']);
  });

  it.each([
    ['typescript-7', 'cli/main.ts'],
    ['esbuild', 'console/main.tsx'],
    ['esbuild', 'cli/main.ts'],
  ])('says what is missing where %s is not installed, after an edit of %s', (name, file) => {
    rmSync(join(checkout, 'node_modules', name), { recursive: true });
    edit(file);
    expect(setUp()).toBe(
      'weir: Compiling needs the development dependencies, which are not installed: run `npm ci --ignore-scripts`.\n',
    );
  });

  it.each(['schema/supergraph.yaml', 'cli/weir.mjs', 'schema/a.graphql'])(
    'compiles nothing after an edit of %s, which is not compiled',
    (file) => {
      edit(file);
      expect(setUp()).toBe('');
      expect(existsSync(join(checkout, 'dist/schema/a.graphql'))).toBe(true);
    },
  );
});

describe('installing', () => {
  const flags = '--no-audit --no-fund --loglevel=error --ignore-scripts';
  const installing = (options: string): string =>
    `weir: Installing dependencies, which may take a minute …\nnpm ci ${options}${flags}\n`;
  const all = `${compiling}weir: Bundling the console …\n`;

  /** Has only what a start needs. `npm` prints its arguments and installs nothing. */
  beforeEach(() => {
    rmSync(join(checkout, 'node_modules/jest'), { recursive: true });
    write('npm', '#!/bin/sh\necho npm "$@"\n');
    chmodSync(join(checkout, 'npm'), 0o755);
  });

  const run = (script: string): string =>
    spawnSync('/bin/sh', ['-c', `"$0" ${script} 2>&1`, process.execPath], {
      cwd: checkout,
      env: { ...process.env, PATH: `${checkout}:${process.env['PATH']}` },
      encoding: 'utf8',
    }).stdout;
  const start = `-e "import('./setup.mjs')"`;

  it('leaves out what only tests need where `weir` starts', () => {
    expect(run(start)).toBe('');
    rmSync(join(checkout, 'node_modules/.package-lock.json'));
    expect(run(start)).toBe(installing('--omit=dev '));
  });

  it('adds the rest for tests, and compiles again', () => {
    expect(run('setup.mjs')).toBe(`${installing('')}${all}`);
  });

  it('installs all again where all was installed', () => {
    write('node_modules/jest/package.json', '{}');
    edit('package-lock.json');
    expect(run(start)).toContain(installing(''));
  });
});

it('counts the seconds of each step on a terminal, in one line', () => {
  write(
    'node_modules/typescript-7/bin/tsc',
    "process.stdout.write('a word of the compiler\\n'); setTimeout(() => undefined, 1_500);",
  );
  edit('tsconfig.json');
  const { stdout } = spawnSync('script', ['-qec', `"${process.execPath}" setup.mjs`, '/dev/null'], {
    cwd: checkout,
    encoding: 'utf8',
  });
  expect(stdout).toMatch(
    /^\rweir: Compiling … 0 s(\rweir: Compiling … [1-9]\d* s)+\r\na word of the compiler\r\n\rweir: Bundling/,
  );
});

it('says what has failed, below its output', () => {
  write('node_modules/typescript-7/bin/tsc', "console.log('an error'); process.exit(1)");
  edit('tsconfig.json');
  expect(setUp()).toMatch(/^weir: Compiling …\nan error\nweir: `.*tsc.*` failed; its output is above\.\n$/);
});

it('says why a package from git that was not compiled cannot run', () => {
  rmSync(join(checkout, 'setup.mjs'));
  rmSync(join(checkout, 'dist'), { recursive: true });
  copyFileSync(join(__dirname, '../../cli/weir.mjs'), join(checkout, 'cli/weir.mjs'));

  const weir = spawnSync(process.execPath, [join(checkout, 'cli/weir.mjs'), 'gateway'], { encoding: 'utf8' });

  expect(weir.status).toBe(2);
  expect(weir.stderr).toBe(
    'weir: this package is not compiled, as it was installed from git with --ignore-scripts. ' +
      'Install it without that flag, or from a tarball.\n',
  );
});
