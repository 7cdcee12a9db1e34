import type { Command } from 'commander';
import { auditCommand } from './commands/audit';
import { checkCommand } from './commands/check';
import { type CreateCommand, programOf, runCommandLine } from './command-line';
import { completionCommand } from './commands/completion';
import { composeCommand } from './commands/compose';
import { configCommand } from './commands/config';
import type { Context } from './context';
import { contractCommand } from './commands/contract';
import { devCommand } from './commands/dev';
import { diffCommand } from './commands/diff';
import { eventsCommand } from './commands/events';
import { explainCommand } from './commands/explain';
import { fetchCommand } from './commands/fetch';
import { gatewayCommand } from './commands/gateway';
import { historyCommand } from './commands/history';
import { initCommand } from './commands/init';
import { mcpCommand } from './commands/mcp';
import { migrateCommand } from './commands/migrate';
import { packageCommand } from './commands/package';
import { publishCommand } from './commands/publish';
import { rehearseRecoveryCommand } from './commands/rehearse-recovery';
import { replayCommand } from './commands/replay';
import { reportCommand } from './commands/report';
import { rollbackCommand } from './commands/rollback';
import { sourceCommand } from './commands/source';
import { statusCommand } from './commands/status';
import { subgraphCommand } from './commands/subgraph';
import { templateCommand } from './commands/template';
import { workflowCommand } from './commands/workflow';

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
    migrateCommand,
    composeCommand,
    sourceCommand,
    explainCommand,
    reportCommand,
    replayCommand,
    mcpCommand,
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
