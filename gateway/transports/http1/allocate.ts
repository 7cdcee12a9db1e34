/**
 * Memory for a message of unknown content: a piece of a slab that was allocated for many.
 *
 * A buffer of its own for each response costs a tenth of the time of a call, most of it in garbage collection, and
 * Node's own pool ends at 4 KiB. A piece keeps its slab alive, for as long as a request takes.
 */
export function allocate(size: number): Buffer {
  if (size > maxPieceSize) return Buffer.allocUnsafeSlow(size);
  if (size > slab.length - used) {
    slab = Buffer.allocUnsafeSlow(slabSize);
    used = 0;
  }
  return slab.subarray(used, (used += size));
}

const slabSize = 256 * 1024;
const maxPieceSize = 32 * 1024;
let slab = Buffer.alloc(0);
let used = 0;
