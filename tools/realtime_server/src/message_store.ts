/** The history of all rooms: every message, and what became of it. */

import type { Edit } from './changes';
import {
  present,
  type Message,
  type Reaction,
  type ToldMessage,
} from './messages';
import { takePage, type Order, type Page } from './pages';
import { Sequence, type Place } from './sequence';

/** A set of users for each emoji; both in the order of coming. */
export class Reactions {
  private readonly byEmoji = new Map<string, Set<string>>();
  /** Of all emojis together. */
  count = 0;

  has(emoji: string, userId: string): boolean {
    return this.byEmoji.get(emoji)?.has(userId) ?? false;
  }

  hasEmoji(emoji: string): boolean {
    return this.byEmoji.has(emoji);
  }

  get emojis(): number {
    return this.byEmoji.size;
  }

  /** The user has not reacted with it yet. */
  add(emoji: string, userId: string): void {
    const users = this.byEmoji.get(emoji) ?? new Set<string>();
    this.byEmoji.set(emoji, users.add(userId));
    this.count++;
  }

  /** The user has reacted with it. */
  remove(emoji: string, userId: string): void {
    const users = this.byEmoji.get(emoji);
    users?.delete(userId);
    this.count--;
    if (users?.size === 0) this.byEmoji.delete(emoji);
  }

  list(): Reaction[] {
    return [...this.byEmoji].map(([emoji, users]) => ({
      emoji,
      userIds: [...users],
    }));
  }
}

export interface Deletion {
  deletedAt: string;
  deletedBy: string;
}

/** A message as it was sent, and its present form. */
export interface StoredMessage {
  readonly sent: Message;
  version: number;
  edit?: Edit;
  deletion?: Deletion;
  reactions?: Reactions;
  /** Among the changes of its room. */
  place: Place<StoredMessage>;
}

interface RoomMessages {
  bySeq: StoredMessage[];
  changes: Sequence<StoredMessage>;
  lastChange: number;
}

/** The content as it is now, whether or not changes are offered. */
function contentNow({ sent, edit, deletion }: StoredMessage): Message {
  const body = deletion === undefined ? edit?.body : { content: '' };
  if (body === undefined) return sent;
  return present<Message>({
    ...sent,
    mentions: undefined,
    attachments: undefined,
    metadata: undefined,
    ...body,
  });
}

function changesNow(stored: StoredMessage): Partial<ToldMessage> {
  const { place, version, edit, deletion, reactions } = stored;
  const now: Partial<ToldMessage> = { change: place.number, version };
  if (deletion !== undefined) return { ...now, ...deletion };
  if (edit !== undefined) {
    now.editedAt = edit.editedAt;
    now.editedBy = edit.userId;
  }
  if (reactions !== undefined && reactions.count > 0) {
    now.reactions = reactions.list();
  }
  return now;
}

/**
 * The messages, with the index that finds repeats. The index covers all of the
 * history, so a repeat is found however late it comes.
 */
export class MessageStore {
  private readonly byRoom = new Map<string, RoomMessages>();
  private readonly byId = new Map<string, StoredMessage>();
  private readonly bySender = new Map<string, Map<string, StoredMessage>>();

  /** @param order whether rooms are read, and messages told, with changes */
  constructor(readonly order: Exclude<Order, 'join'>) {}

  /** `message.seq` is `lastSeq` of its room plus one. */
  add(message: Message): void {
    const room = this.byRoom.get(message.roomName) ?? {
      bySeq: [],
      changes: new Sequence(),
      lastChange: 0,
    };
    this.byRoom.set(message.roomName, room);
    const stored: StoredMessage = {
      sent: message,
      version: 1,
      place: { number: 0, value: undefined },
    };
    room.bySeq.push(stored);
    this.byId.set(message.messageId, stored);
    this.changed(stored);
    const { userId, clientMessageId } = message;
    if (clientMessageId === undefined) return;
    const sent = this.bySender.get(userId) ?? new Map<string, StoredMessage>();
    this.bySender.set(userId, sent);
    // A server that does not de-duplicate may hold several: the first counts.
    if (!sent.has(clientMessageId)) sent.set(clientMessageId, stored);
  }

  edit(stored: StoredMessage, edit: Edit): void {
    stored.edit = edit;
    stored.version++;
    this.changed(stored);
  }

  delete(stored: StoredMessage, deletion: Deletion): void {
    stored.deletion = deletion;
    delete stored.edit;
    delete stored.reactions;
    stored.version++;
    this.changed(stored);
  }

  /** The user's reaction is there (`added` false) or not yet. */
  react(
    stored: StoredMessage,
    emoji: string,
    userId: string,
    added: boolean,
  ): void {
    const reactions = (stored.reactions ??= new Reactions());
    if (added) reactions.add(emoji, userId);
    else reactions.remove(emoji, userId);
    this.changed(stored);
  }

  get(roomName: string, messageId: string): StoredMessage | undefined {
    const stored = this.byId.get(messageId);
    return stored?.sent.roomName === roomName ? stored : undefined;
  }

  find(userId: string, clientMessageId: string): StoredMessage | undefined {
    return this.bySender.get(userId)?.get(clientMessageId);
  }

  lastSeq(roomName: string): number {
    return this.byRoom.get(roomName)?.bySeq.length ?? 0;
  }

  lastChange(roomName: string): number {
    return this.byRoom.get(roomName)?.lastChange ?? 0;
  }

  /** The shape that it has for everyone, as of now. */
  tell(stored: StoredMessage): ToldMessage {
    const message = contentNow(stored);
    return this.order === 'seq'
      ? message
      : { ...message, ...changesNow(stored) };
  }

  /** The messages after a seq or a change, whichever is the order. */
  page(roomName: string, after: number, limit: number): Page<ToldMessage> {
    return takePage(this.after(roomName, after), after, limit);
  }

  private *after(
    roomName: string,
    after: number,
  ): Generator<[number, ToldMessage]> {
    const room = this.byRoom.get(roomName);
    if (room === undefined) return;
    if (this.order === 'change') {
      for (const [change, stored] of room.changes.after(after)) {
        yield [change, this.tell(stored)];
      }
      return;
    }
    for (let seq = after; ; seq++) {
      const stored = room.bySeq[seq];
      if (stored === undefined) return;
      yield [seq + 1, this.tell(stored)];
    }
  }

  private changed(stored: StoredMessage): void {
    const room = this.byRoom.get(stored.sent.roomName);
    if (room === undefined) throw new Error('a message without a room');
    room.changes.remove(stored.place);
    room.lastChange++;
    stored.place = room.changes.append(room.lastChange, stored);
  }
}
