import { freePorts } from '../../cli/dev/ports';

/** A port at which nobody listens. No process gets it by chance: the system gives others. */
export const freePort = async (): Promise<number> => (await freePorts(1))[0]!;
