import { plain, type ToReferences } from '../../foreign';
import type { Peer } from '../../peer';
import { readJson } from '../../readers/json';
import { readYaml } from '../../readers/yaml';
import { Table } from '../../table';
import { accessRows } from './access';
import { callRows } from './calls';
import { executionRows } from './execution';
import { serverRows } from './server';
import { telemetryRows } from './telemetry';

/** `${NAME}` and `$NAME`, as Go's `os.ExpandEnv` reads them. */
const toReferences: ToReferences = (text) =>
  text
    .split(/(\$\{\w+\}|\$[A-Za-z_]\w*)/)
    .map((part, i) => (i % 2 === 0 ? plain(part) : `\${${part.replaceAll(/[${}]/g, '')}}`))
    .join('');

const cosmoTitle = 'Cosmo';

export const cosmo: Peer = {
  name: 'cosmo',
  title: cosmoTitle,
  fileName: 'config.yaml',
  format: 'yaml',
  table: new Table([...serverRows, ...accessRows(), ...callRows(), ...telemetryRows()]),
  defaults: [
    { path: ['port'], value: 3002, reason: 'the default of Cosmo' },
    { path: ['introspection'], value: true, reason: 'the default of Cosmo' },
    { path: ['headers', 'forward'], value: [], reason: 'Cosmo forwards no header unless a rule names it' },
    { path: ['timeouts', 'subgraph'], value: '60s', reason: 'the default of Cosmo' },
    { path: ['limits', 'body'], value: '5MB', reason: 'the default of Cosmo' },
  ],
  read: readYaml,
  toReferences,
};

/** What `wgc router compose` and `wgc router fetch` write. */
export const cosmoExecution: Peer = {
  name: 'cosmo-execution-config',
  title: cosmoTitle,
  fileName: 'router-execution-config.json',
  format: 'json',
  table: new Table(executionRows),
  defaults: [],
  read: readJson,
  toReferences: plain,
};
