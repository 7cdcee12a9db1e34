/**
 * Tests start thousands of gateways, and each of them a thread that plans. A thread that has nothing to do when its gateway
 * stops is kept for the next one: it has loaded and compiled what plans, which takes 0.2 s of a processor. One that is
 * stopped while it works, or that fails, ends as it does outside of tests.
 */
const { EventEmitter } = require('node:events');
const { join } = require('node:path');
const threads = require('node:worker_threads');

const { Worker, MessageChannel } = threads;
const source = join(__dirname, '../../gateway/planning/worker.ts');
const threadFile = join(__dirname, 'kept-thread.cjs');

/** Those that are idle: most at a time, and how many gateways one serves, as its heap grows with each. */
const [mostKept, mostGateways] = [3, 50];
const kept = [];

class KeptThread {
  gateways = 0;

  constructor(resourceLimits) {
    this.limits = JSON.stringify(resourceLimits);
    this.worker = new Worker(threadFile, { resourceLimits });
    this.worker.unref();
    this.worker.once('exit', () => {
      const at = kept.indexOf(this);
      if (at >= 0) kept.splice(at, 1);
    });
  }
}

function takeThread(resourceLimits) {
  const at = kept.findIndex(({ limits }) => limits === JSON.stringify(resourceLimits));
  return at < 0 ? new KeptThread(resourceLimits) : kept.splice(at, 1)[0];
}

/** What a planner uses of a `Worker`. */
class PlannerWorker extends EventEmitter {
  #thread;
  #port;
  /** Messages that are not answered: the first one says that the thread is ready. */
  #open = 1;
  #onError = (error) => this.emit('error', error);
  #onExit = (code) => this.emit('exit', code);

  constructor({ workerData, resourceLimits }) {
    super();
    this.#thread = takeThread(resourceLimits);
    this.#thread.gateways++;
    this.#thread.worker.on('error', this.#onError).on('exit', this.#onExit);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on('message', (message) => {
      this.#open--;
      this.emit('message', message);
    });
    this.#thread.worker.postMessage({ port: port2, workerData }, [port2]);
  }

  postMessage(message) {
    this.#open++;
    this.#port.postMessage(message);
  }

  unref() {
    this.#port.unref();
  }

  async terminate() {
    const { worker, gateways } = this.#thread;
    this.#port.close();
    if (this.#open > 0 || gateways >= mostGateways || kept.length >= mostKept) return worker.terminate();
    worker.off('error', this.#onError).off('exit', this.#onExit);
    kept.push(this.#thread);
    return 0;
  }
}

function WorkerOfTests(file, options) {
  return file === source ? new PlannerWorker(options) : new Worker(file, options);
}
WorkerOfTests.prototype = PlannerWorker.prototype;
/** For a test that counts threads. */
WorkerOfTests.kept = kept;

module.exports = function keepThreads() {
  threads.Worker = WorkerOfTests;
};
