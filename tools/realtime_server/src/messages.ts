/** Messages: what a client sends, and the history of all rooms. */

import { ProtocolError } from './errors';
import * as limits from './limits';
import {
  type Json,
  type JsonObject,
  asClientMessageId,
  asCount,
  asId,
  asJson,
  asList,
  asObject,
  asOneOf,
  asRoomName,
  asText,
  canonicalJson,
  invalid,
  optional,
} from './payload';

export const MESSAGE_TYPES = [
  'text',
  'file',
  'image',
  'voice',
  'system',
] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

export const ATTACHMENT_TYPES = [
  'file',
  'image',
  'video',
  'audio',
  'code',
] as const;

/** What is known of a file. Its bytes never pass through this server. */
export interface Attachment {
  id: string;
  type: (typeof ATTACHMENT_TYPES)[number];
  name: string;
  url?: string;
  size?: number;
  mimeType?: string;
  width?: number;
  height?: number;
  durationMs?: number;
  thumbnailUrl?: string;
}

/** What the sender says: what a repeat is compared by. */
export interface MessageContent {
  roomName: string;
  content: string;
  type: MessageType;
  threadId?: string;
  replyTo?: string;
  mentions?: string[];
  attachments?: Attachment[];
  metadata?: Record<string, Json>;
}

/** A stored message, in the shape of `message:new` and of the log. */
export interface Message extends MessageContent {
  messageId: string;
  /** Position in the room: gap-free from 1 within a history epoch. */
  seq: number;
  userId: string;
  clientMessageId?: string;
  timestamp: string;
}

export interface SendRequest {
  message: MessageContent;
  clientMessageId?: string;
  /** The client message id of the message that this one must follow. */
  after?: string;
}

/** Drops what is undefined, so that absent fields are absent everywhere. */
function present<T extends object>(fields: {
  [K in keyof T]: T[K] | undefined;
}): T {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as T;
}

function asContent(value: unknown): string {
  const content = asText(value, 'content', {
    maxBytes: Number.MAX_SAFE_INTEGER,
    allowEmpty: true,
    allowNul: true,
  });
  if (Buffer.byteLength(content) > limits.MAX_CONTENT_BYTES) {
    throw new ProtocolError(
      'MESSAGE_TOO_LARGE',
      `content is longer than ${limits.MAX_CONTENT_BYTES} bytes`,
      { details: { maxMessageBytes: limits.MAX_CONTENT_BYTES } },
    );
  }
  return content;
}

function asMentions(value: unknown, field: string): string[] | undefined {
  const users = asList(value, field, limits.MAX_MENTIONS).map((user) =>
    asId(user, field),
  );
  return users.length === 0 ? undefined : users;
}

function asAttachment(value: unknown, field: string): Attachment {
  const object = asObject(value, field);
  const text =
    (maxBytes: number) =>
    (member: unknown, name: string): string =>
      asText(member, `${field}.${name}`, { maxBytes });
  const count = (member: unknown, name: string): number =>
    asCount(member, `${field}.${name}`, 0, Number.MAX_SAFE_INTEGER);
  return present<Attachment>({
    id: asId(object['id'], `${field}.id`),
    type: asOneOf(object['type'], `${field}.type`, ATTACHMENT_TYPES),
    name: text(limits.MAX_ATTACHMENT_NAME_BYTES)(object['name'], 'name'),
    url: optional(object, 'url', text(limits.MAX_URL_BYTES)),
    size: optional(object, 'size', count),
    mimeType: optional(object, 'mimeType', text(limits.MAX_ID_BYTES)),
    width: optional(object, 'width', count),
    height: optional(object, 'height', count),
    durationMs: optional(object, 'durationMs', count),
    thumbnailUrl: optional(object, 'thumbnailUrl', text(limits.MAX_URL_BYTES)),
  });
}

function asAttachments(
  value: unknown,
  field: string,
): Attachment[] | undefined {
  const list = asList(value, field, limits.MAX_ATTACHMENTS).map((entry) =>
    asAttachment(entry, field),
  );
  return list.length === 0 ? undefined : list;
}

function asMetadata(
  value: unknown,
  field: string,
): Record<string, Json> | undefined {
  const entries = Object.entries(asObject(value, field));
  if (entries.length > limits.MAX_METADATA_ENTRIES) {
    throw invalid(
      field,
      `has more than ${limits.MAX_METADATA_ENTRIES} entries`,
    );
  }
  for (const [key, member] of entries) {
    asText(key, field, {
      maxBytes: limits.MAX_METADATA_KEY_BYTES,
      allowEmpty: true,
    });
    const json = asJson(member, field);
    const text = typeof json === 'string' ? json : JSON.stringify(json);
    if (Buffer.byteLength(text) > limits.MAX_METADATA_VALUE_BYTES) {
      throw invalid(
        field,
        `has a value longer than ${limits.MAX_METADATA_VALUE_BYTES} bytes`,
      );
    }
  }
  return entries.length === 0 ? undefined : (value as Record<string, Json>);
}

/** @throws ProtocolError INVALID_PAYLOAD or MESSAGE_TOO_LARGE */
export function readSend(payload: JsonObject): SendRequest {
  const message = present<MessageContent>({
    roomName:
      payload['roomName'] === undefined
        ? asRoomName(payload['channelId'])
        : asRoomName(payload['roomName']),
    content: asContent(payload['content']),
    type:
      optional(payload, 'type', (value, field) =>
        asOneOf(value, field, MESSAGE_TYPES),
      ) ?? 'text',
    threadId: optional(payload, 'threadId', asId),
    replyTo: optional(payload, 'replyTo', asId),
    mentions: optional(payload, 'mentions', asMentions),
    attachments: optional(payload, 'attachments', asAttachments),
    metadata: optional(payload, 'metadata', asMetadata),
  });
  if (message.content === '' && message.attachments === undefined) {
    throw invalid('content', 'must not be empty without attachments');
  }
  return present<SendRequest>({
    message,
    clientMessageId: optional(payload, 'clientMessageId', asClientMessageId),
    after: optional(payload, 'after', asClientMessageId),
  });
}

function contentOf(message: MessageContent): Json {
  const { roomName, content, type, threadId, replyTo } = message;
  const { mentions, attachments, metadata } = message;
  return present<MessageContent>({
    roomName,
    content,
    type,
    threadId,
    replyTo,
    mentions,
    attachments,
    metadata,
  }) as unknown as Json;
}

export function sameContent(a: MessageContent, b: MessageContent): boolean {
  return canonicalJson(contentOf(a)) === canonicalJson(contentOf(b));
}

export interface MessagePage {
  messages: Message[];
  /** Seq of the last message of the page, or where the page began. */
  upTo: number;
  hasMore: boolean;
}

/**
 * The history, with the index that finds repeats. The index covers all of the
 * history, so a repeat is found however late it comes.
 */
export class Messages {
  private readonly byRoom = new Map<string, Message[]>();
  private readonly bySender = new Map<string, Map<string, Message>>();

  /** `message.seq` is `lastSeq` of its room plus one. */
  add(message: Message): void {
    const room = this.byRoom.get(message.roomName) ?? [];
    this.byRoom.set(message.roomName, room);
    room.push(message);
    const { userId, clientMessageId } = message;
    if (clientMessageId === undefined) return;
    const sent = this.bySender.get(userId) ?? new Map<string, Message>();
    this.bySender.set(userId, sent);
    // A server that does not de-duplicate may hold several: the first counts.
    if (!sent.has(clientMessageId)) sent.set(clientMessageId, message);
  }

  find(userId: string, clientMessageId: string): Message | undefined {
    return this.bySender.get(userId)?.get(clientMessageId);
  }

  lastSeq(roomName: string): number {
    return this.byRoom.get(roomName)?.length ?? 0;
  }

  /** The messages after seq `after`: at most `limit`, and MAX_PAGE_BYTES. */
  page(roomName: string, after: number, limit: number): MessagePage {
    const room = this.byRoom.get(roomName) ?? [];
    const messages: Message[] = [];
    let bytes = 0;
    for (const message of room.slice(after, after + limit)) {
      bytes += Buffer.byteLength(JSON.stringify(message));
      if (bytes > limits.MAX_PAGE_BYTES && messages.length > 0) break;
      messages.push(message);
    }
    const upTo = after + messages.length;
    return { messages, upTo, hasMore: upTo < room.length };
  }
}
