/** Origins of web pages in which `*` stands for one label of the host: `https://*.shop.example`. */

/** Whether a text is an origin as browsers write it, with `*` instead of at most one label, which is not the last. */
export function isOriginPattern(text: string): boolean {
  const [before, after, ...more] = text.split('*');
  if (more.length > 0) return false;
  if (after === undefined) return isOrigin(text);
  return /(\/\/|\.)$/.test(before!) && /^\.[^.:]/.test(after) && isOrigin(`${before}x${after}`);
}

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

/** Whether an origin is the one of a pattern, or one that differs only in the label that `*` stands for. */
export function compileOriginPattern(pattern: string): (origin: string) => boolean {
  const [before, after] = pattern.split('*');
  if (after === undefined) return (origin) => origin === pattern;
  return (origin) =>
    origin.startsWith(before!) &&
    origin.endsWith(after) &&
    /^[a-z0-9_-]+$/.test(origin.slice(before!.length, -after.length));
}
