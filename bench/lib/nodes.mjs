/** The versions of Node that systems are measured on. */
import { execFileSync } from 'node:child_process';

/**
 * @param name the path of a binary, or a version such as `24`, which npm gets if it is not the bench's own
 * @returns `{ version, path }`
 */
export function findNode(name) {
  const path = name.includes('/') ? name : binaryOf(name);
  return { version: execFileSync(path, ['--version'], { encoding: 'utf8' }).trim(), path };
}

function binaryOf(version) {
  if (!/^\d+(\.\d+){0,2}$/.test(version))
    throw new Error(`--node takes versions and paths of binaries, but got: ${version}`);
  if (process.versions.node === version || process.versions.node.startsWith(`${version}.`))
    return process.execPath;
  const name = `node-${process.platform}-${process.arch}@${version}`;
  return execFileSync('npx', ['--yes', '--package', name, 'which', 'node'], { encoding: 'utf8' }).trim();
}
