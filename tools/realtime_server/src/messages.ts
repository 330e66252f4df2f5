/** Messages: what a client sends, and what everyone is told of it. */

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

/** What an edit says anew. */
export interface Body {
  content: string;
  mentions?: string[];
  attachments?: Attachment[];
  metadata?: Record<string, Json>;
}

/** What the sender says: what a repeat is compared by. */
export interface MessageContent extends Body {
  roomName: string;
  type: MessageType;
  threadId?: string;
  replyTo?: string;
}

/** A message as it was accepted, in the shape of the log. */
export interface Message extends MessageContent {
  messageId: string;
  /** Position in the room: gap-free from 1 within a history epoch. */
  seq: number;
  userId: string;
  clientMessageId?: string;
  timestamp: string;
}

/** Who reacted with an emoji, in the order of reacting. */
export interface Reaction {
  emoji: string;
  userIds: string[];
}

/** A message as it is now, in the shape of `message:new`. */
export interface ToldMessage extends Message {
  /** The room's number of its last change; absent: changes are not offered. */
  change?: number;
  version?: number;
  editedAt?: string;
  editedBy?: string;
  deletedAt?: string;
  deletedBy?: string;
  reactions?: Reaction[];
}

export interface SendRequest {
  message: MessageContent;
  clientMessageId?: string;
  /** The client message id of the message that this one must follow. */
  after?: string;
}

/** Drops what is undefined, so that absent fields are absent everywhere. */
export function present<T extends object>(fields: {
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
export function readBody(payload: JsonObject): Body {
  const body = present<Body>({
    content: asContent(payload['content']),
    mentions: optional(payload, 'mentions', asMentions),
    attachments: optional(payload, 'attachments', asAttachments),
    metadata: optional(payload, 'metadata', asMetadata),
  });
  if (body.content === '' && body.attachments === undefined) {
    throw invalid('content', 'must not be empty without attachments');
  }
  return body;
}

/** @throws ProtocolError INVALID_PAYLOAD or MESSAGE_TOO_LARGE */
export function readSend(payload: JsonObject): SendRequest {
  const message = present<MessageContent>({
    roomName:
      payload['roomName'] === undefined
        ? asRoomName(payload['channelId'])
        : asRoomName(payload['roomName']),
    ...readBody(payload),
    type:
      optional(payload, 'type', (value, field) =>
        asOneOf(value, field, MESSAGE_TYPES),
      ) ?? 'text',
    threadId: optional(payload, 'threadId', asId),
    replyTo: optional(payload, 'replyTo', asId),
  });
  return present<SendRequest>({
    message,
    clientMessageId: optional(payload, 'clientMessageId', asClientMessageId),
    after: optional(payload, 'after', asClientMessageId),
  });
}

function bodyOf({ content, mentions, attachments, metadata }: Body): Body {
  return present<Body>({ content, mentions, attachments, metadata });
}

export function sameBody(a: Body, b: Body): boolean {
  return canonical(bodyOf(a)) === canonical(bodyOf(b));
}

export function sameContent(a: MessageContent, b: MessageContent): boolean {
  const fixed = ({
    roomName,
    type,
    threadId,
    replyTo,
  }: MessageContent): string =>
    canonical(present({ roomName, type, threadId, replyTo }));
  return fixed(a) === fixed(b) && sameBody(a, b);
}

function canonical(fields: object): string {
  return canonicalJson(fields as Json);
}
