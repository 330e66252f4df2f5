/** The server: HTTP, Socket.IO, who is let in. What is spoken is a dialect. */

import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Server } from 'socket.io';

import { Refusal } from './auth';
import type { Capabilities } from './capabilities';
import { Chat } from './chat';
import type { Dialect } from './dialect/dialect';
import { FullDialect } from './dialect/full';
import { PluginDialect, type PluginOptions } from './dialect/plugin';
import { UsageError } from './errors';
import { Faults } from './faults';
import { FrameRecorder } from './frame_recorder';
import * as limits from './limits';
import type { Logger } from './logger';

export const DIALECT_NAMES = ['full', 'plugin'] as const;
export type DialectName = (typeof DIALECT_NAMES)[number];

type OpenDialect = (io: Server, options: ServerOptions) => Promise<Dialect>;

const DIALECTS: Record<DialectName, OpenDialect> = {
  full: openFull,
  plugin: (io, options) =>
    Promise.resolve(new PluginDialect({ io, ...options })),
};

export interface ServerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  dataDir?: string;
  secret: string;
  dialect: DialectName;
  capabilities: Capabilities;
  orderedWindow: number;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  maxPayloadBytes: number;
  maxRoomsPerUser: number;
  failRoom: readonly string[];
  failSync: readonly string[];
  /** How much longer than it takes a commit is made to take. */
  commitDelayMs: number;
  plugin: PluginOptions;
  /** The file for every frame of every connection. */
  recordFrames?: string;
  logger: Logger;
  /** The log could not be written: nothing is answered any more. */
  onFatal: (error: unknown) => void;
  /** A client sent what a server of the plugin dialect dies of. */
  onFatalFrame: (reason: string) => void;
}

export interface RunningServer {
  /** `http://HOST:PORT` */
  readonly url: string;
  /** Answers what was accepted, then closes every connection. */
  stop(): Promise<void>;
}

/** @throws UsageError for what the caller can mend */
export async function startServer(
  options: ServerOptions,
): Promise<RunningServer> {
  const http = createServer((_request, response) => {
    // Whoever speaks the plugin dialect leaves every other request hanging.
    if (options.dialect === 'plugin') return;
    response.writeHead(404, { 'content-type': 'text/plain' });
    response.end('only Socket.IO is served, at /socket.io/\n');
  });
  const io = new Server(http, {
    serveClient: false,
    pingInterval: options.pingIntervalMs,
    pingTimeout: options.pingTimeoutMs,
    maxHttpBufferSize: options.maxPayloadBytes,
  });
  const dialect = await DIALECTS[options.dialect](io, options);
  if (options.recordFrames !== undefined) {
    FrameRecorder.open(options.recordFrames).attach(io);
  }
  letIn(io, options, dialect);
  await listen(http, options);
  const { address, family, port } = http.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `http://${host}:${port}`,
    stop: async () => {
      // The dialect first: what is due is answered while it stops.
      await dialect.stop();
      const closed = io.close();
      http.closeAllConnections();
      await closed;
    },
  };
}

async function openFull(io: Server, options: ServerOptions): Promise<Dialect> {
  const { logger, dataDir } = options;
  const faults = new Faults('--fail-room', options.failRoom);
  const syncFaults = new Faults('--fail-sync', options.failSync);
  const { chat, droppedBytes } = await Chat.open({
    ...(dataDir === undefined ? {} : { dataDir }),
    capabilities: options.capabilities,
    maxRoomsPerUser: options.maxRoomsPerUser,
    maxMembersPerRoom: limits.DEFAULT_MAX_MEMBERS_PER_ROOM,
    commitDelayMs: options.commitDelayMs,
    onLogFailure: options.onFatal,
  });
  if (droppedBytes > 0) {
    logger.warn('dropped the unfinished last record of the log', {
      bytes: droppedBytes,
    });
  }
  return new FullDialect({ io, chat, faults, syncFaults, ...options });
}

function letIn(io: Server, { logger }: ServerOptions, dialect: Dialect): void {
  io.use((socket, next) => {
    try {
      const data = socket.data as { loggedAs?: string };
      data.loggedAs = dialect.admit(socket);
      next();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      logger.info('refused', { why: error.message });
      next(error);
    }
  });
  io.on('connection', (socket) => {
    const { loggedAs: user } = socket.data as { loggedAs: string };
    logger.info('connected', { user, socket: socket.id });
    socket.on('disconnect', (reason) => {
      logger.info('disconnected', { user, socket: socket.id, reason });
    });
    dialect.accept(socket);
  });
}

function listen(
  http: HttpServer,
  { host, port }: ServerOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (error) => {
      reject(
        new UsageError(`cannot listen on ${host}:${port}: ${error.message}`),
      );
    });
    http.listen(port, host, resolve);
  });
}
