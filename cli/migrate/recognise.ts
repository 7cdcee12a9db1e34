import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { optionsSchema } from '../../gateway/options';
import { schemasAt } from '../../gateway/options/problem';
import {
  type ForeignFile,
  type ForeignMap,
  type ForeignPath,
  formatPath,
  leavesOf,
  Unreadable,
  withReferences,
} from './foreign';
import type { GivenFile } from './migrate';
import type { Peer, Reader } from './peer';
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

function recogniseOne(given: GivenFile, from?: string): Recognised {
  const candidates = candidatesOf(given, from);
  const [best, ...others] = candidates;
  for (const other of others)
    if (from === undefined) refuseMixed(given.file, best, other);
    else refuseOther(given.file, best, other);
  if (from === undefined) refuseTie(given.file, candidates);
  return best;
}

/** A file, read as that of one gateway. */
interface Candidate extends Recognised {
  readonly keys: readonly ForeignPath[];
  /** The share of the keys that are known, from 0 to 1. */
  readonly share: number;
}

type Candidates = readonly [Candidate, ...Candidate[]];

/** The gateway that a file is of, before others with files in the same language. @throws {NotMigrated} if it is of none */
function candidatesOf({ file, text }: GivenFile, from?: string): Candidates {
  const formats = formatsOf(file);
  const bytes = Buffer.byteLength(text);
  const most = Math.max(...formats.map((format) => mostBytes[format]));
  if (bytes > most) throw new NotMigrated(`${file} has ${bytes} bytes; a configuration has at most ${most}.`);
  const small = peers.filter(({ format }) => bytes <= mostBytes[format]);
  const possible = small.filter(({ name, format }) =>
    from === undefined ? formats.includes(format) : name === from,
  );
  const read = new Map(
    [...new Set(possible.map((peer) => peer.read))].map((reader) => [reader, readBy(reader, file, text)]),
  );
  const [best, ...others] = small
    .flatMap((peer) => {
      const found = read.get(peer.read);
      return found === undefined ? [] : [candidateOf(peer, found)];
    })
    .toSorted(
      (one, other) =>
        Number(other.peer.name === from) - Number(one.peer.name === from) ||
        other.share - one.share ||
        Number(isNamedFor(other.peer, file)) - Number(isNamedFor(one.peer, file)),
    );
  if (best === undefined || (best.share === 0 && from === undefined))
    throw new NotMigrated(`${file} has no key of a gateway that \`weir migrate\` knows: ${titles()}.`);
  return [best, ...others];
}

function candidateOf(peer: Peer, { file, keys }: ReadFile): Candidate {
  const { toReferences } = peer;
  const value =
    toReferences === undefined ? file.value : (withReferences(file.value, toReferences) as ForeignMap);
  return { peer, keys, file: { ...file, value }, share: knownShare(keys, keyShare(peer)) };
}

function refuseTie(file: string, [best, second]: Candidates): void {
  if (second === undefined || second.share < best.share || isNamedFor(best.peer, file)) return;
  throw new NotMigrated(
    `${file} may be of ${best.peer.title} or of ${second.peer.title}: say which one with ${choices(best, second)}.`,
  );
}

/** Refuses a file with keys that only the one has, and keys that only the other has. */
function refuseMixed(file: string, one: Candidate, other: Candidate): void {
  const [ours, theirs] = [keyOfOnly(one, other), keyOfOnly(other, one)];
  if (ours === undefined || theirs === undefined || one.peer.title === other.peer.title) return;
  throw new NotMigrated(
    `${file} has keys of ${one.peer.title} (${ours}) and of ${other.peer.title} (${theirs}): make a file of each, or ` +
      `choose with ${choices(one, other)}, and the keys of the other are reported as unknown.`,
  );
}

/** Refuses a file that is said to be of one gateway, and is of another. */
function refuseOther(file: string, named: Candidate, other: Candidate): void {
  const theirs = keyOfOnly(other, named);
  if (theirs === undefined || keyOfOnly(named, other) !== undefined) return;
  throw new NotMigrated(
    `${file} is of ${other.peer.title} (${theirs}), and has no key that only ${named.peer.title} has: leave out --from.`,
  );
}

/** The first key with a row of its own for one gateway, and none at all for the other. */
function keyOfOnly({ keys, peer: { table } }: Candidate, other: Candidate): string | undefined {
  const found = keys.find(
    (key) =>
      table.find(key)?.path.length === key.length &&
      other.peer.table.find(key) === undefined &&
      !other.peer.table.knowsBelow(key),
  );
  return found && formatPath(found);
}

const choices = (one: Candidate, other: Candidate): string =>
  `--from ${one.peer.name} or --from ${other.peer.name}`;

const isNamedFor = ({ fileName }: Peer, file: string): boolean => basename(file) === fileName;

const titles = (): string => [...new Set(peers.map(({ title }) => title))].join(', ');

function formatsOf(file: string): readonly Peer['format'][] {
  const extension = extname(file).toLowerCase();
  if (extension === '.toml') return ['toml'];
  if (/^\.[cm]?[jt]s$/.test(extension)) return ['code'];
  return extension === '.json' ? ['json', 'yaml'] : ['yaml'];
}

interface ReadFile {
  readonly file: ForeignFile;
  readonly keys: readonly ForeignPath[];
}

/** @throws {NotMigrated} with the line */
function readBy(reader: Reader, file: string, text: string): ReadFile {
  try {
    const read = reader(file, text);
    return { file: read, keys: [...leavesOf(read.value)] };
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

/** The share of keys that are known, from 0 to 1, where each is known by as much as `shareOf` has it. */
const knownShare = (keys: readonly ForeignPath[], shareOf: (path: ForeignPath) => number): number =>
  keys.length === 0 ? 0 : keys.reduce((known, path) => known + shareOf(path), 0) / keys.length;

/**
 * The gateway that a file given as the options of Weir is the configuration of. Undefined if it is none, as Weir knows more of
 * its keys.
 */
export function foreignTitle(file: string, text?: string): string | undefined {
  try {
    const candidates = candidatesOf({ file, text: text ?? readFileSync(file, 'utf8') });
    refuseTie(file, candidates);
    const [{ peer, keys, share }] = candidates;
    // Options of Weir are YAML, of which JSON is a part.
    const own = ['toml', 'code'].includes(peer.format)
      ? 0
      : knownShare(keys, (path) => Number(schemasAt(optionsSchema, path.map(keyOf)).length > 0));
    return share >= 0.5 && share > own ? peer.title : undefined;
  } catch {
    return undefined;
  }
}

const keyOf = (key: string): string | number => (/^\d+$/.test(key) ? Number(key) : key);
