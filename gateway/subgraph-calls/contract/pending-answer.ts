/** What follows on an answer: returns what it is from here on, or throws. */
type OnAnswer<Value, Context, Result> = (value: Value, context: Context) => Result | Promise<Result>;
/** What follows on a failure: returns an answer instead, or throws. */
type OnFailure<Context, Result> = (error: unknown, context: Context) => Result | Promise<Result>;

/**
 * Does what `answer.then(…)` does, for whoever alone has the promise and passes the result on. `answer` must not be used any
 * more: on a `PendingAnswer` it makes no other promise, and the functions are called at once when it is settled.
 *
 * @param context is given to the functions, so that they can be the same for all calls
 * @param answered undefined if only a failure matters
 * @param failed undefined if only an answer matters
 */
export function follow<Value, Context, Result>(
  answer: Promise<Value>,
  context: Context,
  answered: OnAnswer<Value, Context, Result>,
  failed: OnFailure<Context, Result> | undefined,
): Promise<Result>;
export function follow<Value, Context>(
  answer: Promise<Value>,
  context: Context,
  answered: undefined,
  failed: OnFailure<Context, Value>,
): Promise<Value>;
export function follow<Value, Context>(
  answer: Promise<Value>,
  context: Context,
  answered: OnAnswer<Value, Context, Value> | undefined,
  failed: OnFailure<Context, Value> | undefined,
): Promise<Value> {
  if (answer instanceof PendingAnswer) {
    // A promise of a value is a pending answer of that value.
    return (answer as PendingAnswer<Value>).follow(context, answered, failed);
  }
  return answer.then(
    answered && ((value) => answered(value, context)),
    failed && ((error: unknown) => failed(error, context)),
  );
}

/** The same for the last one, who passes nothing on. The functions must not throw. */
export function conclude<Value, Context>(
  answer: Promise<Value>,
  context: Context,
  answered: (value: Value, context: Context) => void,
  failed: (error: unknown, context: Context) => void,
): void {
  if (answer instanceof PendingAnswer) (answer as PendingAnswer<Value>).conclude(context, answered, failed);
  else {
    void answer.then(
      (value) => answered(value, context),
      (error: unknown) => failed(error, context),
    );
  }
}

/**
 * A promise whose followers are called one after the other, synchronously, when it is settled: each with what the one before
 * has made of the answer. A subgraph call passes about ten interceptors: a promise for each of them would cost it a
 * microsecond and 1.5 KB of memory.
 *
 * Who follows once it is settled is called before the next turn of the event loop. A failure that nobody follows is no
 * unhandled rejection.
 */
export class PendingAnswer<Value> implements Promise<Value> {
  #state: 'pending' | 'answered' | 'failed' = 'pending';
  /** Undefined until it is answered. */
  #value: unknown;
  #error: unknown;
  /** The next follower to be called. */
  #next: Continuation<Value> | undefined;
  #last: Continuation<Value> | undefined;
  /** Whether followers are being called, or will be without further ado. */
  #isRunning = false;

  /** No effect once it is settled. */
  resolve(value: Value): void {
    if (this.#state !== 'pending') return;
    this.#answered(value);
    this.#run();
  }

  /** No effect once it is settled. */
  reject(error: unknown): void {
    if (this.#state !== 'pending') return;
    this.#failed(error);
    this.#run();
  }

  follow<Context>(
    context: Context,
    answered: OnAnswer<Value, Context, Value> | undefined,
    failed: OnFailure<Context, Value> | undefined,
  ): this {
    this.#add({ answered, failed, context, next: undefined });
    return this;
  }

  conclude<Context>(
    context: Context,
    answered: (value: Value, context: Context) => void,
    failed: (error: unknown, context: Context) => void,
  ): void {
    this.#add({ answered, failed, context, next: undefined });
  }

  then<Result = Value, Other = never>(
    answered?: ((value: Value) => Result | PromiseLike<Result>) | null,
    failed?: ((error: unknown) => Other | PromiseLike<Other>) | null,
  ): Promise<Result | Other> {
    return new Promise<Value>((resolve, reject) => {
      this.conclude(undefined, resolve, reject);
    }).then(answered, failed);
  }

  catch<Other = never>(
    failed?: ((error: unknown) => Other | PromiseLike<Other>) | null,
  ): Promise<Value | Other> {
    return this.then(undefined, failed);
  }

  finally(settled?: (() => void) | null): Promise<Value> {
    return this.then().finally(settled);
  }

  get [Symbol.toStringTag](): string {
    return 'PendingAnswer';
  }

  #add(follower: Continuation<Value>): void {
    if (this.#next === undefined) this.#next = follower;
    else this.#last!.next = follower;
    this.#last = follower;
    if (this.#state === 'pending' || this.#isRunning) return;
    this.#isRunning = true;
    void Promise.resolve().then(() => this.#run());
  }

  /** Calls the followers. One that returns a promise is waited for; one that returns nothing changes nothing. */
  #run(): void {
    this.#isRunning = true;
    for (let follower = this.#next; follower !== undefined; follower = this.#next) {
      this.#next = follower.next;
      const { answered, failed, context } = follower;
      try {
        let result: unknown;
        if (this.#state === 'failed') {
          if (failed === undefined) continue;
          result = failed(this.#error, context);
        } else {
          if (answered === undefined) continue;
          // `follow` takes what makes a value of a value.
          result = answered(this.#value as Value, context);
        }
        if (isPromise(result)) {
          result.then(
            (value) => {
              this.#answered(value);
              this.#run();
            },
            (error: unknown) => {
              this.#failed(error);
              this.#run();
            },
          );
          return;
        }
        if (result !== undefined) this.#answered(result);
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#isRunning = false;
  }

  #answered(value: unknown): void {
    this.#state = 'answered';
    this.#value = value;
  }

  #failed(error: unknown): void {
    this.#state = 'failed';
    this.#error = error;
  }
}

/** Methods, so that each follower may have a context of its own type. */
interface Following<Value> {
  answered(value: Value, context: unknown): unknown;
  failed(error: unknown, context: unknown): unknown;
}

interface Continuation<Value> {
  readonly answered: Following<Value>['answered'] | undefined;
  readonly failed: Following<Value>['failed'] | undefined;
  readonly context: unknown;
  next: Continuation<Value> | undefined;
}

const isPromise = (result: unknown): result is PromiseLike<unknown> =>
  typeof result === 'object' && result !== null && 'then' in result && typeof result.then === 'function';
