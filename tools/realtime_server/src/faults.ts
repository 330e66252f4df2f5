/** Failures that a test asks for, by room: flags with ROOM=CODE[:COUNT]. */

import { UsageError, isErrorCode, type ErrorCode } from './errors';

/** LOST_ACK: it is carried out, then the connection drops, unanswered. */
export type Fault = ErrorCode | 'LOST_ACK';

export class Faults {
  private readonly byRoom = new Map<string, { fault: Fault; left: number }[]>();

  /** @throws UsageError, which names the flag that the rules came with */
  constructor(
    private readonly flag: string,
    rules: readonly string[],
  ) {
    for (const rule of rules) this.add(rule);
  }

  /** What becomes of this request for the room; each call uses one up. */
  take(roomName: string): Fault | undefined {
    const faults = this.byRoom.get(roomName);
    const next = faults?.find(({ left }) => left > 0);
    if (next === undefined) return undefined;
    next.left--;
    return next.fault;
  }

  private add(rule: string): void {
    const match = /^(?<room>.+)=(?<code>[A-Z_]+)(:(?<count>\d+))?$/s.exec(rule);
    const { room, code, count } = match?.groups ?? {};
    if (room === undefined || code === undefined) {
      throw new UsageError(`${this.flag} "${rule}" is not ROOM=CODE[:COUNT]`);
    }
    if (!isErrorCode(code) && code !== 'LOST_ACK') {
      throw new UsageError(`${this.flag} "${rule}": no such code: ${code}`);
    }
    const faults = this.byRoom.get(room) ?? [];
    faults.push({
      fault: code,
      left: count === undefined ? Number.POSITIVE_INFINITY : Number(count),
    });
    this.byRoom.set(room, faults);
  }
}
