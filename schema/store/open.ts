import { resolve } from 'node:path';
import { type ConnectionAgents, dynamodbStore } from './dynamodb';
import { filesStore } from './files';
import { type RegistryStore, StoreError } from './store';

/**
 * Opens the store at a location: `dynamodb://TABLE?region=eu-west-1`, with `&endpoint=http://127.0.0.1:8000` for a
 * DynamoDB that is not Amazon's, or a folder.
 *
 * @param agents for connections to AWS
 * @throws {StoreError} if the location is not valid
 */
export async function openRegistryStore(location: string, agents?: ConnectionAgents): Promise<RegistryStore> {
  if (!location.includes('://')) return filesStore(resolve(location));
  const url = URL.canParse(location) ? new URL(location) : undefined;
  if (url?.protocol !== 'dynamodb:' || url.hostname === '') {
    throw new StoreError(`A registry must be a folder or dynamodb://TABLE, but got: ${location}`);
  }
  const { region, endpoint, ...others } = Object.fromEntries(url.searchParams);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new StoreError(
      `A registry may have \`region\` and \`endpoint\`, but got \`${unknown}\`: ${location}`,
    );
  }
  return dynamodbStore({ table: url.hostname, region, endpoint, agents });
}
