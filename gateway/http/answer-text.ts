import { STATUS_CODES, validateHeaderValue } from 'node:http';
import { keepAliveTimeout } from './whole-messages';

/** Bytes of a body. To copy a longer one takes more time than Node takes to send it apart from its head. */
export const longestInText = 8 * 1024;

/**
 * An answer of HTTP/1.1 as Node would write it on a connection that stays open, with a byte in each character.
 *
 * @param headers names and values in turn, among them `content-length`
 * @throws {TypeError} when a value is not valid
 */
export const answerText = (status: number, headers: readonly (readonly string[])[], body: Buffer): string =>
  headText(status, headers) + body.toString('latin1');

/** All of it up to the body. */
export function headText(status: number, headers: readonly (readonly string[])[]): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  for (const some of headers) for (let i = 0; i < some.length; i += 2) head += lineOf(some[i]!, some[i + 1]!);
  return `${head}Date: ${dateOf(Date.now())}\r\n${ofConnection}\r\n`;
}

/** A header's line. The last one of each name is kept, as most answers have the same: to check and join it takes longer. */
function lineOf(name: string, value: string): string {
  const last = lines.get(name);
  if (last?.value === value) return last.line;
  validateHeaderValue(name, value);
  const line = `${name}: ${value}\r\n`;
  if (last !== undefined) {
    last.value = value;
    last.line = line;
  } else if (lines.size < mostLines) lines.set(name, { value, line });
  return line;
}

/** The last lines, by name. */
const lines = new Map<string, { value: string; line: string }>();
const mostLines = 100;

const ofConnection = `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveTimeout / 1000}\r\n`;

const current = { second: 0, date: '' };

/** @param now Unix milliseconds */
function dateOf(now: number): string {
  const second = Math.floor(now / 1000);
  if (second !== current.second) {
    current.second = second;
    current.date = new Date(now).toUTCString();
  }
  return current.date;
}
