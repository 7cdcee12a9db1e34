import type { Command } from 'commander';
import { auditCommand } from './audit';
import { checkCommand } from './check';
import { type CreateCommand, programOf, runCommandLine } from './command-line';
import { completionCommand } from './completion';
import { composeCommand } from './compose';
import { configCommand } from './config';
import type { Context } from './context';
import { contractCommand } from './contract';
import { devCommand } from './dev';
import { diffCommand } from './diff';
import { eventsCommand } from './events';
import { explainCommand } from './explain';
import { fetchCommand } from './fetch';
import { gatewayCommand } from './gateway';
import { historyCommand } from './history';
import { initCommand } from './init';
import { packageCommand } from './package/command';
import { publishCommand } from './publish';
import { rehearseRecoveryCommand } from './rehearse-recovery';
import { reportCommand } from './report';
import { rollbackCommand } from './rollback';
import { statusCommand } from './status';
import { subgraphCommand } from './subgraph';
import { templateCommand } from './template';
import { workflowCommand } from './workflow';

/** Runs one `weir` command line: see `runCommandLine`. */
export const runCli = (args: readonly string[], context: Context): Promise<number> =>
  runCommandLine(commands, args, context);

export const createProgram = (context: Context): Command => programOf(commands, context);

const commands: readonly CreateCommand[] = [
  ...[
    initCommand,
    devCommand,
    gatewayCommand,
    subgraphCommand,
    configCommand,
    composeCommand,
    explainCommand,
    reportCommand,
  ],
  ...[
    checkCommand,
    publishCommand,
    historyCommand,
    diffCommand,
    fetchCommand,
    rollbackCommand,
    contractCommand,
    packageCommand,
    statusCommand,
    auditCommand,
    eventsCommand,
    workflowCommand,
    rehearseRecoveryCommand,
    templateCommand,
    completionCommand,
  ],
];
