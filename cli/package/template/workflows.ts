import type { DeclaredWorkflow } from '../../../kit/declaration';
import { ageAlarm, policy, trust } from './function';
import { allow, awsPermissions, codePermissions } from './permissions';
import { plainQueues, queueEvent, type TemplatePart } from './queues';
import { arnOf, idOf, ref, sub, type Resource } from './template';

const queueId = 'Tasks';
const roleId = 'WorkflowsRole';

/** The state machines of a subgraph, their role, and the queue of their tasks. */
export function workflowsPart(
  workflows: readonly DeclaredWorkflow[],
  { subgraph, timeout }: { readonly subgraph: string; readonly timeout: number },
): TemplatePart {
  const machineId = ({ name }: DeclaredWorkflow): string => `${idOf(name)}Workflow`;
  const states = (rest: string) =>
    sub(`arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:${rest}`);
  return {
    resources: {
      ...plainQueues({ id: queueId, name: `${subgraph}-tasks` }, timeout),
      [`${queueId}Alarm`]: ageAlarm(queueId),
      [roleId]: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: trust('states.amazonaws.com'),
          Policies: [
            policy('IssuedByAws', [allow({ sid: queueId, on: arnOf(queueId) }, awsPermissions.taskSender)]),
          ],
        },
      },
      ...Object.fromEntries(
        workflows.map((workflow): [string, Resource] => [
          machineId(workflow),
          {
            Type: 'AWS::Serverless::StateMachine',
            Properties: {
              ...{ Name: `${subgraph}-${workflow.name}`, Type: 'STANDARD', Role: arnOf(roleId) },
              Definition: JSON.parse(workflow.definition) as unknown,
              DefinitionSubstitutions: { TaskQueueUrl: ref(queueId) },
            },
          },
        ]),
      ),
    },
    statements: [
      allow(
        { sid: 'Workflows', on: workflows.map((each) => ref(machineId(each))) },
        codePermissions.stateMachine,
      ),
      allow(
        { sid: 'Executions', on: workflows.map(({ name }) => states(`execution:${subgraph}-${name}:*`)) },
        codePermissions.execution,
      ),
      // IAM knows no resource for them: a task is named by its token.
      allow({ sid: queueId, on: '*' }, codePermissions.task),
    ],
    issuedByAws: [allow({ sid: queueId, on: arnOf(queueId) }, awsPermissions.poller)],
    events: { [queueId]: queueEvent(queueId) },
    environment: {
      WEIR_STATE_MACHINES: states(`stateMachine:${subgraph}-`),
      WEIR_TASK_QUEUE: ref(queueId),
    },
    alarms: [`${queueId}Alarm`],
  };
}
