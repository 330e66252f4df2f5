/** The errors of the protocol: PROTOCOL.md, rules E-*. */

/**
 * What a client may conclude from a code.
 *
 * - permanent: the same request fails again.
 * - transient: the same request may succeed later.
 * - order: the request is fine, its predecessor was not the last one.
 * - epoch: the client's cursor belongs to a history that is gone.
 * - conflict: the message is not what the client took it for.
 * - auth: a new token is needed.
 */
export type ErrorClass =
  | 'permanent'
  | 'transient'
  | 'order'
  | 'epoch'
  | 'conflict'
  | 'auth';

export const ERROR_CLASSES = {
  INVALID_PAYLOAD: 'permanent',
  ROOM_NOT_FOUND: 'permanent',
  NOT_IN_ROOM: 'permanent',
  FORBIDDEN: 'permanent',
  MESSAGE_TOO_LARGE: 'permanent',
  IDEMPOTENCY_MISMATCH: 'permanent',
  MESSAGE_NOT_FOUND: 'permanent',
  MESSAGE_DELETED: 'permanent',
  UNSUPPORTED: 'permanent',
  RATE_LIMITED: 'transient',
  INTERNAL_ERROR: 'transient',
  UNAVAILABLE: 'transient',
  OUT_OF_ORDER: 'order',
  EPOCH_CHANGED: 'epoch',
  VERSION_CONFLICT: 'conflict',
  UNAUTHENTICATED: 'auth',
} as const satisfies Record<string, ErrorClass>;

export type ErrorCode = keyof typeof ERROR_CLASSES;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CLASSES, text);
}

export interface ErrorBody {
  code: ErrorCode;
  message: string;
  retryAfterMs?: number;
  details?: Record<string, unknown>;
}

/** Refuses a request; its handler throws it, the dialect answers it. */
export class ProtocolError extends Error {
  readonly body: ErrorBody;

  constructor(
    code: ErrorCode,
    message: string,
    extra: Pick<ErrorBody, 'retryAfterMs' | 'details'> = {},
  ) {
    super(message);
    this.name = 'ProtocolError';
    this.body = { code, message, ...extra };
  }
}

/** A mistake of whoever started the program; shown without a stack. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
