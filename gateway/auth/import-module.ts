/** Imports the module of a URL. */
export type ImportModule = (url: string) => Promise<unknown>;

/** A file of its own, as bundles leave it apart: what V8 has compiled before cannot import on Node 20. */
export const importModule: ImportModule = (url) => import(url);
