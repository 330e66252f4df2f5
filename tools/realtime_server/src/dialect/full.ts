/** The full dialect: PROTOCOL.md. */

import { randomUUID } from 'node:crypto';

import type { Server, Socket } from 'socket.io';

import { AuthError, readExpiry, verifyToken } from '../auth';
import type { Capabilities } from '../capabilities';
import type { Chat } from '../chat';
import { ProtocolError, type ErrorBody } from '../errors';
import type { Faults } from '../faults';
import * as limits from '../limits';
import type { Logger } from '../logger';
import { readSend, type SendRequest } from '../messages';
import { SendChains } from '../ordering';
import {
  type JsonObject,
  asCount,
  asObject,
  asOneOf,
  asRoomName,
  asText,
  invalid,
  optional,
} from '../payload';
import { ROOM_TYPES } from '../rooms';
import type { Dialect } from './dialect';

export const PROTOCOL_VERSION = '2.0';

export interface FullContext {
  io: Server;
  chat: Chat;
  faults: Faults;
  logger: Logger;
  secret: string;
  capabilities: Capabilities;
  orderedWindow: number;
}

/** What a request leads to, told once it is durable. */
interface Outcome {
  /** The events that the request causes; they go before its answer. */
  emit?: () => void;
  data?: object;
  /** The answer is lost: the connection drops instead. */
  dropConnection?: boolean;
}

type Answer =
  | { success: true; data?: object }
  | { success: false; error: ErrorBody };

// Socket.IO has one name space for rooms and sockets: keep ours apart.
const roomChannel = (roomName: string): string => `room:${roomName}`;
const userChannel = (userId: string): string => `user:${userId}`;

/** A cursor is opaque to clients: the epoch, and a seq of the room in it. */
export function makeCursor(historyEpoch: string, seq: number): string {
  return `${historyEpoch}:${seq}`;
}

/** @throws ProtocolError EPOCH_CHANGED when it is of another history */
export function readCursor(
  cursor: string,
  historyEpoch: string,
  lastSeq: number,
): number {
  const match = /^(?<epoch>.+):(?<seq>0|[1-9]\d{0,14})$/.exec(cursor);
  const { epoch, seq } = match?.groups ?? {};
  if (epoch === undefined || seq === undefined) {
    throw invalid('cursor', 'is none of this server');
  }
  if (epoch !== historyEpoch || Number(seq) > lastSeq) {
    throw new ProtocolError(
      'EPOCH_CHANGED',
      'the cursor belongs to a history that is gone; read without a cursor',
      { details: { historyEpoch } },
    );
  }
  return Number(seq);
}

export class FullDialect implements Dialect {
  private readonly connections = new Map<string, Set<Connection>>();

  constructor(private readonly context: FullContext) {}

  admit(socket: Socket): string {
    const { token } = socket.handshake.auth as { token?: unknown };
    const userId = verifyToken(token, this.context.secret);
    (socket.data as { userId: string }).userId = userId;
    return userId;
  }

  /**
   * Registers what it listens to before it says that it is ready: what the
   * client emits earlier is not lost on this server.
   */
  accept(socket: Socket): void {
    const { userId } = socket.data as { userId: string };
    const own = this.connections.get(userId) ?? new Set<Connection>();
    this.connections.set(userId, own);
    const connection = new Connection(this.context, socket, userId, own);
    own.add(connection);
    socket.on('disconnect', () => {
      own.delete(connection);
      if (own.size === 0) this.connections.delete(userId);
      connection.ended();
    });
    connection.start();
  }

  /** What the log holds back is answered while it closes. */
  stop(): Promise<void> {
    return this.context.chat.close();
  }
}

/** One client's connection. */
class Connection {
  private readonly chains = new SendChains();
  /** The rooms whose events it gets. */
  private readonly attached = new Set<string>();
  private pending = 0;

  private readonly requests = new Map<string, (payload: unknown) => Outcome>([
    ['room:join', (payload) => this.join(asObject(payload))],
    ['room:leave', (payload) => this.leave(asObject(payload))],
    ['message:send', (payload) => this.sendCounted(asObject(payload))],
    ['sync:messages', (payload) => this.sync(asObject(payload))],
    ['auth:refresh', (payload) => this.refresh(asObject(payload))],
    ['ping', (payload) => this.ping(asObject(payload ?? {}))],
  ]);

  constructor(
    private readonly context: FullContext,
    private readonly socket: Socket,
    private readonly userId: string,
    /** All connections of the user, this one among them while it lasts. */
    private readonly ofUser: ReadonlySet<Connection>,
  ) {}

  start(): void {
    const { socket, userId, context } = this;
    const { chat, capabilities, orderedWindow } = context;
    void socket.join(userChannel(userId));
    socket.onAny((event: string, ...args: unknown[]) => {
      this.handle(event, args);
    });
    socket.emit('connected', {
      socketId: socket.id,
      userId,
      serverTime: new Date().toISOString(),
      protocolVersion: PROTOCOL_VERSION,
      capabilities: [...capabilities],
      historyEpoch: capabilities.has('history.cursor') ? chat.historyEpoch : '',
      limits: {
        maxMessageBytes: limits.MAX_CONTENT_BYTES,
        ...(capabilities.has('send.ordered') ? { orderedWindow } : {}),
      },
    });
    socket.emit('authenticated', {
      userId,
      sessionId: randomUUID(),
      rooms: [...chat.roomsOf(userId)].slice(0, limits.MAX_LISTED_ROOMS),
    });
  }

  /** Decides at once, in the order of arrival; tells when it is durable. */
  private handle(event: string, args: unknown[]): void {
    const last = args.at(-1);
    const acknowledge =
      typeof last === 'function'
        ? (last as (answer: Answer) => void)
        : undefined;
    const payload = typeof args[0] === 'function' ? undefined : args[0];
    if (this.pending >= limits.MAX_PENDING_REQUESTS) {
      acknowledge?.(failure(tooMany('unanswered requests')));
      return;
    }
    this.pending++;
    const { outcome, answer } = this.run(event, payload);
    this.context.chat.whenDurable(() => {
      this.pending--;
      outcome?.emit?.();
      if (outcome?.dropConnection === true) this.socket.disconnect(true);
      else acknowledge?.(answer);
    });
  }

  private run(
    event: string,
    payload: unknown,
  ): { outcome?: Outcome; answer: Answer } {
    const { logger } = this.context;
    try {
      const request = this.requests.get(event);
      if (request === undefined) {
        throw new ProtocolError(
          'UNSUPPORTED',
          'the server knows no such event',
        );
      }
      const outcome = request(payload);
      logger.debug('request', { event, user: this.userId });
      return { outcome, answer: success(outcome.data) };
    } catch (error) {
      if (error instanceof ProtocolError) {
        const { code } = error.body;
        logger.debug('request refused', { event, user: this.userId, code });
        return { answer: failure(error) };
      }
      logger.error('request failed', { event, error: String(error) });
      return {
        answer: failure(
          new ProtocolError('INTERNAL_ERROR', 'the server failed'),
        ),
      };
    }
  }

  private refresh(payload: JsonObject): Outcome {
    const { token } = payload;
    let user: string;
    try {
      user = verifyToken(token, this.context.secret);
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      throw new ProtocolError('UNAUTHENTICATED', error.message);
    }
    if (user !== this.userId) {
      throw new ProtocolError('FORBIDDEN', 'the token is for another user');
    }
    const expiry = readExpiry(token as string);
    return {
      data: {
        userId: user,
        ...(expiry === undefined ? {} : { expiresAt: expiry.toISOString() }),
      },
    };
  }

  private join(payload: JsonObject): Outcome {
    const { chat, capabilities } = this.context;
    const { socket, userId } = this;
    const roomName = asRoomName(payload['roomName']);
    const type =
      optional(payload, 'type', (value, field) =>
        asOneOf(value, field, ROOM_TYPES),
      ) ?? 'channel';
    const { room, joined } = chat.join(userId, roomName, type);
    const timestamp = new Date().toISOString();
    const members = [...room.members.values()];
    this.attached.add(roomName);
    return {
      emit: () => {
        void socket.join(roomChannel(roomName));
        if (!joined) return;
        socket
          .to(roomChannel(roomName))
          .emit('user:joined', { roomName, userId, timestamp });
      },
      data: {
        roomName,
        type: room.type,
        memberCount: members.length,
        members: members.slice(0, limits.MAX_LISTED_MEMBERS),
        ...(capabilities.has('history.cursor')
          ? { lastSeq: chat.lastSeq(roomName) }
          : {}),
      },
    };
  }

  private leave(payload: JsonObject): Outcome {
    const { io, chat } = this.context;
    const { socket, userId } = this;
    const roomName = asRoomName(payload['roomName']);
    for (const { chains, attached } of this.ofUser) {
      chains.end(roomName);
      attached.delete(roomName);
    }
    if (!chat.leave(userId, roomName)) return {};
    const timestamp = new Date().toISOString();
    return {
      emit: () => {
        socket
          .to(roomChannel(roomName))
          .emit('user:left', { roomName, userId, timestamp });
        io.in(userChannel(userId)).socketsLeave(roomChannel(roomName));
      },
    };
  }

  /** Holds the connection to its window of unanswered sends in the room. */
  private sendCounted(payload: JsonObject): Outcome {
    const { chat, capabilities, orderedWindow } = this.context;
    const request = readSend(payload);
    const { roomName } = request.message;
    const unanswered = this.chains.begin(roomName);
    try {
      if (capabilities.has('send.ordered') && unanswered > orderedWindow) {
        throw tooMany('unanswered sends in the room');
      }
      return this.send(request);
    } finally {
      // Runs before the answer leaves: both wait for the same commit.
      chat.whenDurable(() => {
        this.chains.answered(roomName);
      });
    }
  }

  private send(request: SendRequest): Outcome {
    const { io, chat, faults, capabilities } = this.context;
    const { roomName } = request.message;
    const fault = faults.take(roomName);
    if (fault !== undefined && fault !== 'LOST_ACK') throw injected(fault);
    const { message, duplicate } = chat.send(this.userId, request, this.chains);
    const { messageId, seq, timestamp } = message;
    return {
      emit: () => {
        if (duplicate) return;
        io.to(roomChannel(roomName)).emit('message:new', message);
      },
      ...(capabilities.has('ack.message-id')
        ? {
            data: {
              messageId,
              seq,
              timestamp,
              ...(duplicate ? { duplicate } : {}),
            },
          }
        : {}),
      dropConnection: fault === 'LOST_ACK',
    };
  }

  private sync(payload: JsonObject): Outcome {
    const { chat, capabilities } = this.context;
    if (!capabilities.has('history.cursor')) {
      throw new ProtocolError('UNSUPPORTED', 'the server keeps no history');
    }
    const roomName = asRoomName(payload['roomName']);
    const cursor = optional(payload, 'cursor', (value, field) =>
      asText(value, field, { maxBytes: limits.MAX_ID_BYTES }),
    );
    const limit =
      optional(payload, 'limit', (value, field) =>
        asCount(value, field, 1, limits.MAX_PAGE_MESSAGES),
      ) ?? limits.DEFAULT_PAGE_MESSAGES;
    chat.requireMember(this.userId, roomName);
    const { historyEpoch } = chat;
    const after =
      cursor === undefined
        ? 0
        : readCursor(cursor, historyEpoch, chat.lastSeq(roomName));
    const page = chat.page(this.userId, roomName, after, limit);
    return {
      data: {
        messages: page.messages,
        cursor: makeCursor(historyEpoch, page.upTo),
        hasMore: page.hasMore,
        historyEpoch,
        serverTime: new Date().toISOString(),
      },
    };
  }

  private ping(payload: JsonObject): Outcome {
    const timestamp = optional(payload, 'timestamp', (value, field) => {
      if (typeof value !== 'number') throw invalid(field, 'must be a number');
      return value;
    });
    const now = new Date();
    return {
      emit: () => {
        this.socket.emit('pong', { timestamp: now.getTime() });
      },
      data: {
        ...(timestamp === undefined ? {} : { timestamp }),
        serverTime: now.toISOString(),
      },
    };
  }

  /** Where membership is not durable it ends with the last connection. */
  ended(): void {
    const { io, chat, capabilities } = this.context;
    const { userId } = this;
    // A stop ends every connection; the next start ends the memberships.
    if (capabilities.has('rooms.membership') || chat.closing) return;
    for (const roomName of this.attached) {
      const others = [...this.ofUser];
      if (others.some(({ attached }) => attached.has(roomName))) continue;
      if (!chat.leave(userId, roomName)) continue;
      const timestamp = new Date().toISOString();
      chat.whenDurable(() => {
        io.to(roomChannel(roomName)).emit('user:left', {
          roomName,
          userId,
          timestamp,
        });
      });
    }
  }
}

function success(data: object | undefined): Answer {
  return data === undefined ? { success: true } : { success: true, data };
}

function failure(error: ProtocolError): Answer {
  return { success: false, error: error.body };
}

function tooMany(what: string): ProtocolError {
  return new ProtocolError('RATE_LIMITED', `too many ${what}`, {
    retryAfterMs: limits.RETRY_AFTER_MS,
  });
}

function injected(code: ErrorBody['code']): ProtocolError {
  return new ProtocolError(
    code,
    'the server was started with --fail-room for this room',
    code === 'RATE_LIMITED' ? { retryAfterMs: limits.RETRY_AFTER_MS } : {},
  );
}
