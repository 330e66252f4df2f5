/** Tokens: JSON Web Tokens signed with a shared secret. */

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

/** Its message, and `data` if it has it, are what `connect_error` carries. */
export class Refusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Refusal';
  }
}

export class AuthError extends Refusal {
  readonly data: { code: AuthFailureCode };

  constructor(code: AuthFailureCode) {
    super(
      code === 'AUTH_REQUIRED' ? 'Authentication required' : 'Invalid token',
    );
    this.name = 'AuthError';
    this.data = { code };
  }
}

/** The algorithm of a token's header, and the hash that it means. */
export type Algorithms = ReadonlyMap<unknown, string>;

const ONLY_HS256: Algorithms = new Map([['HS256', 'sha256']]);
export const HMAC_ALGORITHMS: Algorithms = new Map([
  ['HS256', 'sha256'],
  ['HS384', 'sha384'],
  ['HS512', 'sha512'],
]);

function mac(signedPart: string, secret: string, hash = 'sha256'): Buffer {
  return createHmac(hash, secret).update(signedPart).digest();
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
  alg = 'HS256',
): string {
  const signedPart = `${encode({ alg, typ: 'JWT' })}.${encode(claims)}`;
  const signature = mac(signedPart, secret, HMAC_ALGORITHMS.get(alg));
  return `${signedPart}.${signature.toString('base64url')}`;
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
  const claims = verifyClaims(token, secret, ONLY_HS256, nowS);
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

/**
 * What a token says that is signed and valid at this time.
 *
 * @throws AuthError
 */
export function verifyClaims(
  token: unknown,
  secret: string,
  algorithms: Algorithms,
  nowS = Date.now() / 1000,
): Record<string, unknown> {
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
  const hash = algorithms.get(decode(header)['alg']);
  if (hash === undefined) throw new AuthError('INVALID_TOKEN');
  const given = Buffer.from(signature, 'base64url');
  const wanted = mac(`${header}.${claimsPart}`, secret, hash);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new AuthError('INVALID_TOKEN');
  }
  const claims = decode(claimsPart);
  checkTimes(claims, nowS);
  return claims;
}

/** When a token that verifyToken takes expires. */
export function readExpiry(token: string): Date | undefined {
  const { exp } = decode(token.split('.')[1] ?? '');
  return typeof exp === 'number' ? new Date(exp * 1000) : undefined;
}

function checkTimes(claims: Record<string, unknown>, nowS: number): void {
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
}
