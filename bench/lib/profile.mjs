/** A CPU profile of a system's main thread, taken by V8's sampler while it is measured. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from './inspector.mjs';

/** @returns a function that ends the profile, writes it to `file` (for Chrome's DevTools) and returns what it says. */
export async function startProfile(systemOutput, file) {
  const end = await recordProfile(systemOutput);
  return async () => {
    const profile = await end();
    writeFileSync(file, JSON.stringify(profile));
    return describe(profile);
  };
}

/** @returns a function that ends the profile and returns it. */
export async function recordProfile(systemOutput) {
  const { send, close } = await inspect(systemOutput);
  await send('Profiler.enable');
  await send('Profiler.setSamplingInterval', { interval: 500 });
  await send('Profiler.start');
  return async () => {
    const { profile } = await send('Profiler.stop');
    close();
    return profile;
  };
}

/**
 * The microseconds of a profile by what `nameOf` calls the innermost frame that it has a name for; `other` are stacks
 * without one.
 */
export function timesBy({ nodes, samples, timeDeltas }, nameOf) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const names = new Map();
  const walk = (node, above) => {
    const name = nameOf(node.callFrame) ?? above;
    names.set(node.id, name);
    for (const id of node.children ?? []) walk(byId.get(id), name);
  };
  walk(nodes[0], undefined);
  const times = new Map();
  samples.forEach((id, i) => add(times, names.get(id) ?? 'other', Math.max(0, timeDeltas[i])));
  return times;
}

/**
 * @returns a function that gives a frame of a bundle the URL that its source would have if it were compiled alone, and the
 *   name that its function has there; other frames it returns as they are
 */
function unbundle(dist) {
  const bundle = join(dist, 'cli', 'gateway-program');
  if (!existsSync(`${bundle}.map`)) return (frame) => frame;
  const map = new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, 'utf8')));
  return (frame) => {
    if (!frame.url.endsWith(`${bundle}.js`)) return frame;
    const { originalSource } = map.findEntry(frame.lineNumber, frame.columnNumber);
    if (originalSource === undefined) return frame;
    const source = resolve(dirname(bundle), originalSource);
    const url = source.includes('node_modules')
      ? source
      : join(dist, relative(join(dist, '..'), source)).replace(/\.ts$/, '.js');
    // Where two have the same name, the bundler gives one of them a number.
    const functionName = frame.functionName.replace(/(?<=[a-z])\d+$/i, '');
    return { ...frame, functionName, url };
  };
}

/** @returns a function that says `FILE:FUNCTION` of frames of Weir, its files below `dist/gateway/`; of others nothing */
export function weirNames(dist = defaultDist) {
  const unbundled = unbundle(dist);
  return (frame) => {
    const { functionName, url } = unbundled(frame);
    const [, file] = (url.includes(dist) && /\/dist\/(?:gateway\/)?(.*)\.js$/.exec(url)) || [];
    return file === undefined ? undefined : `${file}:${functionName}`;
  };
}

/** Of Weir, as it was built last. */
const defaultDist = fileURLToPath(new URL('../../dist/', import.meta.url));

/** @returns a function that names every frame, as `parts.mjs` says. @param dir of another checkout of Weir */
export function sourceNames(dir) {
  const dist = dir === undefined ? defaultDist : join(resolve(dir), 'dist', '/');
  const nameInWeir = weirNames(dist);
  const unbundled = unbundle(dist);
  const sources = new Map();
  const lineOf = (url, line) => {
    const file = url.replace(/^file:\/\//, '');
    if (!sources.has(file)) sources.set(file, readFileSync(file, 'utf8').split('\n'));
    return sources.get(file)[line] ?? '';
  };
  return (frame) => {
    const { functionName, url, lineNumber, columnNumber } = frame;
    const inWeir = nameInWeir(frame);
    if (inWeir !== undefined)
      return functionName === '' ? inWeir + lineOf(url, lineNumber).slice(columnNumber).trim() : inWeir;
    if (url.startsWith('node:')) return `${url}:${functionName}`;
    const original = unbundled(frame);
    const inPackage = /.*\/node_modules\/(.*)/.exec(original.url)?.[1];
    return inPackage === undefined ? functionName : `npm:${inPackage}:${original.functionName}`;
  };
}

/** The functions in which most of the time was spent, callees not counted, and the packages that they belong to. */
function describe({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const functions = new Map();
  const owners = new Map();
  let total = 0;
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    if (functionName === '(idle)') return;
    const time = Math.max(0, timeDeltas[i]);
    total += time;
    add(functions, `${functionName || '(anonymous)'}  ${place(url)}${url ? `:${lineNumber + 1}` : ''}`, time);
    add(owners, owner(functionName, url), time);
  });
  const lines = (times, count) =>
    [...times]
      .sort((a, b) => b[1] - a[1])
      .slice(0, count)
      .map(([name, time]) => `  ${((time / total) * 100).toFixed(1).padStart(5)} %  ${name}`);
  return [...lines(owners, 12), '', ...lines(functions, 30)].join('\n');
}

const add = (times, name, time) => times.set(name, (times.get(name) ?? 0) + time);

const place = (url) =>
  url
    .replace(/^file:\/\//, '')
    .replace(/^.*\/node_modules\//, '')
    .replace(/^.*\/dist\//, 'dist/');

function owner(functionName, url) {
  if (url === '') return functionName.startsWith('(') ? functionName : 'native';
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/');
  const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  return inPackage ?? place(url);
}
