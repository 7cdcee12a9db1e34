// Bundles what a start of `weir gateway` loads, over what the compiler has made of it: the command.
// `setup.mjs` runs it; a packed installation has the result and no esbuild. To find, read and run one file takes less than half
// of the CPU time and some megabytes less than its many hundred modules. Those stay beside it, for who imports them.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));
const { inAscii } = await import('./dist/cli/package/bundle.js');

await bundle('cli/gateway-program.ts', [stayApart(), oneGraphql(), ownFolders(), leaveOut(), startFaster()]);

/** Bundles a source to the file of `dist/` that it is compiled to, with the licences of all that is in it beside it. */
async function bundle(source, plugins) {
  const outfile = join(root, 'dist', source.replace(/\.ts$/, '.js'));
  const { metafile, outputFiles } = await build({
    entryPoints: [join(root, source)],
    outfile,
    absWorkingDir: root,
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    // Code that V8 has compiled before cannot import on Node 20: what is imported late is required instead.
    supported: { 'dynamic-import': false },
    // Names stay, for the stacks of errors.
    minifySyntax: true,
    minifyWhitespace: true,
    // An error that ends the process prints its line.
    lineLimit: 200,
    legalComments: 'none',
    sourcemap: 'external',
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
    plugins,
  });
  const textOf = (end) => outputFiles.find(({ path }) => path.endsWith(end)).text;
  writeFileSync(outfile, inAscii(textOf('.js')));
  // For profiles: which source a function is from.
  writeFileSync(outfile.replace(/\.js$/, '.map'), textOf('.map'));
  const licences = licencesOf(basename(outfile), packagesIn(Object.keys(metafile.inputs)));
  writeFileSync(outfile.replace(/\.js$/, '.licenses.txt'), licences);
}

/** Packages that few gateways use, and what must be one with others, are loaded from where they are. */
function stayApart() {
  const packages =
    /^(?:@aws-sdk|@modelcontextprotocol|@opentelemetry|@smithy)\/|^(?:aws-appsync-auth-link|ioredis|jose|undici|ws)$/;
  // What Fastify and Apollo Server load for features that are off here.
  const unused =
    /^(?:@apollo\/usage-reporting-protobuf|@fastify\/(?:ajv|fast-json-stringify)-compiler|light-my-request)$/;
  return {
    name: 'stay apart',
    setup({ onResolve }) {
      for (const filter of [packages, unused, /\/(?:import-module|migrate\/recognise)$/])
        onResolve({ filter }, ({ path, importer }) => ({
          path: path.startsWith('.') ? `./${fromCommand(join(dirname(importer), path))}` : path,
          external: true,
        }));
    },
  };
}

/** All have the same module of `graphql`, whether they import or require it: that of ES modules, where V8 calls no getters. */
function oneGraphql() {
  return {
    name: 'one graphql',
    setup({ onResolve }) {
      onResolve({ filter: /^graphql(?:\/|$)/ }, ({ path, resolveDir }) => ({
        path: createRequire(join(resolveDir, 'index.js')).resolve(path).replace(/\.js$/, '.mjs'),
      }));
    },
  };
}

/** A source finds the files beside it from where the bundle is. */
function ownFolders() {
  return {
    name: 'own folders',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        const folder = `(__dirname + '/${fromCommand(dirname(path))}')`;
        const file = `(__dirname + '/${fromCommand(path).replace(/\.ts$/, '.js')}')`;
        const contents = text.replaceAll('__dirname', folder).replaceAll('__filename', file);
        return { contents, loader: 'ts' };
      });
    },
  };
}

/** Leaves out what is loaded with packages and never used here. */
function leaveOut() {
  const unused = {
    // The messages of Zod in fifty languages.
    'zod/v4/locales/index.c?js': '',
    // Makes a schema of type definitions, where Apollo Server has no gateway.
    '@graphql-tools/schema/.*.js': 'exports.makeExecutableSchema = undefined;',
  };
  return {
    name: 'leave out',
    setup({ onLoad }) {
      for (const [file, contents] of Object.entries(unused))
        onLoad({ filter: new RegExp(`/node_modules/${file}$`.replaceAll('/', '[\\\\/]')) }, () => ({
          contents,
        }));
    },
  };
}

/** Changes lines of packages that take many milliseconds of a start, for nothing that it needs. */
function startFaster() {
  const changes = {
    // Loads `node:http2`, for the option `http2` of subgraphs alone.
    'undici/lib/dispatcher/client.js': [
      /^const connectH2 = (require\('.\/client-h2.js'\))$/m,
      'const connectH2 = (client, socket) => $1(client, socket)',
    ],
  };
  return {
    name: 'start faster',
    setup({ onLoad }) {
      for (const [file, [found, replacement]] of Object.entries(changes))
        onLoad({ filter: new RegExp(`/node_modules/${file}$`.replaceAll('/', '[\\\\/]')) }, ({ path }) => {
          const text = readFileSync(path, 'utf8');
          const contents = text.replace(found, replacement);
          if (contents === text) throw new Error(`${path} has nothing like ${found}.`);
          return { contents };
        });
    },
  };
}

/** The path of a source, or of its folder, from the folder of the command. */
function fromCommand(path) {
  return relative(join(root, 'cli'), path).replaceAll('\\', '/');
}

/** The folders of the packages that files are from. */
function packagesIn(files) {
  const folders = files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return [...new Set(folders)].sort();
}

function licencesOf(name, folders) {
  const about = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((each) => /^licen[cs]e/i.test(each));
    const text = file === undefined ? '' : `\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}`;
    return `${name} ${version} (${license})${text}\n`;
  });
  return `${name} has code of these packages, each under its own license. It is minified, parts are left out, and lines of undici are changed, as Weir's bundle.mjs says:\n\n${about.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
