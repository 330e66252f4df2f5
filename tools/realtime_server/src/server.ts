/** The server: HTTP, Socket.IO, who is let in. What is spoken is a dialect. */

import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Server } from 'socket.io';

import { AuthError, verifyToken } from './auth';
import type { Capabilities } from './capabilities';
import { Chat } from './chat';
import type { Dialect, DialectContext } from './dialect/dialect';
import { FullDialect } from './dialect/full';
import { UsageError } from './errors';
import { Faults } from './faults';
import * as limits from './limits';
import type { Logger } from './logger';

const DIALECTS = {
  full: FullDialect,
} as const satisfies Record<string, new (context: DialectContext) => Dialect>;

export type DialectName = keyof typeof DIALECTS;
export const DIALECT_NAMES = Object.keys(DIALECTS) as DialectName[];

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
  /** How much longer than it takes a commit is made to take. */
  commitDelayMs: number;
  logger: Logger;
  /** The log could not be written: nothing is answered any more. */
  onFatal: (error: unknown) => void;
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
  const { logger, dataDir } = options;
  const faults = new Faults(options.failRoom);
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
  const http = createServer((_request, response) => {
    response.writeHead(404, { 'content-type': 'text/plain' });
    response.end('only Socket.IO is served, at /socket.io/\n');
  });
  const io = new Server(http, {
    serveClient: false,
    pingInterval: options.pingIntervalMs,
    pingTimeout: options.pingTimeoutMs,
    maxHttpBufferSize: options.maxPayloadBytes,
  });
  const dialect = new DIALECTS[options.dialect]({
    io,
    chat,
    faults,
    ...options,
  });
  letIn(io, options, dialect);
  await listen(http, options);
  const { address, family, port } = http.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `http://${host}:${port}`,
    stop: async () => {
      // The log first: what it holds back is answered while it closes.
      await chat.close();
      await io.close();
    },
  };
}

function letIn(io: Server, options: ServerOptions, dialect: Dialect): void {
  const { logger, secret } = options;
  io.use((socket, next) => {
    try {
      const { token } = socket.handshake.auth as { token?: unknown };
      const data = socket.data as { userId?: string };
      data.userId = verifyToken(token, secret);
      next();
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      logger.info('refused', { code: error.data.code });
      next(error);
    }
  });
  io.on('connection', (socket) => {
    const { userId } = socket.data as { userId: string };
    logger.info('connected', { user: userId, socket: socket.id });
    socket.on('disconnect', (reason) => {
      logger.info('disconnected', { user: userId, socket: socket.id, reason });
    });
    dialect.accept(socket, userId);
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
