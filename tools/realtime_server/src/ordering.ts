/**
 * Ordered sends: PROTOCOL.md, rules O-*. One of these belongs to a connection;
 * a new connection starts all its chains again.
 *
 *   (no chain) --send without `after`--> chain at X
 *   chain at X --send with after = X---> chain at Y
 *   chain at X --send without `after`--> chain at Y   (a new head)
 *   chain at X --duplicate of Z--------> chain at Z
 *   chain at X --any other `after`-----> refused, chain at X
 */
export class SendChains {
  /** By room; null: the last message had no client message id. */
  private readonly last = new Map<string, string | null>();
  private readonly unanswered = new Map<string, number>();

  /** Whether a send that names `after` follows the room's last message. */
  follows(roomName: string, after: string | undefined): boolean {
    return after === undefined || this.last.get(roomName) === after;
  }

  /** A send was accepted, or answered as a duplicate. */
  moveTo(roomName: string, clientMessageId: string | undefined): void {
    this.last.set(roomName, clientMessageId ?? null);
  }

  end(roomName: string): void {
    this.last.delete(roomName);
  }

  /** Counts a send that arrived; returns how many are unanswered with it. */
  begin(roomName: string): number {
    const count = (this.unanswered.get(roomName) ?? 0) + 1;
    this.unanswered.set(roomName, count);
    return count;
  }

  answered(roomName: string): void {
    const count = (this.unanswered.get(roomName) ?? 0) - 1;
    if (count > 0) this.unanswered.set(roomName, count);
    else this.unanswered.delete(roomName);
  }
}
