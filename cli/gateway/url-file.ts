import { rmSync, writeFileSync } from 'node:fs';
import type { Context } from '../context';
import type { OwnFlags } from '../gateway-options';

/**
 * Writes the URL for others on this machine, such as the health check of the image. The gateway also runs if that
 * fails.
 */
export function writeUrl(url: string, { urlFile }: OwnFlags, context: Context): void {
  if (urlFile === undefined) return;
  try {
    writeFileSync(urlFile, `${url}\n`);
  } catch (error) {
    context.stderr.write(`weir: --url-file cannot be written: ${(error as Error).message}\n`);
  }
}

export function forgetUrl({ urlFile }: OwnFlags): void {
  if (urlFile !== undefined) rmSync(urlFile, { force: true });
}
