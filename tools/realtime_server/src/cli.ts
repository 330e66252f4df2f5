/**
 * What `run` runs. Exit codes: 0 done, 1 failed, 2 wrong arguments, 70 a client
 * sent a frame that a server of the plugin dialect dies of.
 */

import { signClaims, signToken, TOKEN_LIFETIME_S } from './auth';
import { UsageError } from './errors';
import { readHistory } from './history';
import {
  parseCommand,
  USAGE,
  type Command,
  type ServeOptions,
} from './options';
import { startServer } from './server';

/** What is stuck by then is dropped: a stop is a stop. */
const STOP_TIMEOUT_MS = 5000;

const FATAL_FRAME_EXIT_CODE = 70;

async function serve(options: ServeOptions): Promise<void> {
  const server = await startServer({
    ...options,
    onFatal: (error) => {
      process.stderr.write(`run: cannot write the log: ${String(error)}\n`);
      process.exit(1);
    },
    onFatalFrame: (reason) => {
      process.stderr.write(`fatal: ${reason}\n`);
      process.exit(FATAL_FRAME_EXIT_CODE);
    },
  });
  const stop = (): void => {
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
    void server.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write(`listening ${server.url}\n`);
}

function makeToken({
  user,
  subOnly,
  secret,
}: Extract<Command, { command: 'token' }>): string {
  if (!subOnly) return signToken(user, secret);
  const exp = Math.floor(Date.now() / 1000) + TOKEN_LIFETIME_S;
  return signClaims({ sub: user, exp }, secret);
}

async function execute(command: Command): Promise<void> {
  switch (command.command) {
    case 'help':
      process.stdout.write(USAGE);
      return;
    case 'token':
      process.stdout.write(`${makeToken(command)}\n`);
      return;
    case 'history': {
      const token = signToken(command.user, command.secret);
      await readHistory(command.url, token, command.room, (message) => {
        process.stdout.write(`${JSON.stringify(message)}\n`);
      });
      return;
    }
    case 'serve':
      await serve(command.options);
  }
}

function fail(error: unknown, code: number): void {
  const text =
    error instanceof UsageError
      ? error.message
      : String((error as Error).stack);
  process.stderr.write(`run: ${text}\n`);
  process.exitCode = code;
}

function main(): void {
  // Whoever read our output may be gone: `history` then has nothing left to
  // do, and a server goes on without its log lines.
  process.stdout.on('error', () => process.exit(0));
  process.stderr.on('error', () => undefined);
  let command: Command;
  try {
    command = parseCommand(process.argv.slice(2), process.env);
  } catch (error) {
    fail(error, 2);
    return;
  }
  execute(command).catch((error: unknown) => {
    fail(error, 1);
  });
}

main();
