import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/**
 * Sets the V8 flags with which a process serves clients. Those who start a gateway from code give them to `node`, with
 * `--max-semi-space-size=16` in place of `boundYoungGeneration`; the README says so.
 */
export function setServingFlags(): void {
  // V8 learns under load that objects of some kinds outlive a collection of young garbage, as those of requests in
  // flight do, and then makes all of their kind among the old ones. There they live until the next full collection, with
  // all that they refer to: 13 times as much outlives a collection, and full ones are needed all the time.
  setFlagsFromString('--no-allocation-site-pretenuring');
  // A full collection comes when the old objects take twice as much as those that the last one left. V8 would wait for
  // four times as much in a small heap, of which most is then garbage.
  setFlagsFromString('--heap-growing-percent=100');
  // From Node 24 on the young generation grows to 128 MiB in place of 32, which saves no CPU time: after *nested* the
  // process has 316 MB with 128 and 227 with 32 (*page4*: 291 and 214); on Node 20 it has 201 (185).
  if (nodeMajor >= 24) boundYoungGeneration();
  // V8 begins a full collection whenever 64 MiB of Buffers are new, as after a few hundred bodies of 100 KB, though the
  // old objects are few. With one limit for both, *wide* takes 36 % less CPU time (4 pairs: 28 to 43 %) and 12 % more
  // memory, *page4* the same. V8 before that of Node 24 has no such flag.
  if (nodeMajor >= 24) setFlagsFromString('--external-memory-accounted-in-global-limit');
}

const nodeMajor = Number.parseInt(process.versions.node, 10);

/**
 * Has the young generation grow to 32 MiB, as on Node 20. V8 reads `--max-semi-space-size` only when it starts, but the
 * factor of growth each time that it grows. A turn of the event loop that keeps very much may still double it more than
 * once; it shrinks when the process rests.
 */
function boundYoungGeneration(): void {
  // Both halves: while they grow to 16 MiB each, one is still as large as before.
  const mayStillDouble = 16 * 1024 * 1024;
  let isGrowing = true;
  new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')!;
    if (young.space_size <= mayStillDouble === isGrowing) return;
    isGrowing = !isGrowing;
    setFlagsFromString(`--semi-space-growth-factor=${isGrowing ? 2 : 1}`);
  }).observe({ entryTypes: ['gc'] });
}
