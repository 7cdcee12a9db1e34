/** Audit trails in S3. An object there cannot be appended to, so a trail is a row of objects, each written once. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3 } from '@aws-sdk/client-s3';
import { openS3, reasonOf, statusOf } from '../../net/s3-client';
import { type KeptDestination, TrailTaken } from '../../telemetry/audit/destinations';
import { type ChainLink, noHash, readLine } from '../../telemetry/audit/record';

/** Whether a trail is in S3: `s3://BUCKET/PREFIX?region=eu-west-1`; `endpoint=URL` for an S3 that is not Amazon's. */
export const isInS3 = (trail: string): boolean => trail.startsWith('s3://');

/** The trail `name` below the URL of a folder, with its parameters. */
export function trailInS3(folder: string, name: string): string {
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${name}`;
  return url.href;
}

/**
 * Appends to a trail in S3, and continues the chain in it. An object is named by the number of its first record, and is
 * created only if there is none of this name. So of two writers one ends with {@link TrailTaken}. An object is written
 * at most once a second, with all records that have come meanwhile. Rejects if the bucket cannot be read.
 */
export async function openS3Destination(url: string, key: string | undefined): Promise<KeptDestination> {
  const trail = await openTrail(url);
  const tail: string[] = [];
  for (const object of await trail.lastObjects()) tail.push(...linesIn(await trail.read(object)));
  const end = tail.at(-1);
  let next = 0;
  return {
    last: (end !== undefined ? readLine(end, key)?.link : undefined) ?? newChain(),
    tail,
    async write(lines, before) {
      await sleep(Math.max(0, next - performance.now()));
      next = performance.now() + pauseMilliseconds;
      let link = before;
      // What was written is found where the answer to an earlier attempt was lost, after which records may have come.
      for (let left = lines; left !== '';) {
        const written = await trail.create(link.seq + 1, left);
        if (!left.startsWith(written) || written === '') throw new TrailTaken();
        link = readLine(linesIn(written).at(-1)!, key)!.link;
        left = left.slice(written.length);
      }
    },
    close() {
      trail.close();
      return Promise.resolve();
    },
  };
}

const newChain = (): ChainLink => ({ chain: randomUUID(), seq: 0, hash: noHash });

/** The objects of a trail in S3 in their order, each with its name and its lines. */
export async function* readS3Trail(url: string): AsyncIterable<{ file: string; lines: readonly string[] }> {
  const trail = await openTrail(url);
  try {
    for await (const object of trail.objects())
      yield { file: trail.nameOf(object), lines: linesIn(await trail.read(object)) };
  } finally {
    trail.close();
  }
}

interface ArchiveTrail {
  /** The keys of its objects, in their order, behind one of them. */
  objects(after?: string): AsyncIterable<string>;
  /** The last ones: those of the last thousand records or so, and at most ten. */
  lastObjects(): Promise<readonly string[]>;
  read(object: string): Promise<string>;
  /** Creates the object whose first record has this number, and resolves with its text; with another one if it is there. */
  create(seq: number, text: string): Promise<string>;
  nameOf(object: string): string;
  close(): void;
}

async function openTrail(url: string): Promise<ArchiveTrail> {
  const { hostname: Bucket, pathname, searchParams } = new URL(url);
  const prefix = `${decodeURIComponent(pathname.slice(1)).replace(/\/$/, '')}/`;
  const client: S3 = await openS3(searchParams);
  const keyOf = (seq: number): string => `${prefix}${String(seq).padStart(digits, '0')}.jsonl`;
  const seqOf = (object: string): number => Number(object.slice(prefix.length, prefix.length + digits));
  const nameOf = (object: string): string => `s3://${Bucket}/${object}`;

  async function list(after: string, most: number): Promise<string[]> {
    const wanted = { Bucket, Prefix: prefix, StartAfter: after, MaxKeys: most };
    const { Contents = [] } = await client.listObjectsV2(wanted).catch((error: unknown) => {
      throw new Error(reasonOf(error), { cause: error });
    });
    return Contents.map(({ Key }) => Key!);
  }

  async function* objects(after = prefix): AsyncIterable<string> {
    for (let last = after; ;) {
      const page = await list(last, 1000);
      yield* page;
      if (page.length < 1000) return;
      last = page.at(-1)!;
    }
  }

  async function read(object: string): Promise<string> {
    const { Body } = await client.getObject({ Bucket, Key: object }).catch((error: unknown) => {
      throw new Error(`${nameOf(object)}: ${reasonOf(error)}`, { cause: error });
    });
    return (await Body?.transformToString()) ?? '';
  }

  return {
    objects,
    read,
    nameOf,
    async lastObjects() {
      const last = await findLast(async (seq) => {
        const [object] = await list(keyOf(seq), 1);
        return object === undefined ? undefined : seqOf(object);
      });
      if (last === 0) return [];
      return (await list(keyOf(Math.max(0, last - 999)), 1000)).slice(-mostTailObjects);
    },
    async create(seq, text) {
      const object = keyOf(seq);
      try {
        const content = { Body: text, ContentType: 'application/x-ndjson' };
        await client.putObject({ Bucket, Key: object, ...content, IfNoneMatch: '*' });
        return text;
      } catch (error) {
        if (statusOf(error) !== preconditionFailed) throw new Error(reasonOf(error), { cause: error });
        return read(object);
      }
    },
    close: () => client.destroy(),
  };
}

/**
 * The largest of some numbers from 1 to 10^12 - 1; 0 if there are none. `firstAfter` finds the smallest one above a
 * number, as lists of S3 only go forward. Steps grow until one was too far; then the range is halved.
 */
export async function findLast(firstAfter: (number: number) => Promise<number | undefined>): Promise<number> {
  let known = 0;
  let end = 10 ** digits;
  for (let step = 1024; known < end - 1; step *= 2) {
    const from = Math.min(known + step, Math.floor((known + end - 1) / 2));
    const found = await firstAfter(from);
    if (found !== undefined) known = found;
    else {
      end = from + 1;
      step = Infinity;
    }
  }
  return known;
}

const linesIn = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** Of the number in an object's name. */
const digits = 12;
const mostTailObjects = 10;
/** 412: there is such an object. */
const preconditionFailed = 412;
/** Milliseconds from the beginning of one object to that of the next. */
const pauseMilliseconds = 1000;
