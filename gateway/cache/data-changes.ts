/**
 * Counts what may have changed the data of subgraphs: answers to mutations, and invalidations. A read that began before the
 * last one may have read data that is older than what its client has seen since, so nobody joins it.
 */
export class DataChanges {
  count = 0;

  note(): void {
    this.count++;
  }
}
