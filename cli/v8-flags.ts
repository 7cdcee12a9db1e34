import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/**
 * Sets the V8 flags of a process that serves clients. A gateway that is started from code gets them as arguments of
 * `node`, with `--max-semi-space-size=16` instead of `boundYoungGeneration`, as the README says.
 */
export function setServingFlags(): void {
  // Pretenuring: V8 notices under load that some kinds of objects survive minor collections, as those of requests in
  // flight do. Then it allocates all objects of these kinds in the old generation. There they stay until the next full
  // collection, with everything that they refer to: 13 times as many bytes survive, and full collections are frequent.
  setFlagsFromString('--no-allocation-site-pretenuring');
  // A full collection starts when the old generation is twice as large as after the last one. For a small heap V8's
  // default is four times, most of which is then garbage.
  setFlagsFromString('--heap-growing-percent=100');
  // From Node 24 on the young generation grows to 128 MiB instead of 32 MiB, which saves no CPU time: after *nested*
  // the process has 316 MB with 128 and 227 with 32 (*page4*: 291 and 214); on Node 20 it has 201 (185).
  if (nodeMajor >= 24) boundYoungGeneration();
  // V8 starts a full collection after each 64 MiB of new Buffers, such as a few hundred bodies of 100 KB, even if the
  // old generation is small. With one limit for both, *wide* takes 36 % less CPU time (4 pairs: 28 to 43 %) and 12 %
  // more memory; *page4* takes the same. V8 before Node 24 has no such flag.
  if (nodeMajor >= 24) setFlagsFromString('--external-memory-accounted-in-global-limit');
}

/** Does `work` with the flags that `setServingFlags` set at first: V8 takes what it has compiled only with the same ones. */
export function withServingFlags(work: () => void): void {
  const isBounded = nodeMajor >= 24 && !isGrowing;
  if (isBounded) setFlagsFromString('--semi-space-growth-factor=2');
  try {
    work();
  } finally {
    if (isBounded) setFlagsFromString('--semi-space-growth-factor=1');
  }
}

/** Whether the young generation may grow. */
let isGrowing = true;

const nodeMajor = Number.parseInt(process.versions.node, 10);

/**
 * Limits the young generation to 32 MiB, as on Node 20. V8 reads `--max-semi-space-size` only at its start, but the
 * growth factor at each growth. A turn of the event loop that keeps very many objects may still double the size more
 * than once. The young generation shrinks when the process is idle.
 */
function boundYoungGeneration(): void {
  // Size of both halves together. While they grow to 16 MiB each, one half still has the old size.
  const mayStillDouble = 16 * 1024 * 1024;
  new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')!;
    if (young.space_size <= mayStillDouble === isGrowing) return;
    isGrowing = !isGrowing;
    setFlagsFromString(`--semi-space-growth-factor=${isGrowing ? 2 : 1}`);
  }).observe({ entryTypes: ['gc'] });
}
