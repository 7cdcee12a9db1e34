/**
 * `node bench/defer.mjs [--requests 60]`: how much sooner does the first part of an answer with `@defer` arrive?
 *
 * Clients ask, one after the other, for the product page of the workload *slow* (subgraphs take 4 ms, reviews 40 ms): as a
 * whole, and with all that comes from reviews in one deferred fragment. Fails when the first part takes more than half of
 * the time of the whole, by the medians, or the last part comes more than a tenth later than the whole.
 */
import { writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { supergraphSdl } from './fixture/subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { withHelpers } from './lib/own-bench.mjs';

const { values } = parseArgs({ options: { requests: { type: 'string', default: '60' } } });
const requests = Number(values.requests);

const { operation: whole, delays } = workloads.slow;
const deferred = {
  ...whole,
  query: `
    query ProductPage($upc: ID!, $reviews: Int = 16) {
      me { id name avatar }
      product(upc: $upc) {
        upc name description price weight category { slug name } images { url alt }
        inStock available availability shippingEstimate
        related { upc name price inStock }
        ... @defer(label: "reviews") {
          ratingSummary { average count }
          reviews(first: $reviews) { id rating title body createdAt author { id username name avatar } }
          related { ratingSummary { average count } }
        }
      }
    }
  `,
};

await withHelpers(async ({ replay, urls, folder, start }) => {
  await replay.ask({ command: 'prepare', delays });
  const file = join(folder, 'supergraph.graphql');
  writeFileSync(file, supergraphSdl(urls));
  const running = await start(file, whole, [0]);
  const times = { whole: [], first: [], last: [] };
  for (let i = -20; i < requests; i += 1) {
    const wholeTimes = await ask(running.port, whole, 'application/json');
    const partTimes = await ask(running.port, deferred, 'multipart/mixed;incrementalSpec=v0.2');
    if (partTimes.parts < 2) throw new Error('The answer came in one part.');
    if (i < 0) continue;
    times.whole.push(wholeTimes.last);
    times.first.push(partTimes.first);
    times.last.push(partTimes.last);
  }
  const [all, first, last] = [times.whole, times.first, times.last].map(median);
  process.stdout.write(
    `whole ${all.toFixed(1)} ms; first part ${first.toFixed(1)} ms (${(first / all).toFixed(2)} of it), ` +
      `last part ${last.toFixed(1)} ms (${(last / all).toFixed(2)} of it); medians of ${requests}\n`,
  );
  if (first / all > 0.5 || last / all > 1.1) process.exitCode = 1;
  await running.stop();
});

/** Milliseconds until the first part of the answer's body has arrived, and until all have. */
function ask(port, operation, accept) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const headers = { 'content-type': 'application/json', accept };
    const request = httpRequest({ port, path: '/graphql', method: 'POST', headers }, (response) => {
      let text = '';
      let first;
      response.on('data', (piece) => {
        text += piece;
        if (text.includes('hasNext')) first ??= performance.now() - began;
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== 200) reject(new Error(text));
        else resolve({ first, last: performance.now() - began, parts: text.split('"hasNext"').length - 1 });
      });
    });
    request.on('error', reject);
    request.end(JSON.stringify(operation));
  });
}

function median(list) {
  return list.toSorted((one, other) => one - other)[Math.floor(list.length / 2)];
}
