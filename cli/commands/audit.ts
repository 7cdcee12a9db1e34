import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { type AuditFinding, verifyAudit } from '../../gateway/telemetry/audit/verify';
import { CommandFailure, type Context } from '../context';
import type * as Archive from '../../gateway/events/archive/archive';
import type * as ArchiveBucket from '../../gateway/events/archive/archive-bucket';
import { privateLinkSigner } from '../registry/private-link';
import { formatOption } from '../registry/registry';
import { givenBy } from '../variables';

/** Loaded only when it is needed, as it takes long. */
const loadBucket = () => require('../../gateway/events/archive/archive-bucket') as typeof ArchiveBucket;

interface VerifyFlags {
  readonly keyFile?: string;
  readonly after?: string;
  readonly includes?: string;
  readonly last?: string;
  readonly format: string;
}

interface EventsFlags {
  readonly folder: string;
  readonly keyFile?: string;
}

/** `weir audit`: checks audit trails, and writes those of events. */
export function auditCommand(context: Context): Command {
  const verify = new Command('verify')
    .summary('find lines of an audit trail that were changed, moved or removed')
    .description(
      'Follows the hashes from record to record. Several files are one trail, the oldest first. The ' +
        'files cannot show that lines are missing at the end, or that the trail was emptied and begun anew: save ' +
        'the last hash elsewhere, and give it as --last, or later as --includes.',
    )
    .argument('<FILES...>', 'the trail: files, or s3://BUCKET/PREFIX/NAME?region=REGION')
    .option('--key-file <FILE>', 'a file with the key, if the gateway has `audit.key`')
    .option('--after <HASH>', 'the hash of the record before the first, if earlier files are gone')
    .option('--includes <HASH>', 'the hash of a record that must be there: the last one of an earlier check')
    .option('--last <HASH>', 'the hash that the last record must have')
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExit code 0 if the trail is as it was written, 1 if it is not.\n\nExamples:\n' +
        '  $ weir audit verify audit.jsonl\n' +
        '  $ weir audit verify audit.jsonl.1 audit.jsonl --key-file audit.key',
    )
    .action((files: readonly string[], flags: VerifyFlags) => verifyTrail(files, flags, context));
  const events = new Command('events')
    .summary('write the events of subgraphs to audit trails')
    .description(
      'Appends every event of each subgraph to an audit trail, NAME.jsonl, from its first event on, until it is ' +
        'stopped. Started again, it goes on where the trail ends. A second writer is refused. Requests ' +
        'are signed with WEIR_LINK_KEYS or WEIR_LINK_KEYS_FILE.',
    )
    .argument('<NAME=URL...>', 'subgraphs, each with the URL of its GraphQL endpoint')
    .requiredOption(
      '--folder <FOLDER>',
      'where the trails are: a folder, or s3://BUCKET/PREFIX?region=REGION',
    )
    .option('--key-file <FILE>', 'a file with a secret of at least 16 characters that chains the records')
    .addHelpText(
      'after',
      '\nExamples:\n  $ weir audit events orders=http://127.0.0.1:4005/graphql --folder archive\n' +
        '  $ weir audit verify archive/orders.jsonl\n' +
        '  $ weir audit events orders=http://127.0.0.1:4005/graphql --folder "s3://archive/events?region=eu-west-1"\n' +
        '  $ weir audit verify "s3://archive/events/orders?region=eu-west-1"',
    )
    .action((subgraphs: readonly string[], flags: EventsFlags) => archive(subgraphs, flags, context));
  return new Command('audit')
    .summary('check an audit trail, archive events')
    .description('Checks audit trails, and writes those of events.')
    .helpCommand(false)
    .addHelpText('after', '\nExamples:\n  $ weir audit verify audit.jsonl')
    .addCommand(verify)
    .addCommand(events);
}

async function archive(
  subgraphs: readonly string[],
  { folder, keyFile }: EventsFlags,
  { env, stdout, stderr, signal }: Context,
): Promise<void> {
  const key = keyFile === undefined ? undefined : readKey(keyFile, env);
  if (key !== undefined && key.length < 16)
    throw new CommandFailure(`weir: the key in ${keyFile} must be at least 16 characters long.`, 2);
  const { archiveEvents, ArchiveBroken } = require('../../gateway/events/archive/archive') as typeof Archive;
  const { isInS3, trailInS3 } = loadBucket();
  if (isInS3(folder) && !/^s3:\/\/[a-z0-9.-]+(?:[/?]|$)/.test(folder))
    throw new CommandFailure(
      `weir: --folder must be like archive or s3://BUCKET/PREFIX?region=eu-west-1, but got: "${folder}".`,
      2,
    );
  const sources = subgraphs.map(readSubgraph);
  const names = sources.map(({ source }) => source);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new CommandFailure(`weir: the subgraph "${twice}" is given twice.`, 2);
  const broken = new AbortController();
  await Promise.all(
    sources.map(async ({ source, url }) => {
      const trail = isInS3(folder) ? trailInS3(folder, source) : join(folder, `${source}.jsonl`);
      await archiveEvents({
        ...{ source, url, trail, key, signer: privateLinkSigner(source, env) },
        signal: AbortSignal.any([signal, broken.signal]),
        onChange(state) {
          if ('after' in state) {
            const from = state.after === '' ? 'from the first one on' : `after ${state.after}`;
            stdout.write(`${source}: its events go to ${trail}, ${from}.\n`);
          } else stderr.write(`weir: ${source}: ${(state.reason as Error).message}; it is tried again.\n`);
        },
      }).catch((error: unknown) => {
        broken.abort();
        const { message, code } = error as NodeJS.ErrnoException;
        if (error instanceof ArchiveBroken)
          throw new CommandFailure(`weir: ${trail} cannot be continued: ${message}.`, 1);
        const reason = code === 'ENOENT' ? 'its folder does not exist' : message;
        throw new CommandFailure(`weir: ${trail} cannot be written: ${reason}.`, 2);
      });
    }),
  );
}

function readSubgraph(text: string): { readonly source: string; readonly url: string } {
  const [, source, url] = /^([\w-]+)=(https?:\/\/.+)$/.exec(text) ?? [];
  if (source === undefined || source.length > 64 || !URL.canParse(url!))
    throw new CommandFailure(
      `weir: "${text}" must be NAME=URL, such as orders=http://127.0.0.1:4005/graphql.`,
      2,
    );
  return { source, url: url! };
}

async function verifyTrail(
  files: readonly string[],
  { keyFile, after, includes, last, format }: VerifyFlags,
  { stdout, env }: Context,
): Promise<void> {
  const key = keyFile === undefined ? undefined : readKey(keyFile, env);
  const read = (file: string) => (file.startsWith('s3://') ? loadBucket().readS3Trail(file) : undefined);
  const verdict = await verifyAudit(files, { key, after, includes, read }).catch((error: unknown) => {
    const { path, code, message } = error as NodeJS.ErrnoException;
    throw unreadable(path ?? files.join(', '), code, message);
  });
  const { records, problems, notes, ends } = verdict;
  const isLast =
    last === undefined || (ends.length === 0 ? last === after : ends.some(({ hash }) => hash === last));
  const passed = problems.length === 0 && isLast;
  if (format === 'json') {
    stdout.write(`${JSON.stringify({ passed, isLast, ...verdict }, null, 2)}\n`);
    if (!passed) throw new CommandFailure('', 1);
    return;
  }
  for (const { file, line, message } of notes) stdout.write(`${file}:${line}: note: ${message}\n`);
  for (const finding of problems) stdout.write(`${describe(finding)}\n`);
  if (!isLast)
    stdout.write(`The last record is not the one with the hash ${last}: records are missing at the end.\n`);
  if (!passed) throw new CommandFailure(`weir: the trail is not as it was written.`, 1);
  const ending = ends.map(({ seq, hash }) => `the last is record ${seq}, ${hash}`).join('; ');
  stdout.write(`${records} records, as they were written${ending === '' ? '' : `; ${ending}`}.\n`);
}

const readKey = (keyFile: string, env: Context['env']): string =>
  read(`${givenBy('--key-file', keyFile, env)} names ${keyFile}, which`, () =>
    readFileSync(keyFile, 'utf8').trim(),
  );

const describe = ({ file, line, message }: AuditFinding): string => `${file}:${line}: ${message}`;

function read<Value>(subject: string, reading: () => Value): Value {
  try {
    return reading();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw unreadable(subject, code, message);
  }
}

/** @param subject the file, or the flag that names it */
function unreadable(subject: string, code: string | undefined, message: string): CommandFailure {
  const fact = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code ?? message})`;
  return new CommandFailure(`weir: ${subject} ${fact}.`, 2);
}
