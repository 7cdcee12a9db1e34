import { spawn, spawnSync } from 'node:child_process';

/** Undefined where there is a Redis that can be started. */
export const redisMissing = spawnSync('redis-server', ['--version']).error && 'there is no redis-server';

/** Starts a Redis that keeps nothing on disk, on the core of the subgraphs. */
export function openRedis(folder) {
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  const flags = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', folder].map(String);
  const server = spawn('taskset', ['-c', '1', 'redis-server', ...flags], { stdio: 'ignore' });
  process.on('exit', () => server.kill());
  return { url: `redis://127.0.0.1:${port}`, stop: () => server.kill() };
}
