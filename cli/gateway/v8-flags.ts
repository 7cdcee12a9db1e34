import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/**
 * Sets the V8 flags of a process that serves clients. A gateway that is started from code gets them as arguments of
 * `node`, with `--max-semi-space-size` instead of `boundYoungGeneration`, as the README says.
 */
export function setServingFlags(): void {
  // Pretenuring: V8 notices under load that some kinds of objects survive minor collections, as those of requests in
  // flight do. Then it allocates all objects of these kinds in the old generation. There they stay until the next full
  // collection, with everything that they refer to: 13 times as many bytes survive, and full collections are frequent.
  setFlagsFromString('--no-allocation-site-pretenuring');
  // A full collection starts when the old generation is twice as large as after the last one. For a small heap V8's
  // default is four times, most of which is then garbage.
  setFlagsFromString('--heap-growing-percent=100');
  // Node 20: with a young generation of 16 MiB in place of V8's 32 *page4*, *nested* and *tiny* take the same CPU time and
  // *wide* 3 % more (5 pairs: -5 to 12 %). A minute after a load the process has 113 MB (*page4*, with 32: 153) and 134
  // (*nested*; 151): V8 gives memory back after some minor collections, which come sooner.
  // From Node 24 on V8's 128 MiB save no CPU time against 32: after *nested* the process has 316 MB with 128 and 227 with
  // 32 (*page4*: 291 and 214). With 16 *page4* takes 8 % more CPU time (4 pairs: 0 to 17 %), and its p99 a third more.
  boundYoungGeneration();
  // V8 starts a full collection after each 64 MiB of new Buffers, such as a few hundred bodies of 100 KB, even if the
  // old generation is small. With one limit for both, *wide* takes 36 % less CPU time (4 pairs: 28 to 43 %) and 12 %
  // more memory; *page4* takes the same. V8 before Node 24 has no such flag.
  if (nodeMajor >= 24) setFlagsFromString('--external-memory-accounted-in-global-limit');
}

/** Does `work` with the flags that `setServingFlags` set at first: V8 takes what it has compiled only with the same ones. */
export function withServingFlags(work: () => void): void {
  const grows = isGrowing;
  if (grows) letGrow(false);
  try {
    work();
  } finally {
    if (grows) letGrow(true);
  }
}

/** Whether the young generation may grow. */
let isGrowing = false;

const nodeMajor = Number.parseInt(process.versions.node, 10);

/**
 * Limits the young generation to 16 MiB on Node 20, and to 32 from Node 24 on. V8 reads `--max-semi-space-size` only at its
 * start, but the growth factor at each growth. The young generation does not grow while a turn of the event loop that loads
 * the gateway keeps many objects; later such a turn may double the size more than once. It shrinks when the process is idle.
 */
function boundYoungGeneration(): void {
  // Size of both halves together. While they grow for the last time, one half still has the old size.
  const mayStillDouble = (nodeMajor >= 24 ? 16 : 8) * 1024 * 1024;
  letGrow(false);
  new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')!;
    if (young.space_size <= mayStillDouble !== isGrowing) letGrow(!isGrowing);
  }).observe({ entryTypes: ['gc'] });
}

function letGrow(grows: boolean): void {
  isGrowing = grows;
  setFlagsFromString(`--semi-space-growth-factor=${grows ? 2 : 1}`);
}
