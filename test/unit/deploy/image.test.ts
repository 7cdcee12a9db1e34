/** The image: cli/commands/gateway.ts, by the words of Dockerfile. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeSupergraph } from '../../../schema';
import { startCli } from '../../support/run-cli';

const dockerfile = readFileSync(join(__dirname, '../../../Dockerfile'), 'utf8');
const gateway = dockerfile.slice(dockerfile.indexOf('AS gateway'), dockerfile.indexOf('AS subgraph'));
const folder = mkdtempSync(join(tmpdir(), 'weir-image-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The words of an instruction of the gateway's image, with its file in a folder of ours. */
const wordsOf = (instruction: RegExp): string[] => {
  const words = JSON.parse(instruction.exec(gateway)![1]!) as string[];
  return words.map((word) => word.replaceAll('/dev/shm/', `${folder}/`));
};

const check = (): Promise<number> => {
  const [, ...args] = wordsOf(/HEALTHCHECK [^[]*(\[.*\])$/m);
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error) => resolve(error === null ? 0 : Number(error.code)));
  });
};

it('has a health check that follows the port, and fails when nothing listens', async () => {
  const sdl = 'type Query { hello: String }';
  const subgraph = { name: 'a', routingUrl: 'http://127.0.0.1:9/graphql', sdl, file: 'a.graphql' };
  const { supergraphSdl } = composeSupergraph({ subgraphs: [subgraph] });
  const supergraph = join(folder, 'supergraph.graphql');
  writeFileSync(supergraph, supergraphSdl!);
  const [, , ...args] = wordsOf(/^ENTRYPOINT (\[.*\])$/m);
  expect(await check()).toBe(1);
  const ports = ['--port', '0', '--admin-port', '0'];
  const running = startCli([...args, '--supergraph', supergraph, ...ports, '--log-level', 'warn']);
  await running.printed(/the gateway answers at /);
  expect(await check()).toBe(0);
  expect((await running.stop()).exitCode).toBe(0);
  expect(existsSync(join(folder, 'weir.url'))).toBe(false);
  expect(await check()).toBe(1);
});
