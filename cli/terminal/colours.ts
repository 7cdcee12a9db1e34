import { styleText } from 'node:util';
import type { Context, Output } from '../context';

export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

/**
 * Colours for a terminal. NO_COLOR and `--no-color` switch colours off. FORCE_COLOR switches them on everywhere, or
 * with 0 off.
 */
export function paintFor({ isTTY }: Output, { env }: Pick<Context, 'env'>): Paint {
  const { NO_COLOR: no, FORCE_COLOR: force } = env;
  const isForced = force === undefined ? isTTY === true : force !== '0' && force !== 'false';
  // An empty NO_COLOR counts as none: https://no-color.org
  if (!isForced || (no !== undefined && no !== '')) return (_style, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}
