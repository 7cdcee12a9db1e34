/**
 * What is measured. A system is a command that serves GraphQL over HTTP at `/graphql` on a port, in front of a
 * supergraph, and forwards `authorization` to the subgraphs.
 *
 * A name may carry an argument after `@`: `weir@DIR` is the build of another checkout, `limit-b@apollo` makes the
 * calls of Apollo Gateway instead of Weir's.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const server = (file) => resolve(here, 'servers', file);
const hive = join(here, 'node_modules', '@graphql-hive', 'gateway', 'dist', 'bin.js');

/**
 * @typedef {object} System
 * @property {string} label
 * @property {string} [limitOf] the system whose calls a limit makes; it has no answers of its own then
 * @property {number} [workers] processes that serve; more than one needs both cores, so only its CPU time counts
 * @property {string} [node] the binary that runs it, where it is not the bench's own
 * @property {(place: { port: number, supergraph: string, script: string }) => string[]} command arguments of `node`;
 *   `supergraph` and `script` are files, the latter for limits: the answer and the calls of the workload
 */

/** @type {Record<string, (argument?: string) => System>} */
const systems = {
  weir: (dir) => ({ label: dir ? `Weir of ${basename(resolve(dir))}` : 'Weir', command: weir(dir) }),
  'weir-cached': (dir) => ({
    label: 'Weir, public answers',
    command: weir(dir, [], 'weir-cached.yaml'),
  }),
  'weir-private': (dir) => ({
    label: 'Weir, private answers',
    command: weir(dir, [], 'weir-private.yaml'),
  }),
  'weir-shadow': (dir) => ({ label: 'Weir, a shadow', command: weir(dir, [], 'weir-shadow.yaml') }),
  'weir-2': (dir) => ({ label: 'Weir, two workers', workers: 2, command: weir(dir, ['--workers', '2']) }),
  'weir-unshared': (dir) => ({
    label: 'Weir, nothing shared',
    command: weir(dir, [], 'weir-unshared.yaml'),
  }),
  'weir-with': (file) => ({
    label: `Weir with ${basename(file ?? '')}`,
    command: weir(undefined, [], resolve(file)),
  }),
  apollo: () => ({
    label: 'Apollo Gateway',
    command: ({ port, supergraph }) => [server('apollo.mjs'), port, supergraph],
  }),
  hive: () => ({ label: 'Hive Gateway', command: hiveGateway() }),
  'hive-jit': () => ({ label: 'Hive Gateway, JIT', command: hiveGateway('--jit') }),
  'hive-rust': () => ({ label: 'Hive Gateway, Rust planner', command: hiveGateway('--hive-router-runtime') }),
  'limit-a': () => ({
    label: 'limit A: node:http',
    limitOf: 'none',
    command: ({ port, script }) => [server('limit-a.mjs'), port, script],
  }),
  'limit-b': (limitOf = 'weir') => ({
    label: limitOf === 'weir' ? 'limit B: undici + JSON' : `limit B, calls of ${limitOf.split('@')[0]}`,
    limitOf,
    command: ({ port, script }) => [server('limit-b.mjs'), port, script],
  }),
};

export const systemNames = Object.keys(systems);

/** @returns {System & { name: string }} */
export function findSystem(name) {
  const [kind, argument] = name.split(/@(.*)/s);
  const create = systems[kind];
  if (create === undefined)
    throw new Error(`There is no system "${kind}"; there are ${systemNames.join(', ')}.`);
  if (kind === 'weir-with' && !argument)
    throw new Error('weir-with needs a file of options: weir-with@FILE.');
  return { name, ...create(argument) };
}

/**
 * The system on each of these versions of Node, as `findNode` returns them. On the first it keeps its name: that is the
 * one which others are compared with.
 */
export const onNodes = (system, nodes) =>
  nodes.map(({ version, path }, i) => ({
    ...system,
    node: path,
    name: i === 0 ? system.name : `${system.name} on ${version}`,
    label: nodes.length === 1 ? system.label : `${system.label}, Node ${version.slice(1)}`,
  }));

/** Weir with the options in this file. @param dir of another checkout */
export const weirWith = (config, dir) => ({ label: 'Weir', command: weir(dir, [], config) });

/** The versions of what can be compared, for the record. */
export function versions() {
  const require = createRequire(import.meta.url);
  const names = [
    '@apollo/gateway',
    '@apollo/server',
    '@graphql-hive/gateway',
    '@graphql-hive/router-runtime',
    'undici',
    'graphql',
  ];
  const fileOf = (name) => join(here, 'node_modules', name, 'package.json');
  const installed = names.filter((name) => existsSync(fileOf(name)));
  return Object.fromEntries(installed.map((name) => [name, require(fileOf(name)).version]));
}

function weir(dir = join(here, '..'), flags = [], config = 'weir.yaml') {
  const main = resolve(dir, 'dist', 'cli', 'main.js');
  return ({ port, supergraph }) => {
    if (!existsSync(main))
      throw new Error(`${main} is missing; \`npm run build\` in ${resolve(dir)} makes it.`);
    return [
      main,
      'gateway',
      '--supergraph',
      supergraph,
      '--port',
      port,
      '--config',
      server(config),
      ...flags,
    ];
  };
}

function hiveGateway(...flags) {
  return ({ port, supergraph }) => [
    hive,
    'supergraph',
    supergraph,
    '--port',
    port,
    '--config-path',
    server('hive.config.mjs'),
    ...flags,
  ];
}
