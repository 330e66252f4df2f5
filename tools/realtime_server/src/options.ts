/** The command line. */

import { parseArgs, type ParseArgsConfig } from 'node:util';

import { secretFromEnvironment } from './auth';
import { ALL_CAPABILITIES, parseCapabilities } from './capabilities';
import { DEFAULT_READY_DELAY_MS, DEFAULT_ROOMS } from './dialect/plugin';
import { UsageError } from './errors';
import * as limits from './limits';
import { LOG_LEVELS, Logger } from './logger';
import { DIALECT_NAMES, type ServerOptions } from './server';

export const USAGE = `\
usage: run --port N [--data DIR] [option...]     serve until SIGTERM
       run token --user NAME [--sub-only]        print a token for a user;
                                                 named by \`sub\` alone
       run history --url URL --user NAME --room R
                                                 print a room's messages,
                                                 one JSON object a line

  --port N              TCP port; 0 takes a free one
  --data DIR            keep everything in DIR (default: in memory); the
                        plugin dialect keeps nothing
  --host ADDRESS        address to bind (default 127.0.0.1)
  --dialect NAME        ${DIALECT_NAMES.join(' | ')} (default full)
  --log-level LEVEL     ${LOG_LEVELS.join(' | ')} (default warn)
  --ping-interval MS    Engine.IO heartbeat (default ${limits.DEFAULT_PING_INTERVAL_MS})
  --ping-timeout MS     (default ${limits.DEFAULT_PING_TIMEOUT_MS}, plugin ${limits.DEFAULT_PLUGIN_PING_TIMEOUT_MS})
  --max-payload BYTES   largest frame (default ${limits.DEFAULT_MAX_PAYLOAD_BYTES})
  --ordered-window N    unanswered sends in a room (default ${limits.DEFAULT_ORDERED_WINDOW})
  --max-rooms-per-user N  (default ${limits.DEFAULT_MAX_ROOMS_PER_USER})

plugin dialect:
  --room NAME           a room besides ${DEFAULT_ROOMS.join(' and ')}; may be
                        repeated
  --ready-delay MS      from the connect until events are heard
                        (default ${DEFAULT_READY_DELAY_MS})
  --seed N              which queries of its database take longer (default 1)
  --allow-anonymous     let in who has no token

for tests:
  --record-frames FILE  append every frame to FILE, one JSON object a line
  --capabilities A,B    offer only these of
                        ${ALL_CAPABILITIES.join(',\n                        ')}
  --fail-room ROOM=CODE[:COUNT]
                        answer sends into ROOM, and changes there, with the
                        error CODE, the first COUNT of them or all; LOST_ACK
                        carries them out and drops the connection; may be
                        repeated
  --fail-sync ROOM=CODE[:COUNT]
                        likewise, the reading of the history of ROOM
  --commit-delay MS     a slow disk: commits take this much longer

PARLEY_JWT_SECRET replaces the development secret that signs and checks tokens.
`;

export type ServeOptions = Omit<ServerOptions, 'onFatal' | 'onFatalFrame'>;

export type Command =
  | { command: 'serve'; options: ServeOptions }
  | { command: 'token'; user: string; subOnly: boolean; secret: string }
  | {
      command: 'history';
      url: string;
      user: string;
      room: string;
      secret: string;
    }
  | { command: 'help' };

type Values = Record<
  string,
  string | boolean | (string | boolean)[] | undefined
>;

function parse(
  args: string[],
  options: NonNullable<ParseArgsConfig['options']>,
): Values {
  try {
    const { values } = parseArgs({ args, options, strict: true });
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function required(values: Values, name: string): string {
  const value = values[name];
  if (typeof value !== 'string' || value === '') {
    throw new UsageError(`--${name} is needed`);
  }
  return value;
}

function text(values: Values, name: string, fallback: string): string {
  return values[name] === undefined ? fallback : required(values, name);
}

function whole(
  values: Values,
  name: string,
  fallback: number,
  min: number,
  max = 0x7fffffff,
): number {
  const value = values[name];
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!/^\d+$/.test(String(value)) || number < min || number > max) {
    throw new UsageError(`--${name} must be a whole number, ${min} to ${max}`);
  }
  return number;
}

function oneOf<T extends string>(
  values: Values,
  name: string,
  allowed: readonly T[],
  fallback: T,
): T {
  const value = values[name];
  if (value === undefined) return fallback;
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) {
    throw new UsageError(`--${name} must be one of ${allowed.join(', ')}`);
  }
  return found;
}

const SERVE_FLAGS = {
  port: { type: 'string' },
  data: { type: 'string' },
  host: { type: 'string' },
  dialect: { type: 'string' },
  'log-level': { type: 'string' },
  'ping-interval': { type: 'string' },
  'ping-timeout': { type: 'string' },
  'max-payload': { type: 'string' },
  'ordered-window': { type: 'string' },
  'max-rooms-per-user': { type: 'string' },
  capabilities: { type: 'string' },
  'fail-room': { type: 'string', multiple: true },
  'fail-sync': { type: 'string', multiple: true },
  'commit-delay': { type: 'string' },
  room: { type: 'string', multiple: true },
  'ready-delay': { type: 'string' },
  seed: { type: 'string' },
  'allow-anonymous': { type: 'boolean' },
  'record-frames': { type: 'string' },
} as const;

function pluginOptions(values: Values): ServeOptions['plugin'] {
  return {
    rooms: [...DEFAULT_ROOMS, ...((values['room'] ?? []) as string[])],
    readyDelayMs: whole(values, 'ready-delay', DEFAULT_READY_DELAY_MS, 0),
    seed: whole(values, 'seed', 1, 0),
    allowAnonymous: values['allow-anonymous'] === true,
  };
}

function serveCommand(args: string[], env: NodeJS.ProcessEnv): Command {
  const values = parse(args, SERVE_FLAGS);
  required(values, 'port');
  const number = whole.bind(undefined, values);
  const capabilities = values['capabilities'];
  const data = values['data'];
  const dialect = oneOf(values, 'dialect', DIALECT_NAMES, 'full');
  return {
    command: 'serve',
    options: {
      host: text(values, 'host', '127.0.0.1'),
      port: number('port', 0, 0, 65535),
      ...(data === undefined ? {} : { dataDir: required(values, 'data') }),
      secret: secretFromEnvironment(env),
      dialect,
      capabilities:
        typeof capabilities === 'string'
          ? parseCapabilities(capabilities)
          : new Set(ALL_CAPABILITIES),
      orderedWindow: number('ordered-window', limits.DEFAULT_ORDERED_WINDOW, 1),
      pingIntervalMs: number(
        'ping-interval',
        limits.DEFAULT_PING_INTERVAL_MS,
        1,
      ),
      pingTimeoutMs: number(
        'ping-timeout',
        dialect === 'plugin'
          ? limits.DEFAULT_PLUGIN_PING_TIMEOUT_MS
          : limits.DEFAULT_PING_TIMEOUT_MS,
        1,
      ),
      maxPayloadBytes: number(
        'max-payload',
        limits.DEFAULT_MAX_PAYLOAD_BYTES,
        1,
      ),
      maxRoomsPerUser: number(
        'max-rooms-per-user',
        limits.DEFAULT_MAX_ROOMS_PER_USER,
        1,
      ),
      failRoom: (values['fail-room'] ?? []) as string[],
      failSync: (values['fail-sync'] ?? []) as string[],
      commitDelayMs: number('commit-delay', 0, 0),
      plugin: pluginOptions(values),
      ...(values['record-frames'] === undefined
        ? {}
        : { recordFrames: required(values, 'record-frames') }),
      logger: new Logger(oneOf(values, 'log-level', LOG_LEVELS, 'warn')),
    },
  };
}

/** @throws UsageError */
export function parseCommand(args: string[], env: NodeJS.ProcessEnv): Command {
  if (args.includes('--help') || args.includes('-h'))
    return { command: 'help' };
  const secret = secretFromEnvironment(env);
  const [first, ...rest] = args;
  switch (first) {
    case 'token': {
      const values = parse(rest, {
        user: { type: 'string' },
        'sub-only': { type: 'boolean' },
      });
      return {
        command: 'token',
        user: required(values, 'user'),
        subOnly: values['sub-only'] === true,
        secret,
      };
    }
    case 'history': {
      const values = parse(rest, {
        url: { type: 'string' },
        user: { type: 'string' },
        room: { type: 'string' },
      });
      return {
        command: 'history',
        url: required(values, 'url'),
        user: required(values, 'user'),
        room: required(values, 'room'),
        secret,
      };
    }
    default:
      return serveCommand(args, env);
  }
}
