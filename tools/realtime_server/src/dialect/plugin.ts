/** The plugin dialect: PLUGIN.md. */

import { setTimeout as delay } from 'node:timers/promises';

import type { Server, Socket } from 'socket.io';

import { AuthError, HMAC_ALGORITHMS, Refusal, verifyClaims } from '../auth';
import type { Logger } from '../logger';
import { QueryPool, seededRandom } from '../query_pool';
import type { Dialect } from './dialect';
import {
  jsonColumn,
  PluginTables,
  tenantOf,
  textColumn,
  type RoomRow,
} from './plugin_tables';

export const PLUGIN_PROTOCOL_VERSION = '1.0';
export const DEFAULT_ROOMS = ['general', 'announcements'];
/** What a server that had been running for a while was seen to take. */
export const DEFAULT_READY_DELAY_MS = 5;

const MAX_NAME_CHARACTERS = 255;
const MAX_TENANT_CHARACTERS = 128;
const MAX_STATUS_CHARACTERS = 20;
const MAX_EMOJI_CHARACTERS = 100;
/** A column of four bytes. */
const MAX_LATENCY_MS = 0x7fffffff;

export interface PluginOptions {
  /** All rooms that there are. */
  rooms: readonly string[];
  /** From the answer to CONNECT until the server listens. */
  readyDelayMs: number;
  /** Which queries take longer. */
  seed: number;
  /** Whoever has no token is let in, as nobody. */
  allowAnonymous: boolean;
}

export interface PluginContext {
  io: Server;
  logger: Logger;
  secret: string;
  plugin: PluginOptions;
  /** A frame came that the server's process does not survive. */
  onFatalFrame: (reason: string) => void;
}

interface Identity {
  userId?: string;
  sessionId?: unknown;
  tenant: string;
}

interface Answer {
  success: boolean;
  data?: object;
  error?: { code: string; message: string };
}

const ROOM_NOT_FOUND: Answer = {
  success: false,
  error: { code: 'ROOM_NOT_FOUND', message: 'Room not found' },
};

const channelOf = (roomName: unknown): string => `room:${String(roomName)}`;

export class PluginDialect implements Dialect {
  private readonly tables: PluginTables;
  private readonly database: QueryPool;
  private stopping = false;

  constructor(private readonly context: PluginContext) {
    this.tables = new PluginTables(context.plugin.rooms);
    this.database = new QueryPool(seededRandom(context.plugin.seed));
  }

  admit(socket: Socket): string {
    const { auth, headers, query } = socket.handshake;
    const { token, sourceAccountId } = auth as Record<string, unknown>;
    const tenant = tenantOf(
      sourceAccountId ?? headers['x-app-name'] ?? query['app'],
    );
    const identity: Identity = { tenant };
    const absent = token === undefined || token === null || token === '';
    if (!absent || !this.context.plugin.allowAnonymous) {
      const claims = this.claimsOf(token);
      const { userId, sessionId } = claims;
      if (typeof userId === 'string' && userId !== '') identity.userId = userId;
      identity.sessionId = sessionId;
    }
    (socket.data as { identity: Identity }).identity = identity;
    return identity.userId ?? '';
  }

  accept(socket: Socket): void {
    const { identity } = socket.data as { identity: Identity };
    const { context, tables, database } = this;
    const connection = new Connection(
      { ...context, tables, database, isStopping: () => this.stopping },
      socket,
      identity,
    );
    connection.start().catch((error: unknown) => {
      this.context.onFatalFrame(`CONNECT: ${(error as Error).message}`);
    });
  }

  /** The database goes first: nobody is told that anybody left. */
  stop(): Promise<void> {
    this.stopping = true;
    return Promise.resolve();
  }

  private claimsOf(token: unknown): Record<string, unknown> {
    try {
      return verifyClaims(token, this.context.secret, HMAC_ALGORITHMS);
    } catch (error) {
      // Only the words: its `data` is of the full dialect.
      if (error instanceof AuthError) throw new Refusal(error.message);
      throw error;
    }
  }
}

/** `payload.name`, as a program reads it that checks nothing. */
function member(payload: unknown, name: string): unknown {
  if (payload === undefined || payload === null) {
    throw new Error('there is no payload');
  }
  return (payload as Record<string, unknown>)[name];
}

function acknowledge(callback: unknown, answer: Answer): void {
  if (callback === undefined || callback === null) return;
  if (typeof callback !== 'function') {
    throw new Error('the second argument is no function');
  }
  (callback as (answer: Answer) => void)(answer);
}

interface ConnectionContext extends PluginContext {
  tables: PluginTables;
  database: QueryPool;
  isStopping: () => boolean;
}

/**
 * One client's connection. Its handlers wait for the database, each for
 * itself, so what one client sends in a row may overtake itself.
 */
class Connection {
  constructor(
    private readonly context: ConnectionContext,
    private readonly socket: Socket,
    private readonly identity: Identity,
  ) {}

  /** Rejects when the server does not survive the client's CONNECT. */
  async start(): Promise<void> {
    const { context, socket, identity } = this;
    const { userId, tenant } = identity;
    let listening = false;
    socket.onAny((event: string) => {
      if (listening) return;
      context.logger.warn('lost an event that came before connected', {
        event,
        user: userId ?? '',
      });
    });
    await delay(context.plugin.readyDelayMs);
    this.checkConnectionRow();
    if (userId !== undefined) {
      context.tables.connected(tenant, userId);
      context.io.emit('presence:changed', {
        userId,
        status: 'online',
        customStatus: null,
        customEmoji: null,
      });
    }
    this.listen();
    listening = true;
    socket.emit('connected', {
      socketId: socket.id,
      serverTime: new Date().toISOString(),
      protocolVersion: PLUGIN_PROTOCOL_VERSION,
    });
  }

  private checkConnectionRow(): void {
    const { userId, sessionId, tenant } = this.identity;
    const { device } = this.socket.handshake.auth as { device?: unknown };
    textColumn(userId, 'userId', MAX_NAME_CHARACTERS);
    textColumn(sessionId, 'sessionId', MAX_NAME_CHARACTERS);
    textColumn(tenant, 'sourceAccountId', MAX_TENANT_CHARACTERS);
    jsonColumn(device, 'device');
  }

  private listen(): void {
    const { socket, identity } = this;
    this.on('room:join', (args) =>
      this.answer(args, 'Failed to join room', (payload) => this.join(payload)),
    );
    this.on('room:leave', (args) =>
      this.answer(args, 'Failed to leave room', (payload) =>
        this.leave(payload),
      ),
    );
    this.on('message:send', (args) =>
      this.answer(args, 'Failed to send message', (payload) =>
        this.send(payload),
      ),
    );
    this.on('typing:start', ([payload]) => this.typing(payload, true));
    this.on('typing:stop', ([payload]) => this.typing(payload, false));
    if (identity.userId !== undefined) {
      this.on('presence:update', ([payload]) => this.updatePresence(payload));
    }
    this.on('ping', () => {
      socket.emit('pong', { timestamp: Date.now() });
      return this.context.database.query();
    });
    this.on('pong', ([payload]) => this.keepLatency(payload));
    this.on('disconnect', () => this.disconnected());
  }

  /** Nobody handles what a handler throws: it ends the process. */
  private on(event: string, handler: (args: unknown[]) => Promise<void>): void {
    this.socket.on(event, (...args: unknown[]) => {
      handler(args).catch((error: unknown) => {
        const who = this.identity.userId ?? 'nobody';
        const why = (error as Error).message;
        this.context.onFatalFrame(`${event} of ${who}: ${why}`);
      });
    });
  }

  private async answer(
    [payload, callback]: unknown[],
    failure: string,
    request: (payload: unknown) => Promise<Answer>,
  ): Promise<void> {
    try {
      acknowledge(callback, await request(payload));
    } catch {
      const error = { code: 'INTERNAL_ERROR', message: failure };
      acknowledge(callback, { success: false, error });
    }
  }

  private async findRoom(roomName: unknown): Promise<RoomRow | undefined> {
    await this.context.database.query();
    return this.context.tables.room(this.identity.tenant, roomName);
  }

  private async join(payload: unknown): Promise<Answer> {
    const { socket, identity, context } = this;
    const { userId } = identity;
    const roomName = member(payload, 'roomName');
    const room = await this.findRoom(roomName);
    if (room === undefined) return ROOM_NOT_FOUND;
    await socket.join(channelOf(roomName));
    await context.database.query();
    if (userId !== undefined) room.members.add(userId);
    socket.to(channelOf(roomName)).emit('user:joined', { roomName, userId });
    const memberCount = room.members.size;
    return { success: true, data: { roomName, memberCount } };
  }

  private async leave(payload: unknown): Promise<Answer> {
    const { socket, identity, context } = this;
    const { userId } = identity;
    const roomName = member(payload, 'roomName');
    const room = await this.findRoom(roomName);
    if (room === undefined) return ROOM_NOT_FOUND;
    await socket.leave(channelOf(roomName));
    await context.database.query();
    if (userId !== undefined) room.members.delete(userId);
    socket.to(channelOf(roomName)).emit('user:left', { roomName, userId });
    return { success: true };
  }

  private async send(payload: unknown): Promise<Answer> {
    const { io } = this.context;
    const roomName = member(payload, 'roomName');
    const room = await this.findRoom(roomName);
    if (room === undefined) return ROOM_NOT_FOUND;
    io.to(channelOf(roomName)).emit('message:new', {
      roomName,
      userId: this.identity.userId,
      content: member(payload, 'content'),
      threadId: member(payload, 'threadId'),
      timestamp: new Date().toISOString(),
      metadata: member(payload, 'metadata'),
    });
    return { success: true };
  }

  private async typing(payload: unknown, starts: boolean): Promise<void> {
    const { context, socket, identity } = this;
    const { tables, database } = context;
    const { userId } = identity;
    const roomName = member(payload, 'roomName');
    const threadId = member(payload, 'threadId');
    if (userId === undefined) return;
    const room = await this.findRoom(roomName);
    if (room === undefined) return;
    await database.query();
    const thread = textColumn(threadId, 'threadId', MAX_NAME_CHARACTERS);
    if (starts) tables.startTyping(room, userId, thread);
    else tables.stopTyping(room, userId, thread);
    await database.query();
    const users = tables.typingUsers(room, thread);
    const event = { roomName, threadId, users };
    socket.to(channelOf(roomName)).emit('typing:event', event);
  }

  private async updatePresence(payload: unknown): Promise<void> {
    const status = member(payload, 'status');
    const custom = (member(payload, 'customStatus') ?? {}) as Record<
      string,
      unknown
    >;
    const { text, emoji, expiresAt } = custom;
    if (Boolean(expiresAt) && isNaN(Date.parse(String(expiresAt)))) {
      throw new Error('expiresAt is no time');
    }
    textColumn(status, 'status', MAX_STATUS_CHARACTERS);
    textColumn(text, 'customStatus.text');
    textColumn(emoji, 'customStatus.emoji', MAX_EMOJI_CHARACTERS);
    await this.context.database.query();
    this.context.io.emit('presence:changed', {
      userId: this.identity.userId,
      status,
      customStatus: text ?? null,
      customEmoji: emoji ?? null,
    });
  }

  private async keepLatency(payload: unknown): Promise<void> {
    const latency = Date.now() - Number(member(payload, 'timestamp'));
    if (!Number.isInteger(latency) || Math.abs(latency) > MAX_LATENCY_MS) {
      throw new Error('timestamp makes no latency of 32 bits');
    }
    await this.context.database.query();
  }

  private async disconnected(): Promise<void> {
    const { context, identity } = this;
    const { userId, tenant } = identity;
    if (userId === undefined || context.isStopping()) return;
    await context.database.query();
    if (!context.tables.disconnected(tenant, userId)) return;
    context.io.emit('presence:changed', { userId, status: 'offline' });
  }
}
