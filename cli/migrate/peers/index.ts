import type { Peer } from '../peer';
import { apolloRouter } from './apollo-router';
import { cosmo, cosmoExecution } from './cosmo';
import { grafbase } from './grafbase';
import { hiveGateway } from './hive-gateway';
import { hiveRouter } from './hive-router';

/** The gateways whose configuration can be read. */
export const peers: readonly Peer[] = [
  apolloRouter,
  hiveGateway,
  hiveRouter,
  cosmo,
  cosmoExecution,
  grafbase,
];
