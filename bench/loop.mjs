/**
 * `node bench/loop.mjs [--seconds 20]`: is the event loop held?
 *
 * *page* at 50/s on a supergraph of a hundred subgraphs: quiet at first, then while others send the planner's bomb and
 * the hardest operations that can still be planned, then while a new supergraph comes every few seconds. Fails when
 * the bombs' p99 is more than 3 times the quiet one, or the loop was held for more than 50 ms, or an answer was wrong.
 * What swaps cost is told, not judged.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { manySubgraphs } from './fixture/many-subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { inspect } from './lib/inspector.mjs';
import { atRate, withHelpers } from './lib/own-bench.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '20' } } });
const seconds = Number(values.seconds);
const rate = 50;

await withHelpers(async ({ replay, clients, urls, folder, start }) => {
  const { page } = workloads;
  await replay.ask({ command: 'prepare' });
  const file = join(folder, 'supergraph.graphql');
  const sdl = manySubgraphs(urls);
  let generation = 0;
  const writeSupergraph = () => {
    generation += 1;
    writeFileSync(
      `${file}.new`,
      sdl.replace(/^type Category/m, `"Generation ${generation}."\ntype Category`),
    );
    renameSync(`${file}.new`, file);
  };
  writeSupergraph();
  const running = await start(file, page.operation, [0]);
  const inspector = await inspect(running.said());
  await inspector.evaluate(`
    globalThis.loopDelay = process.getBuiltinModule('perf_hooks').monitorEventLoopDelay({ resolution: 1 });
    loopDelay.enable();`);
  const { text } = await running.ask(JSON.stringify(page.operation));

  const phase = async (name, during) => {
    await inspector.evaluate('loopDelay.reset()');
    let over = false;
    const others = during(() => over);
    const { p50, p99, max, wrong, unanswered } = await clients.ask(
      atRate(running, page, text, rate, seconds),
    );
    over = true;
    const told = await others;
    const held = (await inspector.evaluate('loopDelay.max')) / 1e6;
    const problems = Object.entries(wrong).map(([what, count]) => `${count} × ${what}`);
    if (unanswered > 0) problems.push(`${unanswered} unanswered`);
    say(
      `${name}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)}; the loop was held for at most ${held.toFixed(1)} ms${told ? `; ${told}` : ''}`,
      ...problems,
    );
    if (problems.length > 0) process.exitCode = 1;
    return { p99, held };
  };

  await phase('warm', async () => undefined);
  const quiet = await phase('quiet', async () => undefined);
  const bombed = await phase('hard operations', async (isOver) => {
    const answers = {};
    for (let i = 0; !isOver(); i += 1) {
      const document = i % 2 === 0 ? bomb(i) : hardest(i);
      const { status } = await running.ask(JSON.stringify({ query: document }));
      const kind = `${i % 2 === 0 ? 'bomb' : 'hardest'} ${status}`;
      answers[kind] = (answers[kind] ?? 0) + 1;
    }
    return Object.entries(answers)
      .map(([kind, count]) => `${count} × ${kind}`)
      .join(', ');
  });
  await phase('swaps', async (isOver) => {
    const before = generation;
    while (!isOver()) {
      writeSupergraph();
      await new Promise((resolve) => setTimeout(resolve, 4000));
    }
    return `${generation - before} supergraphs`;
  });
  inspector.close();
  if (bombed.p99 > 3 * quiet.p99) fail(`p99 was ${(bombed.p99 / quiet.p99).toFixed(1)} times the quiet one`);
  if (bombed.held > 50) fail(`the loop was held for ${bombed.held.toFixed(1)} ms`);
  await running.stop();
});

/** Each level doubles the ways; with so many the planner is busy until it is ended. */
function bomb(i) {
  return `query Bomb${i} { me ${nested('friend', 20, 'name')} }`;
}

/** Just within the planner's bounds. */
function hardest(i) {
  const shared = (team) => `{ ${[0, 1, 2, 3].map((k) => `shared${team}_${k} { text }`).join(' ')} }`;
  return `query Hardest${i} { a: me ${nested('friend', 7, 'name')} b: product(upc: "p21") ${shared(0)} c: product(upc: "p22") ${shared(1)} }`;
}

function nested(field, levels, leaf) {
  return levels === 0 ? `{ ${leaf} }` : `{ ${field} ${nested(field, levels - 1, leaf)} }`;
}

function fail(sentence) {
  say(sentence);
  process.exitCode = 1;
}

function say(...lines) {
  process.stdout.write(`${lines.join('\n  ')}\n`);
}
