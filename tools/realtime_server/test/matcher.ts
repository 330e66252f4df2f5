/** The placeholders of the vectors: PROTOCOL.md, "Vectors". */

import { signClaims, signToken } from '../src/auth';

export type Captures = Map<string, unknown>;

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const HOUR_S = 3600;

/** Where and how `actual` differs from what was expected, or undefined. */
export function mismatch(
  expected: unknown,
  actual: unknown,
  captures: Captures,
  path = '$',
): string | undefined {
  if (typeof expected === 'string' && expected.startsWith('$')) {
    return placeholder(expected, actual, captures, path);
  }
  if (typeof expected !== 'object' || expected === null) {
    return expected === actual ? undefined : differs(path, expected, actual);
  }
  if (typeof actual !== 'object' || actual === null) {
    return differs(path, expected, actual);
  }
  if (Array.isArray(expected) !== Array.isArray(actual)) {
    return differs(path, expected, actual);
  }
  const wanted = new Map(Object.entries(expected));
  const open = wanted.delete('$more');
  const given = new Map(Object.entries(actual));
  for (const key of given.keys()) {
    if (!open && !wanted.has(key)) return `${path}.${key} is not expected`;
  }
  for (const [key, value] of wanted) {
    if (!given.has(key)) return `${path}.${key} is missing`;
    const found = mismatch(value, given.get(key), captures, `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function differs(path: string, expected: unknown, actual: unknown): string {
  return `${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`;
}

function placeholder(
  expected: string,
  actual: unknown,
  captures: Captures,
  path: string,
): string | undefined {
  if (expected.startsWith('$capture:')) {
    if (!captures.has(expected)) {
      if (typeof actual !== 'string' && typeof actual !== 'number') {
        return differs(path, expected, actual);
      }
      captures.set(expected, actual);
    }
    return captures.get(expected) === actual
      ? undefined
      : differs(path, captures.get(expected), actual);
  }
  const fits: Record<string, (value: unknown) => boolean> = {
    $any: () => true,
    $string: (value) => typeof value === 'string' && value !== '',
    $int: (value) => Number.isSafeInteger(value),
    $time: (value) => typeof value === 'string' && ISO_TIME.test(value),
  };
  const fit = fits[expected];
  if (fit === undefined) throw new Error(`${path}: what is ${expected}?`);
  return fit(actual) ? undefined : differs(path, expected, actual);
}

/** A payload to send, with its placeholders filled in. */
export function fill(value: unknown, captures: Captures): unknown {
  if (typeof value === 'string' && value.startsWith('$capture:')) {
    if (!captures.has(value)) throw new Error(`${value} was never seen`);
    return captures.get(value);
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => fill(entry, captures));
  if ('$repeat' in value) {
    const [text, times] = value.$repeat as [string, number];
    const end = '$then' in value ? String(value.$then) : '';
    return text.repeat(times) + end;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, fill(member, captures)]),
  );
}

/** `$token...` as a token signed with `secret`; other texts as they are. */
export function fillToken(token: unknown, secret: string): unknown {
  if (typeof token !== 'string' || !token.startsWith('$')) return token;
  const [kind, user = ''] = token.split(':');
  const nowS = Math.floor(Date.now() / 1000);
  switch (kind) {
    case '$token':
      return signToken(user, secret);
    case '$token-expired':
      return signClaims({ userId: user, exp: nowS - HOUR_S }, secret);
    case '$token-future':
      return signClaims({ userId: user, nbf: nowS + HOUR_S }, secret);
    case '$token-forged':
      return signToken(user, `${secret}!`);
    case '$token-unsigned':
      return unsigned(user);
    case '$token-sub':
      return signClaims({ sub: user, exp: nowS + HOUR_S }, secret);
    case '$token-anonymous':
      return signClaims({ exp: nowS + HOUR_S }, secret);
    default:
      throw new Error(`what is ${token}?`);
  }
}

function unsigned(user: string): string {
  const part = (value: object): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part({ userId: user })}.`;
}
