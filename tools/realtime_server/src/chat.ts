/**
 * What the server knows and decides, whatever the dialect: rooms, members,
 * messages. It knows no connections. Every command runs to its end before the
 * next one; what it changed is told to anyone only through `whenDurable`.
 */

import { randomUUID } from 'node:crypto';

import type { Capabilities } from './capabilities';
import { ProtocolError } from './errors';
import { Log, type LogRecord } from './log';
import {
  Messages,
  sameContent,
  type Message,
  type MessagePage,
  type SendRequest,
} from './messages';
import type { SendChains } from './ordering';
import { Rooms, type Room, type RoomType } from './rooms';

export interface ChatOptions {
  /** Absent: all is in memory and ends with the process. */
  dataDir?: string;
  capabilities: Capabilities;
  maxRoomsPerUser: number;
  maxMembersPerRoom: number;
  commitDelayMs: number;
  onLogFailure: (error: unknown) => void;
}

export interface SendResult {
  message: Message;
  /** It had been sent before; nothing was stored. */
  duplicate: boolean;
}

export class Chat {
  private readonly rooms = new Rooms();
  private readonly messages = new Messages();

  private constructor(
    private readonly options: ChatOptions,
    private readonly log: Log,
  ) {}

  /** @throws UsageError when the log cannot be used */
  static async open(
    options: ChatOptions,
  ): Promise<{ chat: Chat; droppedBytes: number }> {
    const { dataDir, commitDelayMs } = options;
    if (dataDir === undefined) {
      const chat = new Chat(options, Log.inMemory(commitDelayMs));
      return { chat, droppedBytes: 0 };
    }
    const records: LogRecord[] = [];
    const { log, droppedBytes } = await Log.open(
      dataDir,
      commitDelayMs,
      (record) => records.push(record),
      options.onLogFailure,
    );
    const chat = new Chat(options, log);
    for (const record of records) chat.apply(record);
    // Without durable membership it ended with the connections of the past.
    if (!options.capabilities.has('rooms.membership')) {
      chat.rooms.clearMemberships();
    }
    return { chat, droppedBytes };
  }

  get historyEpoch(): string {
    return this.log.historyEpoch;
  }

  /** The server is stopping: nothing can be changed any more. */
  get closing(): boolean {
    return this.log.closing;
  }

  /** Runs `release` once all that was decided before is on disk. */
  whenDurable(release: () => void): void {
    this.log.whenDurable(release);
  }

  close(): Promise<void> {
    return this.log.close();
  }

  roomsOf(userId: string): ReadonlySet<string> {
    return this.rooms.roomsOf(userId);
  }

  /** Joins, creating the room if need be; `joined` is false for a member. */
  join(
    userId: string,
    roomName: string,
    roomType: RoomType,
  ): { room: Room; joined: boolean } {
    const joined = !this.rooms.isMember(roomName, userId);
    if (joined) {
      this.checkJoin(userId, roomName);
      const joinedAt = new Date().toISOString();
      this.commit({ record: 'join', roomName, roomType, userId, joinedAt });
    }
    return { room: this.roomOf(roomName), joined };
  }

  /** Returns whether there was a membership to end. */
  leave(userId: string, roomName: string): boolean {
    if (!this.rooms.isMember(roomName, userId)) return false;
    this.commit({ record: 'leave', roomName, userId });
    return true;
  }

  /**
   * Stores the message, unless it is a repeat, and moves the sender's chain.
   *
   * @throws ProtocolError, and then nothing has changed
   */
  send(userId: string, request: SendRequest, chains: SendChains): SendResult {
    const { message, clientMessageId, after } = request;
    const { capabilities } = this.options;
    const { roomName } = message;
    const first = this.findFirst(userId, request);
    if (first !== undefined) {
      chains.moveTo(roomName, clientMessageId);
      return { message: first, duplicate: true };
    }
    this.requireMember(userId, roomName);
    if (capabilities.has('send.ordered') && !chains.follows(roomName, after)) {
      throw new ProtocolError(
        'OUT_OF_ORDER',
        'the message named by after is not the last one of this connection',
      );
    }
    const stored: Message = {
      ...message,
      messageId: randomUUID(),
      seq: this.messages.lastSeq(roomName) + 1,
      userId,
      ...(clientMessageId === undefined ? {} : { clientMessageId }),
      timestamp: new Date().toISOString(),
    };
    this.commit({ record: 'message', message: stored });
    chains.moveTo(roomName, clientMessageId);
    return { message: stored, duplicate: false };
  }

  lastSeq(roomName: string): number {
    return this.messages.lastSeq(roomName);
  }

  /** @throws ProtocolError when the user may not read the room */
  page(
    userId: string,
    roomName: string,
    after: number,
    limit: number,
  ): MessagePage {
    this.requireMember(userId, roomName);
    return this.messages.page(roomName, after, limit);
  }

  /** @throws ProtocolError ROOM_NOT_FOUND or NOT_IN_ROOM */
  requireMember(userId: string, roomName: string): void {
    this.roomOf(roomName);
    if (!this.rooms.isMember(roomName, userId)) {
      throw new ProtocolError('NOT_IN_ROOM', 'not a member of the room');
    }
  }

  private roomOf(roomName: string): Room {
    const room = this.rooms.get(roomName);
    if (room === undefined) {
      throw new ProtocolError('ROOM_NOT_FOUND', 'there is no such room');
    }
    return room;
  }

  private checkJoin(userId: string, roomName: string): void {
    const { maxRoomsPerUser, maxMembersPerRoom } = this.options;
    if (this.rooms.roomsOf(userId).size >= maxRoomsPerUser) {
      throw new ProtocolError(
        'FORBIDDEN',
        `already a member of ${maxRoomsPerUser} rooms, the most a user may have`,
        { details: { limit: 'maxRoomsPerUser', max: maxRoomsPerUser } },
      );
    }
    const members = this.rooms.get(roomName)?.members.size ?? 0;
    if (members >= maxMembersPerRoom) {
      throw new ProtocolError(
        'FORBIDDEN',
        `the room has ${maxMembersPerRoom} members, the most a room may have`,
        { details: { limit: 'maxMembersPerRoom', max: maxMembersPerRoom } },
      );
    }
  }

  /** The message that this request repeats, if the server looks for one. */
  private findFirst(
    userId: string,
    { message, clientMessageId }: SendRequest,
  ): Message | undefined {
    if (
      clientMessageId === undefined ||
      !this.options.capabilities.has('dedup.client-message-id')
    ) {
      return undefined;
    }
    const first = this.messages.find(userId, clientMessageId);
    if (first !== undefined && !sameContent(first, message)) {
      throw new ProtocolError(
        'IDEMPOTENCY_MISMATCH',
        'clientMessageId was used for another message',
        { details: { messageId: first.messageId } },
      );
    }
    return first;
  }

  private commit(record: LogRecord): void {
    this.log.append(record);
    this.apply(record);
  }

  private apply(record: LogRecord): void {
    switch (record.record) {
      case 'epoch':
        break;
      case 'join': {
        const { roomName, roomType, userId, joinedAt } = record;
        this.rooms.join(roomName, roomType, { userId, joinedAt });
        break;
      }
      case 'leave':
        this.rooms.leave(record.roomName, record.userId);
        break;
      case 'message':
        this.messages.add(record.message);
        break;
    }
  }
}
