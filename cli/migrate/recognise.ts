import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { optionsSchema } from '../../gateway/options';
import { schemasAt } from '../../gateway/options/problem';
import {
  type ForeignFile,
  isOneValue,
  membersOf,
  type ForeignPath,
  type ForeignValue,
  Unreadable,
} from './foreign';
import type { GivenFile } from './migrate';
import type { Peer } from './peer';
import { peers } from './peers';

/** Why no options can be made of files. A sentence. */
export class NotMigrated extends Error {
  override readonly name = 'NotMigrated';
}

export interface Recognised {
  readonly peer: Peer;
  readonly file: ForeignFile;
}

/** Larger than any configuration that people write; what compilers of supergraphs write is larger. */
const mostBytes: Readonly<Record<Peer['format'], number>> = {
  yaml: 2 * 1024 ** 2,
  toml: 2 * 1024 ** 2,
  code: 2 * 1024 ** 2,
  json: 256 * 1024 ** 2,
};

/**
 * Reads files and finds out which gateway they are of, by their keys.
 *
 * @param from the name of the gateway, where its keys are not clear
 * @throws {NotMigrated}
 */
export function recognise(given: readonly GivenFile[], from?: string): Recognised[] {
  const recognised = given.map((each) => recogniseOne(each, from));
  const titles = new Set(recognised.map(({ peer }) => peer.title));
  if (titles.size > 1)
    throw new NotMigrated(
      `These files are of ${[...titles].join(' and of ')}: migrate each of them into a file of its own.`,
    );
  return recognised;
}

function recogniseOne({ file, text }: GivenFile, from?: string): Recognised {
  const formats = formatsOf(file);
  const bytes = Buffer.byteLength(text);
  const most = Math.max(...formats.map((format) => mostBytes[format]));
  if (bytes > most) throw new NotMigrated(`${file} has ${bytes} bytes; a configuration has at most ${most}.`);
  const candidates = peers.filter(
    ({ name, format }) =>
      bytes <= mostBytes[format] && (from === undefined ? formats.includes(format) : name === from),
  );
  const read = candidates.map((peer) => ({ peer, file: readAs(peer, file, text) }));
  const known = read
    .map((each) => ({
      ...each,
      share: knownShare(each.file, keyShare(each.peer)),
    }))
    .toSorted(
      (one, other) =>
        other.share - one.share || Number(isNamedFor(other.peer, file)) - Number(isNamedFor(one.peer, file)),
    );
  const [best, second] = known;
  if (best === undefined || (best.share === 0 && from === undefined))
    throw new NotMigrated(`${file} has no key of a gateway that \`weir migrate\` knows: ${titles()}.`);
  if (second !== undefined && second.share === best.share && !isNamedFor(best.peer, file))
    throw new NotMigrated(
      `${file} may be of ${best.peer.title} or of ${second.peer.title}: say which one with --from ${best.peer.name} or --from ${second.peer.name}.`,
    );
  return best;
}

const isNamedFor = ({ fileName }: Peer, file: string): boolean => basename(file) === fileName;

const titles = (): string => [...new Set(peers.map(({ title }) => title))].join(', ');

function formatsOf(file: string): readonly Peer['format'][] {
  const extension = extname(file).toLowerCase();
  if (extension === '.toml') return ['toml'];
  if (/^\.[cm]?[jt]s$/.test(extension)) return ['code'];
  return extension === '.json' ? ['json', 'yaml'] : ['yaml'];
}

/** @throws {NotMigrated} with the line */
function readAs(peer: Peer, file: string, text: string): ForeignFile {
  try {
    return peer.read(file, text);
  } catch (error) {
    if (error instanceof Unreadable)
      throw new NotMigrated(`${file}${error.line === undefined ? '' : `:${error.line}`}: ${error.message}.`);
    if (error instanceof RangeError) throw new NotMigrated(`${file} is nested too deeply.`);
    throw error;
  }
}

/** A row for all that is below a key knows less of one than a row of its own. */
const keyShare =
  ({ table }: Peer) =>
  (path: ForeignPath): number => {
    const match = table.find(path);
    return match === undefined ? 0 : match.path.length < path.length ? 0.5 : 1;
  };

/** The share of the keys of a file that are known, from 0 to 1, where each is known by as much as `shareOf` has it. */
function knownShare({ value }: ForeignFile, shareOf: (path: ForeignPath) => number): number {
  let known = 0;
  let all = 0;
  const visit = (each: ForeignValue, path: ForeignPath): void => {
    const members = isOneValue(each) ? [] : membersOf(each);
    for (const [key, member] of members) visit(member, [...path, key]);
    if (members.length > 0 || path.length === 0) return;
    all++;
    known += shareOf(path);
  };
  visit(value, []);
  return all === 0 ? 0 : known / all;
}

/**
 * The gateway that a file given as the options of Weir is the configuration of. Undefined if it is none, as Weir knows more of
 * its keys.
 */
export function foreignTitle(file: string, text?: string): string | undefined {
  try {
    const { peer, file: read } = recogniseOne({ file, text: text ?? readFileSync(file, 'utf8') });
    const theirs = knownShare(read, keyShare(peer));
    // Options of Weir are YAML, of which JSON is a part.
    const own = ['toml', 'code'].includes(peer.format)
      ? 0
      : knownShare(read, (path) => Number(schemasAt(optionsSchema, path.map(keyOf)).length > 0));
    return theirs >= 0.5 && theirs > own ? peer.title : undefined;
  } catch {
    return undefined;
  }
}

const keyOf = (key: string): string | number => (/^\d+$/.test(key) ? Number(key) : key);
