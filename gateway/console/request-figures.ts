import type { RequestListener } from '../telemetry/statistics/request-statistics';
import { ErrorFigures } from './error-figures';
import { OperationFigures } from './operation-figures';

/** What the pages *Operations* and *Errors* are made of, in one process. */
export class RequestFigures {
  readonly operations: OperationFigures;
  readonly errors: ErrorFigures;

  /** @param memory bytes, estimated */
  constructor(memory: number) {
    this.operations = new OperationFigures({ memory: (memory * 3) / 4 });
    this.errors = new ErrorFigures({ memory: memory / 4 });
  }

  readonly count: RequestListener = (request, status, seconds) => {
    const operation = this.operations.count(request, status, seconds);
    if (request.errors !== undefined) this.errors.count(request, operation);
  };
}

/** Of `admin.console.memory`; recorded requests have the rest. */
export const figuresMemory = (memory: number): number => Math.floor(memory / 10);
