import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { endAll, eventually, startShell, type WeirProcess } from '../support/process';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/getting-started.md'), 'utf8');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'weir-e2e-')));
/** What runs until the next one that does. */
let running: WeirProcess | undefined;

beforeAll(() => {
  // As `npm install` leaves it, for who takes a folder.
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/weir'));
  symlinkSync(join(root, 'node_modules/zod'), join(folder, 'node_modules/zod'));
  symlinkSync('../weir/cli/weir.mjs', join(folder, 'node_modules/.bin/weir'));
});
afterAll(async () => {
  await stop();
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

describe('docs/getting-started.md', () => {
  it('leads from an empty folder to an answer of two services in less than ten seconds of a machine, and on to an event', async () => {
    let spent = 0;
    let answers = 0;
    for (const step of stepsOf(page)) {
      const since = performance.now();
      if ('file' in step) writeFileSync(join(folder, step.file), step.text);
      else if (step.answer !== undefined) {
        // An edit takes its time to be live.
        await eventually(() => {
          const { data } = JSON.parse(execute(step.command)) as { data: unknown };
          return isSame({ data }, JSON.parse(step.answer!));
        });
        answers++;
      } else if (/weir (dev|gateway)/.test(step.command)) await runOn(step.command);
      else execute(step.command);
      if (answers < 2) spent += performance.now() - since;
    }

    expect(answers).toBe(4);
    expect(spent).toBeLessThan(10_000 * crowding());
  });
});

type Step =
  { readonly file: string; readonly text: string } | { readonly command: string; readonly answer?: string };

/** Its files and its commands in their order; a block of JSON is the answer to the command before it. */
function stepsOf(markdown: string): Step[] {
  const steps: Step[] = [];
  for (const [, file, language, text] of markdown.matchAll(/(?:`([\w./-]+)`:\n\n)?```(\w+)\n([^]*?)```/g)) {
    if (file !== undefined) steps.push({ file, text: text! });
    else if (language === 'json') steps.push({ ...(steps.pop() as { command: string }), answer: text! });
    else if (language === 'sh')
      steps.push(
        ...text!
          .trim()
          .split('\n')
          .map((command) => ({ command })),
      );
  }
  return steps;
}

/** With ports that nobody else has. */
function onFreePorts(command: string): string {
  if (/weir dev$/.test(command)) return `${command} --port 0`;
  if (/weir gateway/.test(command)) return `${command} --port 0 --admin-port 0`;
  const [, url] = /Endpoint +(http:\S+)/.exec(running?.stdout ?? '') ?? [];
  return command.replace('http://localhost:4000/graphql', url ?? '');
}

function execute(command: string): string {
  return execFileSync('sh', ['-c', onFreePorts(command)], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
}

async function runOn(command: string): Promise<void> {
  await stop();
  running = startShell(`exec ${onFreePorts(command)}`, folder);
  await running.printed(/curl|the gateway answers/);
}

/** As Ctrl-C does; npm says then that it was ended by it, however well that went. */
async function stop(): Promise<void> {
  const last = running;
  running = undefined;
  await last?.stop();
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** How many processes wait for a core: a promise in seconds is one for a machine that has nothing else to do. */
function crowding(): number {
  return Math.max(1, loadavg()[0]! / availableParallelism());
}
