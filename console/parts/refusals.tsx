import type { JSX } from 'preact';
import type { RefusalGroup, RefusalReasons } from '../../gateway/console/api';
import { linkTo } from '../link-to';
import { Card } from './card';
import { moment } from './format';
import { Marked } from './marked';

/** Why clients are refused: a line for each client and reason, the most frequent first. */
export function RefusedRequests({ refusals }: { readonly refusals: RefusalReasons }): JSX.Element {
  const { groups, since } = refusals;
  if (groups.length === 0 || since === null) return <></>;
  return (
    <Card
      title="Why requests are refused"
      aside={<span class="muted">since {moment(since)}</span>}
      help={['By client and reason; the number opens the newest of them.', 'why-requests-are-refused']}
    >
      <ul class="refusals">
        {groups.slice(0, mostShown).map((group) => (
          <li key={`${group.client?.name} ${group.client?.version} ${group.code} ${group.message}`}>
            <Group group={group} />
          </li>
        ))}
      </ul>
      {groups.length > mostShown && <p class="note muted">{groups.length - mostShown} more reasons.</p>}
    </Card>
  );
}

const mostShown = 8;

function Group({ group }: { readonly group: RefusalGroup }): JSX.Element {
  const { count, client, message, coordinate, removedIn, operations, example } = group;
  return (
    <>
      <a href={linkTo(['requests', example])} title="Open the newest of them">
        {count} ×
      </a>{' '}
      <strong>{client === undefined ? 'clients without a name' : `${client.name} ${client.version}`}</strong>
      {removedIn === undefined ? (
        <>
          : <Marked text={message} />
        </>
      ) : (
        <>
          {client === undefined ? ' request ' : ' requests '}
          <code>{coordinate}</code>, removed in version {removedIn}
        </>
      )}
      {operations.length > 0 && <span class="muted"> · {operations.join(', ')}</span>}
    </>
  );
}
