/** The JSON of `/console/api/versions`, `/console/api/versions/NUMBER` and `/console/api/options`. The page imports these types. */

import type { OptionOrigin } from '../options/sources';
import type { NotedLoad } from '../telemetry/load-history';

/** `GET /console/api/versions`. */
export interface VersionsView {
  /** Where supergraphs come from, such as `the registry, shop@prod`. */
  readonly source: string;
  /** Left out where they come from no registry. */
  readonly registry?: Pick<VersionHistory, 'versions' | 'hasMore'>;
  /** Which gateway runs what: as they report to the registry, or without one those that share a store. */
  readonly gateways: readonly RunningVersion[];
  /** The last supergraphs and options that were taken into use, or not; the newest first, at most 50. */
  readonly loads: readonly ShownLoad[];
  /** Why a part is missing, in sentences. */
  readonly troubles: readonly string[];
}

/** What a registry has of a graph. */
export interface VersionHistory {
  /** The newest first, at most 50. */
  readonly versions: readonly PublishedVersion[];
  /** Whether there are older ones. */
  readonly hasMore: boolean;
  /** Those that have reported in the last 90 seconds. */
  readonly gateways: readonly RunningVersion[];
}

export interface PublishedVersion {
  readonly number: number;
  readonly kind: 'published' | 'rolled-back' | 'rejected' | 'ended';
  /** Unix milliseconds. */
  readonly at: number;
  readonly by: string;
  readonly commit?: string;
  /** Such as `changed reviews, added orders`. */
  readonly changes: string;
}

export interface RunningVersion {
  /** Of a gateway; in a registry that of a process. Left out where there is one gateway. */
  readonly name?: string;
  /** The number in the registry; left out where the registry does not have it. */
  readonly version?: number;
  /** The beginning of the supergraph's hash; left out while there is none. */
  readonly supergraph?: string;
  /** How many processes, where the registry has none of them. */
  readonly processes?: number;
  /** When the process started; without a registry, when the supergraph was live. Unix milliseconds. */
  readonly since: number;
  /** The version that it stays at. */
  readonly pinned?: number;
  /** The newest version, which it cannot run, and why. */
  readonly refused?: { readonly version: number; readonly reason: string };
}

export interface ShownLoad extends NotedLoad {
  /** In how many processes; left out for one. */
  readonly processes?: number;
  /** Left out where there is one gateway. */
  readonly gateway?: string;
}

/** `GET /console/api/versions/NUMBER`, for a version of the registry. */
export interface VersionDifference {
  /** The version that ran before; left out where there was none. */
  readonly before?: number;
  /** What clients see that they did not see before, the worst first. A rejected version changes nothing. */
  readonly changes: readonly {
    readonly severity: 'breaking' | 'dangerous' | 'safe';
    readonly message: string;
  }[];
  /** Why a rejected version does not compose, with the file and the line where that is known. */
  readonly errors: readonly string[];
}

/** `GET /console/api/options`: all options that have a value, in the order of the reference. */
export interface OptionsView {
  readonly options: readonly ShownOption[];
}

export interface ShownOption {
  /** Such as `limits.depth`. */
  readonly name: string;
  /** As it could be written; left out for secrets, and for what a file takes from elsewhere. */
  readonly value?: unknown;
  /** Left out where there is none, and where it counts. */
  readonly default?: unknown;
  /** Whether somebody has set it, to another value than the default. */
  readonly isChanged: boolean;
  /** `code`: a program has given it. */
  readonly origin: OptionOrigin | { readonly kind: 'code' };
}
