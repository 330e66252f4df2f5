/** What is asked of a message that is there: PROTOCOL.md, rules U-*. */

import * as limits from './limits';
import { readBody, sameBody, type Body } from './messages';
import {
  type JsonObject,
  asCount,
  asId,
  asRoomName,
  asText,
  invalid,
  optional,
} from './payload';

export interface Target {
  roomName: string;
  messageId: string;
}

export interface EditRequest extends Target {
  body: Body;
  actionTime: string;
  ifVersion?: number;
}

export interface DeleteRequest extends Target {
  actionTime: string;
  ifVersion?: number;
}

export interface ReactionRequest extends Target {
  emoji: string;
}

/** Whose request it is. */
export interface Actor {
  userId: string;
  /** The connect's `device.id`; empty where it has none. */
  deviceId: string;
}

/** An edit as it stands, and as the log has it. */
export interface Edit extends Actor {
  body: Body;
  /** As it was given: a repeat is known by it. */
  actionTime: string;
  /** As it counts. */
  editedAt: string;
}

function readTarget(payload: JsonObject): Target {
  return {
    roomName: asRoomName(payload['roomName']),
    messageId: asId(payload['messageId'], 'messageId'),
  };
}

/** ISO 8601 in UTC with milliseconds, of a day that there is. */
function asTime(value: unknown, field: string): string {
  if (typeof value === 'string') {
    const time = new Date(value);
    const real = !Number.isNaN(time.getTime());
    if (real && time.toISOString() === value && value.length === 24) {
      return value;
    }
  }
  throw invalid(field, 'must be a time like 2026-01-31T23:59:59.000Z');
}

function readIfVersion(payload: JsonObject): { ifVersion?: number } {
  const ifVersion = optional(payload, 'ifVersion', (value, field) =>
    asCount(value, field, 1, Number.MAX_SAFE_INTEGER),
  );
  return ifVersion === undefined ? {} : { ifVersion };
}

/** @throws ProtocolError INVALID_PAYLOAD or MESSAGE_TOO_LARGE */
export function readEdit(payload: JsonObject): EditRequest {
  return {
    ...readTarget(payload),
    body: readBody(payload),
    actionTime: asTime(payload['actionTime'], 'actionTime'),
    ...readIfVersion(payload),
  };
}

/** @throws ProtocolError INVALID_PAYLOAD */
export function readDelete(payload: JsonObject): DeleteRequest {
  return {
    ...readTarget(payload),
    actionTime: asTime(payload['actionTime'], 'actionTime'),
    ...readIfVersion(payload),
  };
}

/** @throws ProtocolError INVALID_PAYLOAD */
export function readReaction(payload: JsonObject): ReactionRequest {
  return {
    ...readTarget(payload),
    emoji: asText(payload['emoji'], 'emoji', {
      maxBytes: limits.MAX_EMOJI_BYTES,
    }),
  };
}

/** What an action time counts as when it arrives `now` (U-5). */
export function countedTime(actionTime: string, now: Date): string {
  const ahead = Date.parse(actionTime) - now.getTime();
  return ahead > limits.MAX_ACTION_AHEAD_MS ? now.toISOString() : actionTime;
}

/** Whether the one is the other once more (U-8). */
export function sameEdit(a: Edit, b: Edit): boolean {
  return (
    a.userId === b.userId &&
    a.deviceId === b.deviceId &&
    a.actionTime === b.actionTime &&
    sameBody(a.body, b.body)
  );
}

const SECONDS = '2026-01-31T23:59:59'.length;

/**
 * Whether `a` stands where both were made (U-6). A time in whole seconds comes
 * first and in full last: "within a second of each other" would not be
 * transitive, and which edit stands would hang on which came first.
 */
export function standsOver(a: Edit, b: Edit): boolean {
  const rank = ({ editedAt, userId, deviceId }: Edit): string[] => [
    editedAt.slice(0, SECONDS),
    userId,
    deviceId,
    editedAt,
  ];
  const other = rank(b);
  for (const [index, text] of rank(a).entries()) {
    const order = compareBytes(text, other[index] ?? '');
    if (order !== 0) return order > 0;
  }
  return false;
}

/** JavaScript's own order is that of UTF-16. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
