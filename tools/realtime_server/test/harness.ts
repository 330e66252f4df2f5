/** Servers and folders for tests. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DEVELOPMENT_SECRET, signToken } from '../src/auth';
import { ALL_CAPABILITIES } from '../src/capabilities';
import { DEFAULT_READY_DELAY_MS, DEFAULT_ROOMS } from '../src/dialect/plugin';
import * as limits from '../src/limits';
import { Logger } from '../src/logger';
import {
  startServer,
  type RunningServer,
  type ServerOptions,
} from '../src/server';
import { Peer } from './peer';

/** The folder of the server: vectors, PROTOCOL.md, run. */
export const SERVER_DIR =
  process.env['REALTIME_SERVER_DIR'] ?? join(__dirname, '..', '..');

export function tokenFor(user: string): string {
  return signToken(user, DEVELOPMENT_SECRET);
}

export function start(
  options: Partial<ServerOptions> = {},
): Promise<RunningServer> {
  return startServer({
    host: '127.0.0.1',
    port: 0,
    secret: DEVELOPMENT_SECRET,
    dialect: 'full',
    capabilities: new Set(ALL_CAPABILITIES),
    orderedWindow: limits.DEFAULT_ORDERED_WINDOW,
    pingIntervalMs: limits.DEFAULT_PING_INTERVAL_MS,
    pingTimeoutMs: limits.DEFAULT_PING_TIMEOUT_MS,
    maxPayloadBytes: limits.DEFAULT_MAX_PAYLOAD_BYTES,
    maxRoomsPerUser: limits.DEFAULT_MAX_ROOMS_PER_USER,
    failRoom: [],
    failSync: [],
    commitDelayMs: 0,
    plugin: {
      rooms: DEFAULT_ROOMS,
      readyDelayMs: DEFAULT_READY_DELAY_MS,
      seed: 1,
      allowAnonymous: false,
    },
    logger: new Logger('warn'),
    onFatal: (error) => {
      throw error;
    },
    onFatalFrame: (reason) => {
      throw new Error(reason);
    },
    ...options,
  });
}

/** Runs `body` with a folder that is gone afterwards. */
export async function withFolder<T>(
  body: (dir: string) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'realtime_server.'));
  try {
    return await body(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** Connects a user; whoever connects is disconnected in the end. */
export type Connect = (user: string) => Promise<Peer>;

/** Runs `body` against a server that is gone afterwards, as its clients are. */
export async function withServer<T>(
  options: Partial<ServerOptions>,
  body: (connect: Connect, url: string) => Promise<T>,
): Promise<T> {
  const server = await start(options);
  const peers: Peer[] = [];
  try {
    return await body(async (user) => {
      const peer = await Peer.open(server.url, tokenFor(user));
      peers.push(peer);
      return peer;
    }, server.url);
  } finally {
    for (const peer of peers) peer.close();
    await server.stop();
  }
}
