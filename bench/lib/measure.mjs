/** One measurement: a system is started, checked, warmed up, measured, and stopped. */
import { isDeepStrictEqual } from 'node:util';
import { truth } from '../fixture/subgraphs.mjs';
import { inspectable } from './inspector.mjs';
import { startProfile } from './profile.mjs';
import { busySeconds, cpuSeconds, processTree, residentBytes } from './processes.mjs';
import { startSystem } from './running-system.mjs';

/** Above this share of its core the clients and the replay may be what is measured. */
export const HELPERS_LIMIT = 0.8;
/** Above this share of the system's core somebody else was at work there. */
export const FOREIGN_LIMIT = 0.1;

/** What graphql-js answers, by workload. */
const truths = new Map();

/** Milliseconds, enough for a busy machine to make all calls of a wave. */
const RECORDING_DELAY = 150;

/**
 * Starts a system once for a workload and checks what all its measurements rely on: the answer is what graphql-js
 * answers on the merged schema, `authorization` reaches the subgraphs, and which calls it makes, in which waves.
 *
 * @returns the answer's text and the calls: `{ answer, waves: { subgraph, body }[][] }`
 */
export async function examine(system, workload, bench) {
  await bench.replay.ask({ command: 'prepare', stamp: workload.stamp, delays: workload.delays });
  const operation = JSON.stringify(workload.operation);
  const running = await startSystem(system, { ...bench.places(system, workload), operation });
  try {
    const { status, text } = await running.ask(operation);
    await checkAnswer(system, workload, status, text);
    // With every answer delayed alike, the calls that do not wait for one another arrive before the first answer.
    const delays = Object.fromEntries(Object.keys(bench.urls).map((name) => [name, RECORDING_DELAY]));
    await bench.replay.ask({ command: 'prepare', stamp: workload.stamp, delays });
    await bench.replay.ask({ command: 'record' });
    await running.ask(operation, 'Bearer recording');
    const { calls } = await bench.replay.ask({ command: 'recorded' });
    const stranger = calls.find(({ authorization }) => authorization !== 'Bearer recording');
    if (stranger) throw new Error(`${system.label} did not forward authorization to ${stranger.subgraph}`);
    const waves = [];
    for (const { subgraph, body, wave } of calls) (waves[wave - 1] ??= []).push({ subgraph, body });
    return { answer: text, waves: waves.filter(Boolean) };
  } finally {
    await running.stop();
  }
}

/**
 * @param bench what all measurements share: `replay` and `clients` (helpers), `cores`, `options`, `places`
 * @returns one record, plain data; `problems` says why it must not be used
 */
export async function measure(system, workload, bench) {
  const { replay, clients, options } = bench;
  await replay.ask({ command: 'prepare', stamp: workload.stamp, delays: workload.delays });
  const operation = JSON.stringify(workload.operation);
  const nodeFlags = options.profile ? [inspectable] : [];
  const running = await startSystem(system, { ...bench.places(system, workload), operation, nodeFlags });
  try {
    const { status, text } = await running.ask(operation);
    await checkAnswer(system, workload, status, text);
    const load = async (extra) => {
      const message = {
        port: running.port,
        connections: options.connections,
        body: operation,
        expected: text,
        stamp: workload.stamp,
        get: workload.get,
        identities: workload.identities,
        seconds: options.seconds,
        ...extra,
      };
      const countBefore = await replay.ask({ command: 'count' });
      const samples = [];
      const result = await clients.ask(message, () => samples.push(sample(running.pid, bench)));
      const countAfter = await replay.ask({ command: 'count' });
      const calls = countAfter.calls - countBefore.calls;
      const unknown = countAfter.unknown - countBefore.unknown;
      const record = figures(result, ...samples, system);
      if (unknown > calls / 100) record.problems.push(`${unknown} of ${calls} calls were new to the replay`);
      return { ...record, callsPerRequest: calls / result.requestsInAll };
    };
    if (options.profile) await profile(running, load, system, workload, bench);
    const closedLoop = await load({ warmUp: options.warmUp });
    const residentMegabytes = residentBytes(processTree(running.pid)) / 1e6;
    const rate = options.latency ? Math.max(1, Math.round(closedLoop.perSecond * 0.7)) : undefined;
    const fixedRate = rate === undefined ? undefined : { rate, ...(await load({ warmUp: 1, rate })) };
    return {
      system: system.name,
      startSeconds: running.startSeconds,
      residentMegabytes,
      ...closedLoop,
      fixedRate,
    };
  } finally {
    await running.stop();
  }
}

/** A run of its own, as the sampler slows what it watches. */
async function profile(running, load, system, workload, { options, say }) {
  await load({ seconds: options.warmUp, warmUp: 0 });
  const name = `${workload.name}-${encodeURIComponent(system.name)}.cpuprofile`;
  const end = await startProfile(running.said(), `${options.results}/${name}`);
  await load({ warmUp: 0 });
  say(`results/${name}:\n${await end()}`);
}

async function checkAnswer(system, workload, status, text) {
  if (!truths.has(workload.name))
    truths.set(workload.name, JSON.parse(JSON.stringify(await truth(workload.operation))));
  if (status !== 200) throw new Error(`${system.label} answered ${status}: ${text.slice(0, 500)}`);
  const { data, errors } = JSON.parse(text);
  if (errors)
    throw new Error(`${system.label} answered with errors: ${JSON.stringify(errors).slice(0, 500)}`);
  if (!isDeepStrictEqual(data, truths.get(workload.name).data))
    throw new Error(`${system.label} answered wrongly: ${text.slice(0, 500)}`);
}

function sample(pid, { replay, clients, cores }) {
  const cpu = cpuSeconds(processTree(pid));
  const helpers = cpuSeconds([process.pid, replay.pid, clients.pid]);
  const busy = { system: busySeconds(cores.system), helpers: busySeconds(cores.helpers) };
  return { at: performance.now(), cpu, helpers, busy };
}

function figures(result, before, after, system) {
  const seconds = (after.at - before.at) / 1000;
  const spent = [...after.cpu].map(([pid, cpu]) => cpu - (before.cpu.get(pid) ?? 0));
  const cpu = sum(spent);
  const helpersShare = (sum(after.helpers.values()) - sum(before.helpers.values())) / seconds;
  const foreignShare = Math.max(0, after.busy.system - before.busy.system - cpu) / seconds;
  const otherCoreShare = (after.busy.helpers - before.busy.helpers) / seconds;
  const { wrong, requests, perSecond, p50, p90, p99, max, unanswered, reconnects } = result;

  const problems = Object.entries(wrong).map(([what, count]) => `${count} × ${what}`);
  if (reconnects > 0) problems.push(`${reconnects} connections were closed`);
  // With more than one worker the system shares the second core with the clients: only its CPU time is read then.
  if (system.workers === undefined) {
    if (helpersShare >= HELPERS_LIMIT || otherCoreShare >= HELPERS_LIMIT) {
      problems.push(`the other core was ${percent(Math.max(helpersShare, otherCoreShare))} busy`);
    }
    if (foreignShare >= FOREIGN_LIMIT)
      problems.push(`others used ${percent(foreignShare)} of the system's core`);
  }
  return {
    requests,
    perSecond,
    p50,
    p90,
    p99,
    max,
    unanswered,
    cpuMilliseconds: (cpu / requests) * 1000,
    systemShare: cpu / seconds,
    workerShares: spent.filter((one) => one > cpu / 10).map((one) => one / cpu),
    helpersShare,
    otherCoreShare,
    foreignShare,
    problems,
  };
}

const sum = (values) => [...values].reduce((total, value) => total + value, 0);
const percent = (share) => `${Math.round(share * 100)} %`;
