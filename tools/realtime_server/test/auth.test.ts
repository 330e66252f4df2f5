import assert from 'node:assert/strict';
import test from 'node:test';

import { AuthError, signClaims, signToken, verifyToken } from '../src/auth';

const SECRET = 'secret';
const NOW_S = 1_700_000_000;

function refusal(token: unknown): string {
  try {
    verifyToken(token, SECRET, NOW_S);
  } catch (error) {
    assert(error instanceof AuthError);
    return error.data.code;
  }
  return 'accepted';
}

test('a signed token is good until it expires', () => {
  const token = signToken('alice', SECRET, NOW_S);
  const expiry = NOW_S + 24 * 60 * 60;
  assert.equal(verifyToken(token, SECRET, NOW_S), 'alice');
  assert.equal(verifyToken(token, SECRET, expiry - 1), 'alice');
  assert.throws(() => verifyToken(token, SECRET, expiry), /Invalid token/);
});

test('userId goes before sub', () => {
  const claims = { userId: 'alice', sub: 'bob' };
  assert.equal(verifyToken(signClaims(claims, SECRET), SECRET), 'alice');
});

test('what is refused, and how', () => {
  const [header = '', , signature = ''] = signToken('a', SECRET, NOW_S).split(
    '.',
  );
  const part = (value: unknown): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  const mallory = part({ userId: 'mallory' });
  const cases: [unknown, string][] = [
    [undefined, 'AUTH_REQUIRED'],
    [null, 'AUTH_REQUIRED'],
    ['', 'AUTH_REQUIRED'],
    [7, 'INVALID_TOKEN'],
    ['a.b', 'INVALID_TOKEN'],
    ['a.b.c.d', 'INVALID_TOKEN'],
    [`${header}.${mallory}.${signature}`, 'INVALID_TOKEN'],
    [`${header}.${mallory}.`, 'INVALID_TOKEN'],
    [`${part({ alg: 'HS512' })}.${mallory}.${signature}`, 'INVALID_TOKEN'],
    [`${part({})}.${mallory}.${signature}`, 'INVALID_TOKEN'],
    [`${part('x')}.${mallory}.${signature}`, 'INVALID_TOKEN'],
    [signClaims({ userId: 'a', exp: NOW_S }, SECRET), 'TOKEN_EXPIRED'],
    [signClaims({ userId: 'a', exp: 'never' }, SECRET), 'INVALID_TOKEN'],
    [signClaims({ userId: 'a', nbf: NOW_S + 1 }, SECRET), 'INVALID_TOKEN'],
    [signClaims({ userId: 'a', nbf: NOW_S }, SECRET), 'accepted'],
    [signClaims({ userId: '' }, SECRET), 'INVALID_TOKEN'],
    [signClaims({ userId: 7 }, SECRET), 'INVALID_TOKEN'],
    [signClaims({ userId: 'a\0b' }, SECRET), 'INVALID_TOKEN'],
    [signClaims({ userId: 'é'.repeat(128) }, SECRET), 'INVALID_TOKEN'],
    [signClaims({ userId: 'a'.repeat(255) }, SECRET), 'accepted'],
    [signClaims({ userId: 'a' }, 'other'), 'INVALID_TOKEN'],
  ];
  for (const [token, wanted] of cases) {
    assert.equal(refusal(token), wanted, String(token));
  }
});
