import { createRequire } from 'node:module';

const { resolve } = createRequire(__filename);

/** Whether Node finds a package from here. In a bundle without packages, which finds none, all that it needs is part of it. */
export const isInstalled = (name: string): boolean => isFound(name) || !isFound('graphql');

function isFound(name: string): boolean {
  try {
    resolve(name);
    return true;
  } catch {
    return false;
  }
}
