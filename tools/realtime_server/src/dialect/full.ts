/** The full dialect: PROTOCOL.md. */

import { randomUUID } from 'node:crypto';

import type { Server, Socket } from 'socket.io';

import { AuthError, readExpiry, verifyToken } from '../auth';
import type { Capabilities, Capability } from '../capabilities';
import { readDelete, readEdit, readReaction, type Actor } from '../changes';
import type { ChangeResult, Chat } from '../chat';
import { ProtocolError, type ErrorBody } from '../errors';
import type { Faults } from '../faults';
import * as limits from '../limits';
import type { Logger } from '../logger';
import { readSend, type SendRequest, type ToldMessage } from '../messages';
import { SendChains } from '../ordering';
import { makeCursor, readCursor, readPageRequest } from '../pages';
import {
  type JsonObject,
  asDeviceId,
  asObject,
  asOneOf,
  asRoomName,
  invalid,
  optional,
} from '../payload';
import { ROOM_TYPES, type JoinedRoom } from '../rooms';
import type { Dialect } from './dialect';

export const PROTOCOL_VERSION = '2.0';

export interface FullContext {
  io: Server;
  chat: Chat;
  /** Of sends and changes. */
  faults: Faults;
  syncFaults: Faults;
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

/** What a request needs besides: without it, it is UNSUPPORTED. */
const NEEDS = new Map<string, Capability>([
  ['sync:messages', 'history.cursor'],
  ['message:edit', 'message.changes'],
  ['message:delete', 'message.changes'],
  ['reaction:add', 'message.changes'],
  ['reaction:remove', 'message.changes'],
  ['sync:channels', 'rooms.list'],
  ['room:members', 'rooms.list'],
]);

export class FullDialect implements Dialect {
  private readonly connections = new Map<string, Set<Connection>>();

  constructor(private readonly context: FullContext) {}

  admit(socket: Socket): string {
    const { token, device } = socket.handshake.auth as Record<string, unknown>;
    const userId = verifyToken(token, this.context.secret);
    const actor: Actor = { userId, deviceId: asDeviceId(device) };
    (socket.data as { actor: Actor }).actor = actor;
    return userId;
  }

  /**
   * Registers what it listens to before it says that it is ready: what the
   * client emits earlier is not lost on this server.
   */
  accept(socket: Socket): void {
    const { actor } = socket.data as { actor: Actor };
    const { userId } = actor;
    const own = this.connections.get(userId) ?? new Set<Connection>();
    this.connections.set(userId, own);
    const connection = new Connection(this.context, socket, actor, own);
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
  private readonly userId: string;

  private readonly requests = new Map<string, (payload: unknown) => Outcome>([
    ['room:join', (payload) => this.join(asObject(payload))],
    ['room:leave', (payload) => this.leave(asObject(payload))],
    ['message:send', (payload) => this.sendCounted(asObject(payload))],
    ['message:edit', (payload) => this.edit(asObject(payload))],
    ['message:delete', (payload) => this.delete(asObject(payload))],
    ['reaction:add', (payload) => this.react(asObject(payload), true)],
    ['reaction:remove', (payload) => this.react(asObject(payload), false)],
    ['sync:messages', (payload) => this.sync(asObject(payload))],
    ['sync:channels', (payload) => this.listRooms(asObject(payload ?? {}))],
    ['room:members', (payload) => this.listMembers(asObject(payload))],
    ['auth:refresh', (payload) => this.refresh(asObject(payload))],
    ['ping', (payload) => this.ping(asObject(payload ?? {}))],
  ]);

  constructor(
    private readonly context: FullContext,
    private readonly socket: Socket,
    private readonly actor: Actor,
    /** All connections of the user, this one among them while it lasts. */
    private readonly ofUser: ReadonlySet<Connection>,
  ) {
    this.userId = actor.userId;
  }

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
      rooms: chat.roomsOf(userId).slice(0, limits.MAX_LISTED_ROOMS),
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
      const request = this.supported(event);
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

  private supported(event: string): (payload: unknown) => Outcome {
    const request = this.requests.get(event);
    if (request === undefined) {
      throw new ProtocolError('UNSUPPORTED', 'the server knows no such event');
    }
    const needed = NEEDS.get(event);
    if (needed !== undefined && !this.context.capabilities.has(needed)) {
      throw new ProtocolError(
        'UNSUPPORTED',
        `the server does not offer ${needed}`,
      );
    }
    return request;
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
    const { chat } = this.context;
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
        ...this.endOf(roomName),
      },
    };
  }

  /** Where the room's history ends, as far as that is offered. */
  private endOf(roomName: string): { lastSeq?: number; lastChange?: number } {
    const { chat, capabilities } = this.context;
    return {
      ...(capabilities.has('history.cursor')
        ? { lastSeq: chat.lastSeq(roomName) }
        : {}),
      ...(capabilities.has('message.changes')
        ? { lastChange: chat.lastChange(roomName) }
        : {}),
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
    const dropConnection = injected(faults, roomName);
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
      dropConnection,
    };
  }

  private edit(payload: JsonObject): Outcome {
    const request = readEdit(payload);
    return this.change(request.roomName, 'message:update', () => {
      const result = this.context.chat.edit(this.actor, request);
      const { applied, message } = result;
      return { ...result, event: message, data: { applied, message } };
    });
  }

  private delete(payload: JsonObject): Outcome {
    const request = readDelete(payload);
    return this.change(request.roomName, 'message:delete', () => {
      const result = this.context.chat.delete(this.actor, request);
      const { message } = result;
      const { version, deletedBy, deletedAt } = message;
      const event = { ...placeOf(message), version, deletedBy, deletedAt };
      return { ...result, event, data: { message } };
    });
  }

  private react(payload: JsonObject, added: boolean): Outcome {
    const request = readReaction(payload);
    return this.change(request.roomName, 'reaction:update', () => {
      const result = this.context.chat.react(this.actor, request, added);
      const { message } = result;
      const { reactions = [] } = message;
      const event = { ...placeOf(message), reactions };
      return { ...result, event, data: { message } };
    });
  }

  /** Tells the room of a change, if there is one. */
  private change(
    roomName: string,
    name: string,
    decide: () => ChangeResult & { event: object; data: object },
  ): Outcome {
    const { io, faults } = this.context;
    const dropConnection = injected(faults, roomName);
    const { changed, event, data } = decide();
    return {
      emit: () => {
        if (changed) io.to(roomChannel(roomName)).emit(name, event);
      },
      data,
      dropConnection,
    };
  }

  private sync(payload: JsonObject): Outcome {
    const { chat, syncFaults, capabilities } = this.context;
    const roomName = asRoomName(payload['roomName']);
    const { cursor, limit } = readPageRequest(payload);
    chat.requireMember(this.userId, roomName);
    const dropConnection = injected(syncFaults, roomName);
    const end = chat.endOfMessages(roomName);
    const after = readCursor(cursor, end);
    const page = chat.page(this.userId, roomName, after, limit);
    return {
      data: {
        messages: page.items,
        cursor: makeCursor(end, page.upTo),
        hasMore: page.hasMore,
        ...(capabilities.has('message.changes')
          ? { lastChange: chat.lastChange(roomName) }
          : {}),
        historyEpoch: chat.historyEpoch,
        serverTime: new Date().toISOString(),
      },
      dropConnection,
    };
  }

  private listRooms(payload: JsonObject): Outcome {
    const { chat } = this.context;
    const { cursor, limit } = readPageRequest(payload);
    const end = chat.endOfJoins();
    const after = readCursor(cursor, end);
    const tell = ({ room, joinedAt }: JoinedRoom): object => ({
      roomName: room.name,
      type: room.type,
      memberCount: room.members.size,
      ...this.endOf(room.name),
      joinedAt,
    });
    const page = chat.pageOfRooms(this.userId, after, limit, tell);
    return {
      data: {
        channels: page.items,
        cursor: makeCursor(end, page.upTo),
        hasMore: page.hasMore,
        serverTime: new Date().toISOString(),
      },
    };
  }

  private listMembers(payload: JsonObject): Outcome {
    const { chat } = this.context;
    const roomName = asRoomName(payload['roomName']);
    const { cursor, limit } = readPageRequest(payload);
    chat.requireMember(this.userId, roomName);
    const end = chat.endOfJoins();
    const after = readCursor(cursor, end);
    const page = chat.pageOfMembers(this.userId, roomName, after, limit);
    return {
      data: {
        members: page.items,
        cursor: makeCursor(end, page.upTo),
        hasMore: page.hasMore,
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

/** What every event of a change begins with. */
function placeOf({ roomName, messageId, seq, change }: ToldMessage): object {
  return { roomName, messageId, seq, change };
}

/** Refuses what a test made to fail; true: the answer is to be lost. */
function injected(faults: Faults, roomName: string): boolean {
  const code = faults.take(roomName);
  if (code === undefined) return false;
  if (code === 'LOST_ACK') return true;
  throw new ProtocolError(
    code,
    'the server was started to fail in this room',
    code === 'RATE_LIMITED' ? { retryAfterMs: limits.RETRY_AFTER_MS } : {},
  );
}
