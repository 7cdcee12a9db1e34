import { type Options, optionsSchema } from '.';
import { leavesOf } from './leaves';
import { isSecret } from './problem';
import { secretsInUrl } from './urls';

/**
 * The secrets in options: the texts of options that are marked as secrets (`writeOnly`), and
 * credentials in URLs. Whatever writes them by mistake, a log line that holds one is written without it.
 */
export function secretsOf(options: Options): string[] {
  const found = [...leavesOf(options)].flatMap(({ path, value }) => {
    const texts = [value].flat().filter((text) => typeof text === 'string');
    const isMarked = texts.length > 0 && isSecret(optionsSchema, path);
    const whole = isMarked ? texts.flatMap((text) => [text, text.replace(/^(?:bearer|basic)\s+/i, '')]) : [];
    return [
      ...whole.filter(({ length }) => length >= shortest),
      ...texts.flatMap(secretsInUrl).filter(({ length }) => length >= shortestInUrl),
    ];
  });
  return [...new Set(found)];
}

/** Shorter ones would take words out of every line: headers that are set may be anything. */
const shortest = 8;
/** What is in a URL is hardly anything else. */
const shortestInUrl = 4;
