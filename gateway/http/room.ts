import type { Writable } from 'node:stream';

/**
 * Resolves when a stream has room for more, or is closed.
 *
 * @param idle milliseconds until `cut` is called, as nothing was taken
 */
export function room(
  stream: Pick<Writable, 'destroyed' | 'on' | 'off'>,
  idle: number,
  cut: () => void,
): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const goOn = (): void => {
      clearTimeout(timer);
      stream.off('drain', goOn);
      stream.off('close', goOn);
      resolve();
    };
    const timer = setTimeout(cut, idle);
    stream.on('drain', goOn);
    stream.on('close', goOn);
  });
}
