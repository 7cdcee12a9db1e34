/** Pages of the documentation that lead from an empty folder to a graph that answers, done as a reader does. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, startShell, type WeirProcess } from './process';

export type Step =
  | { readonly file: string; readonly text: string }
  | { readonly command: string; readonly answer?: string };

/** The files and commands of a page in their order; a block of JSON is the answer to the command before it. */
export function stepsOf(markdown: string): Step[] {
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

/** A reader in a folder, who does one step after the other. `weir dev` and `weir gateway` run until the next one does. */
export function readerIn(folder: string) {
  let running: WeirProcess | undefined;

  const background: WeirProcess[] = [];

  async function take(step: Step): Promise<void> {
    if ('file' in step) {
      writeFileSync(join(folder, step.file), step.text);
      return;
    }
    const { command, answer } = step;
    if (answer !== undefined) return expectAnswer(command, answer);
    if (command.endsWith(' &')) {
      background.push(startShell(`exec env ${command.slice(0, -' &'.length)}`, folder));
      return;
    }
    if (!/weir (dev|gateway)/.test(command)) {
      execute(command);
      return;
    }
    await stop();
    running = startShell(`exec ${onFreePorts(command)}`, folder);
    await running.printed(/curl|the gateway answers/);
  }

  /** An edit takes its time to be live. A mutation that was answered without errors has had its effect, and is not repeated. */
  async function expectAnswer(command: string, answer: string): Promise<void> {
    let data: unknown;
    await eventually(() => {
      const answered = JSON.parse(execute(command)) as { data: unknown; errors?: unknown };
      ({ data } = answered);
      return /mutation/.test(command) ? !answered.errors : JSON.stringify({ data }) === compact(answer);
    });
    expect({ command, data }).toEqual({ command, ...JSON.parse(answer) });
  }
  const compact = (json: string): string => JSON.stringify(JSON.parse(json));

  const execute = (command: string): string =>
    execFileSync('sh', ['-c', onFreePorts(command)], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

  /** With ports that nobody else has. */
  function onFreePorts(command: string): string {
    if (/weir dev\b/.test(command)) return `${command} --port 0`;
    if (/weir gateway/.test(command)) return `${command} --port 0 --admin-port 0`;
    const [, url] = /Endpoint +(http:\S+)/.exec(running?.stdout ?? '') ?? [];
    return command.replace('http://localhost:4000/graphql', url ?? '');
  }

  /** As Ctrl-C does; npm says then that it was ended by it, however well that went. */
  async function stop(): Promise<void> {
    const last = running;
    running = undefined;
    await last?.stop();
  }

  return {
    take,
    async stop() {
      await stop();
      await Promise.all(background.map((each) => each.stop()));
    },
  };
}
