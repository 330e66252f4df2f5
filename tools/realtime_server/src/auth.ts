/** Tokens: JSON Web Tokens signed with HS256, and nothing else. */

import { createHmac, timingSafeEqual } from 'node:crypto';

import { MAX_ID_BYTES } from './limits';

/**
 * For development and tests only: it is public, so anyone can be anyone.
 * PARLEY_JWT_SECRET overrides it.
 */
export const DEVELOPMENT_SECRET =
  'parley-development-secret-not-for-production';

export const TOKEN_LIFETIME_S = 24 * 60 * 60;

export function secretFromEnvironment(env: NodeJS.ProcessEnv): string {
  return env['PARLEY_JWT_SECRET'] ?? DEVELOPMENT_SECRET;
}

export type AuthFailureCode =
  | 'AUTH_REQUIRED'
  | 'INVALID_TOKEN'
  | 'TOKEN_EXPIRED';

/** Its message is what the client's `connect_error` carries. */
export class AuthError extends Error {
  readonly data: { code: AuthFailureCode };

  constructor(code: AuthFailureCode) {
    super(
      code === 'AUTH_REQUIRED' ? 'Authentication required' : 'Invalid token',
    );
    this.name = 'AuthError';
    this.data = { code };
  }
}

function mac(signedPart: string, secret: string): Buffer {
  return createHmac('sha256', secret).update(signedPart).digest();
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}

function decode(part: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    throw new AuthError('INVALID_TOKEN');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AuthError('INVALID_TOKEN');
  }
  return value as Record<string, unknown>;
}

/** Signs any claims as they are. */
export function signClaims(
  claims: Record<string, unknown>,
  secret: string,
): string {
  const signedPart = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signedPart}.${mac(signedPart, secret).toString('base64url')}`;
}

export function signToken(
  userId: string,
  secret: string,
  nowS = Math.floor(Date.now() / 1000),
): string {
  return signClaims(
    { userId, sub: userId, iat: nowS, exp: nowS + TOKEN_LIFETIME_S },
    secret,
  );
}

/**
 * The user that the token names: its `userId`, else its `sub`.
 *
 * @throws AuthError
 */
export function verifyToken(
  token: unknown,
  secret: string,
  nowS = Date.now() / 1000,
): string {
  if (token === undefined || token === null || token === '') {
    throw new AuthError('AUTH_REQUIRED');
  }
  const parts = typeof token === 'string' ? token.split('.') : [];
  const [header, claimsPart, signature] = parts;
  if (
    parts.length !== 3 ||
    header === undefined ||
    claimsPart === undefined ||
    signature === undefined
  ) {
    throw new AuthError('INVALID_TOKEN');
  }
  if (decode(header)['alg'] !== 'HS256') throw new AuthError('INVALID_TOKEN');
  const given = Buffer.from(signature, 'base64url');
  const wanted = mac(`${header}.${claimsPart}`, secret);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new AuthError('INVALID_TOKEN');
  }
  return checkClaims(decode(claimsPart), nowS);
}

function checkClaims(claims: Record<string, unknown>, nowS: number): string {
  const { exp, nbf } = claims;
  for (const time of [exp, nbf]) {
    if (time !== undefined && typeof time !== 'number') {
      throw new AuthError('INVALID_TOKEN');
    }
  }
  if (typeof exp === 'number' && nowS >= exp) {
    throw new AuthError('TOKEN_EXPIRED');
  }
  if (typeof nbf === 'number' && nowS < nbf) {
    throw new AuthError('INVALID_TOKEN');
  }
  const user = claims['userId'] ?? claims['sub'];
  if (
    typeof user !== 'string' ||
    user === '' ||
    user.includes('\0') ||
    Buffer.byteLength(user) > MAX_ID_BYTES
  ) {
    throw new AuthError('INVALID_TOKEN');
  }
  return user;
}
