import type {
  Caller,
  EntityList,
  SubgraphOperation,
  SubgraphRequest,
} from '../../gateway/subgraph-calls/contract/transport';
import { callerOf } from './caller';

export function operationOf(document: string, more: Partial<SubgraphOperation> = {}): SubgraphOperation {
  return {
    subgraph: 'reviews',
    kind: 'query',
    document,
    name: undefined,
    bodyPrefix: Buffer.from(`{"query":${JSON.stringify(document)},"variables":`),
    ...more,
  };
}

export const requestOf = (
  document: string,
  variables: object = {},
  caller: Caller = callerOf(),
): SubgraphRequest => ({
  operation: operationOf(document),
  variables: Buffer.from(JSON.stringify(variables)),
  caller,
});

export interface EntitiesAsked {
  readonly representations: readonly object[];
  /** Of each entity. */
  readonly selection?: string;
  readonly variables?: object;
  /** Which client operation it comes from. */
  readonly name?: string;
  readonly caller?: Caller;
}

/** A request for entities, as the engine makes it. */
export function entitiesRequestOf({
  representations,
  selection = '__typename',
  variables = {},
  name = 'Q',
  caller = callerOf(),
}: EntitiesAsked): SubgraphRequest {
  const nameless = `query($representations:[_Any!]!){_entities(representations:$representations){${selection}}}`;
  const given = JSON.stringify(variables).slice(1, -1);
  const pieces = representations.map((each) => Buffer.from(JSON.stringify(each)));
  const json = `{"representations":[${pieces.join(',')}]${given === '' ? '' : `,${given}`}}`;
  const list: EntityList = {
    responseKey: '_entities',
    variable: 'representations',
    selection: nameless,
    arguments: Buffer.from(given),
    count: pieces.length,
    representations: pieces,
  };
  return {
    operation: operationOf(nameless.replace('query', `query ${name}`), { name }),
    variables: Buffer.from(json),
    caller,
    entities: [list],
  };
}
