/**
 * What the server knows and decides, whatever the dialect: rooms, members,
 * messages. It knows no connections. Every command runs to its end before the
 * next one; what it changed is told to anyone only through `whenDurable`.
 */

import { randomUUID } from 'node:crypto';

import type { Capabilities } from './capabilities';
import {
  countedTime,
  sameEdit,
  standsOver,
  type Actor,
  type DeleteRequest,
  type Edit,
  type EditRequest,
  type ReactionRequest,
  type Target,
} from './changes';
import { ProtocolError, UsageError } from './errors';
import * as limits from './limits';
import { Log, type LogRecord } from './log';
import { MessageStore, type StoredMessage } from './message_store';
import {
  sameContent,
  type Message,
  type SendRequest,
  type ToldMessage,
} from './messages';
import type { SendChains } from './ordering';
import type { Page, Position } from './pages';
import {
  Rooms,
  type JoinedRoom,
  type Member,
  type Room,
  type RoomType,
} from './rooms';

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
  message: ToldMessage;
  /** It had been sent before; nothing was stored. */
  duplicate: boolean;
}

export interface ChangeResult {
  /** As it is after the request. */
  message: ToldMessage;
  /** False: nothing is different, nobody is to be told. */
  changed: boolean;
}

export class Chat {
  private readonly rooms = new Rooms();
  private readonly messages: MessageStore;

  private constructor(
    private readonly options: ChatOptions,
    private readonly log: Log,
  ) {
    const withChanges = options.capabilities.has('message.changes');
    this.messages = new MessageStore(withChanges ? 'change' : 'seq');
  }

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

  roomsOf(userId: string): string[] {
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
      return { message: this.messages.tell(first), duplicate: true };
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
    const told = this.messages.tell(this.storedOf(stored));
    return { message: told, duplicate: false };
  }

  /**
   * `applied` is false for an edit that another one stands over.
   *
   * @throws ProtocolError, and then nothing has changed
   */
  edit(
    actor: Actor,
    { roomName, messageId, body, actionTime, ifVersion }: EditRequest,
  ): ChangeResult & { applied: boolean } {
    const stored = this.messageOf(actor.userId, { roomName, messageId });
    requireNotDeleted(stored);
    const editedAt = countedTime(actionTime, new Date());
    const edit: Edit = { ...actor, body, actionTime, editedAt };
    const standing = stored.edit;
    const unchanged = (
      applied: boolean,
    ): ChangeResult & { applied: boolean } => ({
      message: this.messages.tell(stored),
      changed: false,
      applied,
    });
    if (standing !== undefined && sameEdit(edit, standing)) {
      return unchanged(true);
    }
    this.requireVersion(stored, ifVersion);
    if (
      standing !== undefined &&
      ifVersion === undefined &&
      !standsOver(edit, standing)
    ) {
      return unchanged(false);
    }
    this.commit({ record: 'edit', roomName, messageId, edit });
    return {
      message: this.messages.tell(stored),
      changed: true,
      applied: true,
    };
  }

  /** @throws ProtocolError, and then nothing has changed */
  delete(
    { userId }: Actor,
    { roomName, messageId, actionTime, ifVersion }: DeleteRequest,
  ): ChangeResult {
    const stored = this.messageOf(userId, { roomName, messageId });
    if (stored.sent.userId !== userId) {
      throw new ProtocolError('FORBIDDEN', 'only its author may delete it');
    }
    const changed = stored.deletion === undefined;
    if (changed) {
      this.requireVersion(stored, ifVersion);
      const deletedAt = countedTime(actionTime, new Date());
      const deletion = { deletedAt, deletedBy: userId };
      this.commit({ record: 'delete', roomName, messageId, deletion });
    }
    return { message: this.messages.tell(stored), changed };
  }

  /**
   * Adds or removes the user's reaction.
   *
   * @throws ProtocolError, and then nothing has changed
   */
  react(
    { userId }: Actor,
    { roomName, messageId, emoji }: ReactionRequest,
    added: boolean,
  ): ChangeResult {
    const stored = this.messageOf(userId, { roomName, messageId });
    if (added) requireNotDeleted(stored);
    const there = stored.reactions?.has(emoji, userId) ?? false;
    const changed = there !== added;
    if (changed) {
      if (added) requireRoomForReaction(stored, emoji);
      const target: Target = { roomName, messageId };
      this.commit({ record: 'reaction', ...target, emoji, userId, added });
    }
    return { message: this.messages.tell(stored), changed };
  }

  lastSeq(roomName: string): number {
    return this.messages.lastSeq(roomName);
  }

  lastChange(roomName: string): number {
    return this.messages.lastChange(roomName);
  }

  /** What cursors into the room's messages are held to. */
  endOfMessages(roomName: string): Position {
    const { historyEpoch, messages } = this;
    const { order } = messages;
    const last =
      order === 'change'
        ? messages.lastChange(roomName)
        : messages.lastSeq(roomName);
    return { historyEpoch, order, last };
  }

  /** What cursors into lists of rooms and members are held to. */
  endOfJoins(): Position {
    const { historyEpoch, rooms } = this;
    return { historyEpoch, order: 'join', last: rooms.lastJoin };
  }

  /** @throws ProtocolError when the user may not read the room */
  page(
    userId: string,
    roomName: string,
    after: number,
    limit: number,
  ): Page<ToldMessage> {
    this.requireMember(userId, roomName);
    return this.messages.page(roomName, after, limit);
  }

  pageOfRooms<T>(
    userId: string,
    after: number,
    limit: number,
    tell: (joined: JoinedRoom) => T,
  ): Page<T> {
    return this.rooms.pageOfRooms(userId, after, limit, tell);
  }

  /** @throws ProtocolError when the user may not read the room */
  pageOfMembers(
    userId: string,
    roomName: string,
    after: number,
    limit: number,
  ): Page<Member> {
    const room = this.requireMember(userId, roomName);
    return this.rooms.pageOfMembers(room, after, limit);
  }

  /** @throws ProtocolError ROOM_NOT_FOUND or NOT_IN_ROOM */
  requireMember(userId: string, roomName: string): Room {
    const room = this.roomOf(roomName);
    if (!this.rooms.isMember(roomName, userId)) {
      throw new ProtocolError('NOT_IN_ROOM', 'not a member of the room');
    }
    return room;
  }

  private messageOf(
    userId: string,
    { roomName, messageId }: Target,
  ): StoredMessage {
    this.requireMember(userId, roomName);
    const stored = this.messages.get(roomName, messageId);
    if (stored === undefined) {
      throw new ProtocolError(
        'MESSAGE_NOT_FOUND',
        'the room has no such message',
      );
    }
    return stored;
  }

  private requireVersion(
    stored: StoredMessage,
    ifVersion: number | undefined,
  ): void {
    if (ifVersion === undefined || ifVersion === stored.version) return;
    throw new ProtocolError(
      'VERSION_CONFLICT',
      `the message has version ${stored.version}`,
      { details: { message: this.messages.tell(stored) } },
    );
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
    if (this.rooms.roomCount(userId) >= maxRoomsPerUser) {
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
  ): StoredMessage | undefined {
    if (
      clientMessageId === undefined ||
      !this.options.capabilities.has('dedup.client-message-id')
    ) {
      return undefined;
    }
    const first = this.messages.find(userId, clientMessageId);
    if (first !== undefined && !sameContent(first.sent, message)) {
      throw new ProtocolError(
        'IDEMPOTENCY_MISMATCH',
        'clientMessageId was used for another message',
        { details: { messageId: first.sent.messageId } },
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
      case 'edit':
        this.messages.edit(this.storedOf(record), record.edit);
        break;
      case 'delete':
        this.messages.delete(this.storedOf(record), record.deletion);
        break;
      case 'reaction': {
        const { emoji, userId, added } = record;
        this.messages.react(this.storedOf(record), emoji, userId, added);
        break;
      }
    }
  }

  /** Of a record, which is written only for a message that there is. */
  private storedOf({ roomName, messageId }: Target): StoredMessage {
    const stored = this.messages.get(roomName, messageId);
    if (stored === undefined) {
      throw new UsageError(
        `the log changes message ${messageId}, which it does not have`,
      );
    }
    return stored;
  }
}

function requireNotDeleted({ deletion }: StoredMessage): void {
  if (deletion === undefined) return;
  throw new ProtocolError('MESSAGE_DELETED', 'the message was deleted');
}

function requireRoomForReaction(
  { reactions }: StoredMessage,
  emoji: string,
): void {
  if (reactions === undefined) return;
  const refuse = (limit: string, max: number, what: string): ProtocolError =>
    new ProtocolError('FORBIDDEN', `the message has ${max} ${what}, the most`, {
      details: { limit, max },
    });
  const emojis = limits.MAX_EMOJIS_PER_MESSAGE;
  if (!reactions.hasEmoji(emoji) && reactions.emojis >= emojis) {
    throw refuse('maxEmojisPerMessage', emojis, 'emojis');
  }
  const all = limits.MAX_REACTIONS_PER_MESSAGE;
  if (reactions.count >= all) {
    throw refuse('maxReactionsPerMessage', all, 'reactions');
  }
}
