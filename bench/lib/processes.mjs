/** What the kernel counts about processes and cores (Linux: /proc). */
import { readFileSync, readdirSync } from 'node:fs';

/** The kernel counts time in hundredths of a second, on every Linux that Node runs on. */
const TICK = 0.01;

/** A process and all that descend from it. */
export function processTree(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statOf(name);
    if (fields !== undefined) parents.set(Number(name), Number(fields[1]));
  }
  const tree = [pid];
  for (const parent of tree) {
    for (const [child, itsParent] of parents) if (itsParent === parent) tree.push(child);
  }
  return tree;
}

/** Seconds of CPU time, user and system, that processes have used since they started; by process id. */
export function cpuSeconds(pids) {
  return new Map(
    pids.map((pid) => {
      const fields = statOf(pid);
      return [pid, fields === undefined ? 0 : (Number(fields[11]) + Number(fields[12])) * TICK];
    }),
  );
}

/**
 * Seconds of CPU time that the threads of processes have used, those that have ended left out. It is counted in nanoseconds:
 * for what takes too short for `cpuSeconds`.
 */
export function scheduledSeconds(pids) {
  let nanoseconds = 0;
  for (const pid of pids)
    for (const thread of readdirSync(`/proc/${pid}/task`))
      nanoseconds += Number(read(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ')[0] ?? 0);
  return nanoseconds / 1e9;
}

/** Seconds of CPU time that the main thread of a process has used since it started. */
export function threadCpuSeconds(pid) {
  const fields = statOf(`${pid}/task/${pid}`);
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

/** Resident memory in bytes, summed over processes. */
export function residentBytes(pids) {
  return pids.reduce((sum, pid) => {
    const status = read(`/proc/${pid}/status`);
    return sum + Number(/^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1] ?? 0) * 1024;
  }, 0);
}

/** Seconds that a core was busy since the machine started, whoever used it. */
export function busySeconds(core) {
  const line = read('/proc/stat')
    .split('\n')
    .find((text) => text.startsWith(`cpu${core} `));
  const [user, nice, system, , , irq, softIrq, steal] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softIrq + steal) * TICK;
}

/** The fields of /proc/PID/stat that follow the command's name (which may have spaces in it): state, ppid, … */
function statOf(pid) {
  const text = read(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
