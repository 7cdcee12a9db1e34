/** The Helm chart in deploy/helm/weir, and Helm, which may not be here. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from './documentation';
import { readManifests } from './kubernetes';
import type { Json } from './running-gateway';

export const chart = join(root, 'deploy/helm/weir');

export interface ChartValue {
  /** Such as `autoscaling.cpu`. */
  readonly path: string;
  /** In JSON. */
  readonly standard: string;
  /** The comment above it. */
  readonly text: string;
}

/** The values of the chart, as `values.yaml` lists them. */
export function chartValues(): ChartValue[] {
  const text = readFileSync(join(chart, 'values.yaml'), 'utf8');
  const values = parse(text);
  const found: ChartValue[] = [];
  let path: string[] = [];
  let comment: string[] = [];
  for (const line of text.split('\n')) {
    const [, note] = /^ *# (.*)$/.exec(line) ?? [];
    const [, indent, key, value] = /^( *)(\w+):(.*)$/.exec(line) ?? [];
    if (note !== undefined) comment.push(note);
    if (key === undefined) continue;
    path = [...path.slice(0, indent!.length / 2), key];
    if (value !== '') {
      const standard = JSON.stringify(path.reduce<Json>((of, each) => of[each], values));
      found.push({ path: path.join('.'), standard, text: comment.join(' ') });
    }
    comment = [];
  }
  return found;
}

/** `WEIR_TEST_HELM`, else the one of the path. Undefined where there is none. */
export const helm = [process.env['WEIR_TEST_HELM'], 'helm'].find(
  (command) => command !== undefined && spawnSync(command, ['version']).status === 0,
);

/**
 * Runs a command of Helm, such as `template`, on the chart.
 *
 * @returns what it prints, and why it refuses the values; empty if it does not
 */
export function runHelm(args: readonly string[], values: object): { text: string; refused: string } {
  const folder = mkdtempSync(join(tmpdir(), 'weir-chart-'));
  try {
    const file = join(folder, 'values.yaml');
    writeFileSync(file, JSON.stringify(values));
    const { stdout, stderr, status } = spawnSync(helm!, [...args, chart, '--values', file], {
      encoding: 'utf8',
    });
    return { text: stdout, refused: status === 0 ? '' : `${stderr}${stdout}` };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The objects that the chart makes of values, for a release of this name. */
export function render(values: object, name = 'weir'): Json[] {
  const { text, refused } = runHelm(['template', name], values);
  if (refused !== '') throw new Error(refused);
  return readManifests(text);
}
