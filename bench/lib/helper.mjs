/** A process of the bench's own (the replay, the clients), on the core that the measured system does not use. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Arguments of `taskset` that run Node on these cores; `node` is its binary. */
export const onCores = (cores, args, node = process.execPath) => [
  ...['-c', cores.join(','), node],
  ...args.map(String),
];

/** @returns `{ ask(message, onEvent?), pid, stop() }`; every question has one answer, and events before it. */
export function startHelper(file, core) {
  const child = spawn(
    'taskset',
    onCores([core], [fileURLToPath(new URL(`../servers/${file}`, import.meta.url))]),
    {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  );
  const waiting = new Map();
  let lastId = 0;
  child.on('message', ({ id, ...answer }) => {
    const question = waiting.get(id);
    if (id === undefined) for (const { onEvent } of waiting.values()) onEvent?.(answer);
    else if (answer.error !== undefined) question.reject(new Error(answer.error));
    else question.resolve(answer);
    waiting.delete(id);
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended with code ${code}`));
  });
  return {
    pid: child.pid,
    ask: (message, onEvent) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { resolve, reject, onEvent });
        child.send({ id: lastId, ...message });
      }),
    stop: () => child.disconnect(),
  };
}
