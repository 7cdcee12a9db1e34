/** `node bench/entries/install-into.mjs ENTRY CHECKOUT`: lays Weir's entry into a checkout of a public table, and runs it. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const usage = `node bench/entries/install-into.mjs ENTRY CHECKOUT [options]
  ENTRY            audit: graphql-hive/federation-gateway-audit
                   hive-benchmark: graphql-hive/graphql-gateways-benchmark
                   grafbase-benchmark: grafbase/graphql-federation-benchmarks
  --package SPEC   what npm installs, such as a git URL (default: a tarball of this checkout)
  --no-run         only lay the entry in and install Weir`;

const here = dirname(fileURLToPath(import.meta.url));

/** What each entry copies into `gateways/weir`, what it does then, and the command of the checkout that runs it. */
const entries = {
  audit: { files: ['common', 'audit'], install: installPackage, run: ['make', 'test-weir'] },
  'hive-benchmark': {
    files: ['common', 'hive-benchmark'],
    install() {
      copySupergraph();
      installPackage();
    },
    run: ['make', 'test', 'gateway=weir', 'mode=constant'],
  },
  // Its gateways are images: docs/releases.md has how to build one with the name `weir`.
  'grafbase-benchmark': {
    files: ['common/weir.yaml'],
    install() {
      const config = join(checkout, 'config.toml');
      const gateway = readFileSync(join(here, 'grafbase-benchmark/gateway.toml'), 'utf8');
      if (!readFileSync(config, 'utf8').includes(gateway)) appendFileSync(config, `\n${gateway}`);
    },
    run: ['./cli.sh', 'bench', '--gateway', 'weir'],
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    help: { type: 'boolean', short: 'h' },
    package: { type: 'string' },
    run: { type: 'boolean', default: true },
  },
});
if (values.help) {
  process.stdout.write(`${usage}\n`);
  process.exit();
}
const [name, path] = positionals;
const entry = Object.hasOwn(entries, name ?? '')
  ? entries[name]
  : refuse(`ENTRY must be one of ${Object.keys(entries).join(', ')}, but got: ${name}`);
const checkout = resolve(path ?? refuse('CHECKOUT is missing'));
const gateways = join(checkout, 'gateways');
if (!existsSync(gateways)) refuse(`CHECKOUT must have a folder \`gateways\`, but ${checkout} has none`);
const folder = join(gateways, 'weir');

for (const file of entry.files) {
  const from = join(here, file);
  cpSync(from, statSync(from).isDirectory() ? folder : join(folder, basename(file)), { recursive: true });
}
entry.install();
if (values.run) execute(entry.run, checkout);
else process.stdout.write(`Run it there: cd ${checkout} && ${entry.run.join(' ')}\n`);

/** Has the checkout's own script install Weir, as its maintainers will. */
function installPackage() {
  const script = join(folder, 'install.sh');
  if (values.package === undefined) {
    const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
      cwd: join(here, '../..'),
      encoding: 'utf8',
    });
    renameSync(join(folder, packed.trim().split('\n').at(-1)), join(folder, 'weir.tgz'));
  } else {
    if (!/^[\w@:/.+#~=-]+$/.test(values.package))
      refuse(`--package must be a path, a URL or a name, but got: ${values.package}`);
    writeFileSync(
      script,
      readFileSync(script, 'utf8').replace('$PWD/weir.tgz', () => values.package),
    );
  }
  execute(['./install.sh'], folder);
}

/** All gateways of that benchmark have the same supergraph. */
function copySupergraph() {
  const other = readdirSync(gateways).find(
    (gateway) => gateway !== 'weir' && existsSync(join(gateways, gateway, 'supergraph.graphql')),
  );
  if (other === undefined) refuse(`no gateway in ${gateways} has a supergraph.graphql`);
  cpSync(join(gateways, other, 'supergraph.graphql'), join(folder, 'supergraph.graphql'));
}

/** Ends as the command does, which has printed what is wrong. */
function execute([command, ...args], cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (error) refuse(`${command} cannot be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function refuse(message) {
  process.stderr.write(`install-into: ${message}.\n${usage}\n`);
  process.exit(2);
}
