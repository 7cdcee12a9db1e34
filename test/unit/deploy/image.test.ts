/** The images: cli/commands/gateway.ts, by the words of Dockerfile, and of packing/Dockerfile, which is that of a release. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeSupergraph } from '../../../schema';
import { startCli } from '../../support/run-cli';

const root = join(__dirname, '../../..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const dockerfile = read('Dockerfile');
const images = [
  ['Dockerfile', dockerfile.slice(dockerfile.indexOf('AS gateway'), dockerfile.indexOf('AS subgraph'))],
  ['packing/Dockerfile', read('packing/Dockerfile')],
] as const;
const folder = mkdtempSync(join(tmpdir(), 'weir-image-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The words of an instruction of the gateway's image, with its file in a folder of ours. */
const wordsOf = (text: string, instruction: RegExp): string[] => {
  const words = JSON.parse(instruction.exec(text)![1]!) as string[];
  return words.map((word) => word.replaceAll('/dev/shm/', `${folder}/`));
};

const check = (text: string): Promise<number> => {
  const [, ...args] = wordsOf(text, /HEALTHCHECK [^[]*(\[.*\])$/m);
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error) => resolve(error === null ? 0 : Number(error.code)));
  });
};

it.each(images)(
  '%s has a health check that follows the port, and fails when nothing listens',
  async (_, image) => {
    const sdl = 'type Query { hello: String }';
    const subgraph = { name: 'a', routingUrl: 'http://127.0.0.1:9/graphql', sdl, file: 'a.graphql' };
    const { supergraphSdl } = composeSupergraph({ subgraphs: [subgraph] });
    const supergraph = join(folder, 'supergraph.graphql');
    writeFileSync(supergraph, supergraphSdl!);
    const [, , ...args] = wordsOf(image, /^ENTRYPOINT (\[.*\])$/m);
    expect(await check(image)).toBe(1);
    const ports = ['--port', '0', '--admin-port', '0'];
    const running = startCli([...args, '--supergraph', supergraph, ...ports, '--log-level', 'warn']);
    await running.printed(/the gateway answers at /);
    expect(await check(image)).toBe(0);
    expect((await running.stop()).exitCode).toBe(0);
    expect(existsSync(join(folder, 'weir.url'))).toBe(false);
    expect(await check(image)).toBe(1);
  },
);

it.each(images)('%s runs as a user that Kubernetes sees is not root, and gets signals itself', (_, image) => {
  const last = image.lastIndexOf('\nFROM ');
  const runtime = image.startsWith('AS gateway') ? dockerfile : image.slice(last);
  expect(runtime).toMatch(/^USER 1000:1000$/m);
  expect(image).toMatch(/^ENTRYPOINT \["node", /m);
  expect(runtime).toMatch(/^STOPSIGNAL SIGTERM$/m);
});

it('Dockerfile copies only what .dockerignore lets into the build, and needs no more than that', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names]) =>
    names!.split(' '),
  );
  const [all, ...letIn] = read('.dockerignore').trim().split('\n');
  expect(all).toBe('*');
  const names = new Set(copied.map((name) => name.replace(/^\.\//, '').split('/')[0]!));
  expect(letIn.map((line) => line.replace(/^!/, '').split('/')[0]).sort()).toEqual([...names].sort());
  expect(copied.filter((name) => !existsSync(join(root, name)))).toEqual([]);
});
