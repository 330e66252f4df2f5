/**
 * Reads the payload of a request field by field. Unknown fields are ignored;
 * an optional field that is null counts as absent.
 */

import { ProtocolError } from './errors';
import * as limits from './limits';

export type Json =
  | null
  | boolean
  | number
  | string
  | Json[]
  | { [key: string]: Json };

export type JsonObject = Record<string, unknown>;

export function invalid(field: string, problem: string): ProtocolError {
  return new ProtocolError('INVALID_PAYLOAD', `${field} ${problem}`, {
    details: { field },
  });
}

export function asObject(value: unknown, field = 'payload'): JsonObject {
  if (
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    Object.getPrototypeOf(value) !== Object.prototype
  ) {
    throw invalid(field, 'must be an object');
  }
  return value as JsonObject;
}

/** A lone surrogate is no character: it has no UTF-8. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

export interface TextRule {
  maxBytes: number;
  allowEmpty?: boolean;
  allowNul?: boolean;
}

export function asText(value: unknown, field: string, rule: TextRule): string {
  if (typeof value !== 'string') throw invalid(field, 'must be a string');
  if (value === '' && rule.allowEmpty !== true) {
    throw invalid(field, 'must not be empty');
  }
  if (!isWellFormed(value)) throw invalid(field, 'is not valid Unicode');
  if (rule.allowNul !== true && value.includes('\0')) {
    throw invalid(field, 'must not contain NUL');
  }
  if (Buffer.byteLength(value) > rule.maxBytes) {
    throw invalid(field, `is longer than ${rule.maxBytes} bytes`);
  }
  return value;
}

export function asId(value: unknown, field: string): string {
  return asText(value, field, { maxBytes: limits.MAX_ID_BYTES });
}

export function asRoomName(value: unknown, field = 'roomName'): string {
  return asText(value, field, { maxBytes: limits.MAX_ROOM_NAME_BYTES });
}

function isPrintable(value: unknown, maxBytes: number): value is string {
  return (
    typeof value === 'string' &&
    /^[\x20-\x7e]+$/.test(value) &&
    value.length <= maxBytes
  );
}

export function asClientMessageId(value: unknown, field: string): string {
  if (!isPrintable(value, limits.MAX_CLIENT_MESSAGE_ID_BYTES)) {
    throw invalid(
      field,
      `must be 1 to ${limits.MAX_CLIENT_MESSAGE_ID_BYTES} bytes of printable ASCII`,
    );
  }
  return value;
}

/** The `id` of a connect's `device`; empty where it has none (C-2). */
export function asDeviceId(device: unknown): string {
  if (typeof device !== 'object' || device === null) return '';
  const { id } = device as { id?: unknown };
  return isPrintable(id, limits.MAX_DEVICE_ID_BYTES) ? id : '';
}

export function asOneOf<T extends string>(
  value: unknown,
  field: string,
  allowed: readonly T[],
): T {
  const found = allowed.find((name) => name === value);
  if (found === undefined) {
    throw invalid(field, `must be one of ${allowed.join(', ')}`);
  }
  return found;
}

/** A whole number from `min` to `max`. */
export function asCount(
  value: unknown,
  field: string,
  min: number,
  max: number,
): number {
  if (!Number.isSafeInteger(value)) throw invalid(field, 'must be an integer');
  const count = value as number;
  if (count < min || count > max) {
    throw invalid(field, `must be from ${min} to ${max}`);
  }
  return count;
}

export function asList(value: unknown, field: string, max: number): unknown[] {
  if (!Array.isArray(value)) throw invalid(field, 'must be a list');
  if (value.length > max) throw invalid(field, `has more than ${max} entries`);
  return value as unknown[];
}

/** `read` of the field, or undefined where the field is absent or null. */
export function optional<T>(
  object: JsonObject,
  field: string,
  read: (value: unknown, field: string) => T,
): T | undefined {
  const value = object[field];
  return value === undefined || value === null ? undefined : read(value, field);
}

/** JSON and nothing else: Socket.IO would also let binary data through. */
export function asJson(value: unknown, field: string): Json {
  switch (typeof value) {
    case 'string':
      if (!isWellFormed(value)) throw invalid(field, 'is not valid Unicode');
      return value;
    case 'number':
    case 'boolean':
      return value;
    case 'object':
      break;
    default:
      throw invalid(field, 'is not JSON');
  }
  if (value === null) return null;
  if (Array.isArray(value)) {
    for (const element of value) asJson(element, field);
    return value as Json[];
  }
  const object = asObject(value, field);
  for (const [key, member] of Object.entries(object)) {
    if (!isWellFormed(key)) throw invalid(field, 'is not valid Unicode');
    asJson(member, field);
  }
  return object as Record<string, Json>;
}

/** JSON in which equal values are equal texts: keys sorted, no spaces. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
