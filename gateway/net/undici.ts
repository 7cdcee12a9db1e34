/**
 * What a gateway uses of undici. The whole package takes 70 ms longer to load, three quarters of it for what nobody here
 * needs, such as another `fetch`. As these files are internal, package.json names one version.
 */
import type * as Undici from 'undici';

export const Agent = require('undici/lib/dispatcher/agent') as typeof Undici.Agent;
export const Pool = require('undici/lib/dispatcher/pool') as typeof Undici.Pool;
export const buildConnector = require('undici/lib/core/connect') as typeof Undici.buildConnector;
export const { HTTPParserError } = require('undici/lib/core/errors') as typeof Undici.errors;

/** `Dispatcher.request`, which only the whole package adds to dispatchers. */
export function requestBy(
  dispatcher: Undici.Dispatcher,
  options: Undici.Dispatcher.RequestOptions,
): Promise<Undici.Dispatcher.ResponseData> {
  const request = require('undici/lib/api/api-request') as Undici.Dispatcher['request'];
  return request.call(dispatcher, options) as Promise<Undici.Dispatcher.ResponseData>;
}
