import { plain, type ToReferences } from '../../foreign';
import type { Peer } from '../../peer';
import { readYaml } from '../../readers/yaml';
import { Table } from '../../table';
import { headerRules } from '../header-rules';
import { callRows } from './calls';
import { accessRows } from './access';
import { operationRows } from './operations';
import { serverRows } from './server';
import { telemetryRows } from './telemetry';

/** `${env.NAME}`, `${env.NAME:-default}` and `${file.PATH}`. */
const toReferences: ToReferences = (text) =>
  text
    .split(/(\$\{(?:env|file)\.[^${}]*\})/)
    .map((part, i) => {
      if (i % 2 === 0) return plain(part);
      const [, kind, rest] = /^\$\{(env|file)\.(.*)\}$/s.exec(part)!;
      return kind === 'env' ? `\${${rest}}` : `\${file:${rest}}`;
    })
    .join('');

export const apolloRouter: Peer = {
  name: 'apollo-router',
  title: 'Apollo Router',
  fileName: 'router.yaml',
  format: 'yaml',
  table: new Table([
    ...serverRows,
    ...accessRows(),
    ...headerRules(),
    ...operationRows,
    ...callRows(),
    ...telemetryRows(),
  ]),
  defaults: [
    { path: ['path'], value: '/', reason: 'the default path of Apollo Router is /' },
    {
      path: ['headers', 'forward'],
      value: [],
      reason: 'Apollo Router forwards no header unless a rule names it',
    },
    { path: ['timeouts', 'subgraph'], value: '30s', reason: 'the default of Apollo Router' },
  ],
  read: readYaml,
  toReferences,
};
