import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What `weir dev` announces to the commands that are run beside it, in the same folder. */
export interface RunningGraph {
  /** The process id of `weir dev`. */
  readonly process: number;
  /** The URL of each subgraph's GraphQL endpoint, by name. */
  readonly subgraphs: Readonly<Record<string, string>>;
  /** The variables with the keys of its private link, if it has made or been given some. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The admin port of its gateway, and what it wants as a bearer token; undefined if it has none. */
  readonly admin?: { readonly url: string; readonly token: string } | undefined;
  /** The file of the gateway's options, absolute. */
  readonly options?: string | undefined;
}

/** In the working folder. Only its owner may read it, as it has the keys. */
export const runningGraphFile = '.weir/dev.json';

/** The file of a graph that runs. */
export interface AnnouncedGraph {
  /** Writes the file again, with other subgraphs. Says why where it cannot be written. */
  replace(subgraphs: RunningGraph['subgraphs']): string | undefined;
  /** Removes the file. */
  stop(): Promise<void>;
}

/** Writes the file, until it is stopped; or says why it cannot be written. */
export function announceGraph(
  graph: Omit<RunningGraph, 'process'>,
): AnnouncedGraph | { readonly problem: string } {
  const { pid } = process;
  const draft = `${runningGraphFile}.${pid}.draft`;
  let isStopped = false;

  function write(content: Omit<RunningGraph, 'process'>): string | undefined {
    try {
      mkdirSync(dirname(runningGraphFile), { recursive: true });
      rmSync(draft, { force: true });
      // `wx`: never through a link that somebody else has put there.
      writeFileSync(draft, JSON.stringify({ process: pid, ...content }), { mode: 0o600, flag: 'wx' });
      renameSync(draft, runningGraphFile);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  const problem = write(graph);
  if (problem !== undefined) return { problem };
  return {
    replace(subgraphs) {
      // Another `weir dev` in the folder may have written its own since.
      const isOwn = !isStopped && (readRunningGraph()?.process ?? pid) === pid;
      return isOwn ? write({ ...graph, subgraphs }) : undefined;
    },
    stop() {
      isStopped = true;
      // Another `weir dev` in the folder may have written its own.
      if (readRunningGraph()?.process === pid) rmSync(runningGraphFile, { force: true });
      try {
        rmdirSync(dirname(runningGraphFile));
      } catch {
        // The folder has something else.
      }
      return Promise.resolve();
    },
  };
}

/** The graph that `weir dev` runs in this folder; `undefined` if none does. */
export function readRunningGraph(): RunningGraph | undefined {
  try {
    const graph = JSON.parse(readFileSync(runningGraphFile, 'utf8')) as RunningGraph;
    return isAlive(graph.process) ? graph : undefined;
  } catch {
    return undefined;
  }
}

/** A process that was killed leaves its file. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
