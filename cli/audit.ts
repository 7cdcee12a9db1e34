import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { AuditFinding } from '../gateway';
import { CommandFailure, type Context } from './context';
import { lazy } from './lazy';
import { formatOption } from './registry';
import { givenBy } from './variables';

interface VerifyFlags {
  readonly keyFile?: string;
  readonly after?: string;
  readonly includes?: string;
  readonly last?: string;
  readonly format: string;
}

/** `weir audit verify`: checks an audit trail. */
export function auditCommand(context: Context): Command {
  const verify = new Command('verify')
    .summary('find lines of an audit trail that were changed, moved or removed')
    .description(
      'Follows the hashes from record to record. Several files are one trail, the oldest first. The ' +
        'files cannot show that lines are missing at the end, or that the trail was emptied and begun anew: save ' +
        'the last hash elsewhere, and give it as --last, or later as --includes.',
    )
    .argument('<FILES...>', 'the trail')
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
  return new Command('audit')
    .summary('check an audit trail')
    .description('Checks audit trails that a gateway has written.')
    .helpCommand(false)
    .addHelpText('after', '\nExamples:\n  $ weir audit verify audit.jsonl')
    .addCommand(verify);
}

async function verifyTrail(
  files: readonly string[],
  { keyFile, after, includes, last, format }: VerifyFlags,
  { stdout, env }: Context,
): Promise<void> {
  const { verifyAudit } = lazy.gateway();
  const key =
    keyFile === undefined
      ? undefined
      : read(`${givenBy('--key-file', keyFile, env)} names ${keyFile}, which`, () =>
          readFileSync(keyFile, 'utf8').trim(),
        );
  const verdict = await verifyAudit(files, { key, after, includes }).catch((error: unknown) => {
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
  for (const { file, line, says } of notes) stdout.write(`${file}:${line}: note: ${says}\n`);
  for (const finding of problems) stdout.write(`${describe(finding)}\n`);
  if (!isLast)
    stdout.write(`The last record is not the one with the hash ${last}: records are missing at the end.\n`);
  if (!passed) throw new CommandFailure(`weir: the trail is not as it was written.`, 1);
  const ending = ends.map(({ seq, hash }) => `the last is record ${seq}, ${hash}`).join('; ');
  stdout.write(`${records} records, as they were written${ending === '' ? '' : `; ${ending}`}.\n`);
}

const describe = ({ file, line, says }: AuditFinding): string => `${file}:${line}: ${says}`;

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
