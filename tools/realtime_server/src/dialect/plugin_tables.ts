/** The rows that a plugin server keeps in its database: PLUGIN.md. */

/** A start is listed for so long. */
export const TYPING_MS = 3000;

const PRIMARY_TENANT = 'primary';

/** What a column of text takes; as any database, it refuses NUL. */
export function textColumn(
  value: unknown,
  column: string,
  maxCharacters = Infinity,
): string | null {
  if (value === undefined || value === null) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text.includes('\0')) throw new Error(`${column} has a NUL`);
  if (Array.from(text).length > maxCharacters) {
    throw new Error(
      `${column} is longer than its column of ${maxCharacters} characters`,
    );
  }
  return text;
}

/** A column of JSON refuses NUL too, however deep. */
export function jsonColumn(value: unknown, column: string): void {
  if (typeof value === 'string') textColumn(value, column);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    textColumn(key, column);
    jsonColumn(member, column);
  }
}

interface TypingRow {
  userId: string;
  threadId: string | null;
  startedAt: string;
  expiresAt: number;
}

export interface TypingUser {
  userId: string;
  startedAt: string;
}

export interface RoomRow {
  /** Users who joined and did not leave, connected or not. */
  readonly members: Set<string>;
  typing: TypingRow[];
}

/** A user or a room is another one in each tenant. */
function keyOf(tenant: string, name: string): string {
  return JSON.stringify([tenant, name]);
}

export class PluginTables {
  private readonly rooms = new Map<string, RoomRow>();
  private readonly connections = new Map<string, number>();

  /** The rooms exist in the tenant that clients are in unless they say so. */
  constructor(roomNames: readonly string[]) {
    for (const name of roomNames) {
      const row: RoomRow = { members: new Set(), typing: [] };
      this.rooms.set(keyOf(PRIMARY_TENANT, name), row);
    }
  }

  /** @throws Error for a name that no column takes */
  room(tenant: string, roomName: unknown): RoomRow | undefined {
    const name = textColumn(roomName, 'roomName');
    return name === null ? undefined : this.rooms.get(keyOf(tenant, name));
  }

  connected(tenant: string, userId: string): void {
    const key = keyOf(tenant, userId);
    this.connections.set(key, (this.connections.get(key) ?? 0) + 1);
  }

  /** True when it was the user's last connection. */
  disconnected(tenant: string, userId: string): boolean {
    const key = keyOf(tenant, userId);
    const left = (this.connections.get(key) ?? 1) - 1;
    this.connections.set(key, left);
    return left === 0;
  }

  startTyping(room: RoomRow, userId: string, threadId: string | null): void {
    const now = Date.now();
    const expiresAt = now + TYPING_MS;
    // Two absent threads are not the same to a database: no row is found.
    const row =
      threadId === null
        ? undefined
        : room.typing.find(
            (each) => each.userId === userId && each.threadId === threadId,
          );
    if (row !== undefined) {
      row.expiresAt = expiresAt;
      return;
    }
    const startedAt = new Date(now).toISOString();
    room.typing.push({ userId, threadId, startedAt, expiresAt });
  }

  stopTyping(room: RoomRow, userId: string, threadId: string | null): void {
    room.typing = room.typing.filter(
      (row) => row.userId !== userId || row.threadId !== threadId,
    );
  }

  typingUsers(room: RoomRow, threadId: string | null): TypingUser[] {
    const now = Date.now();
    room.typing = room.typing.filter(({ expiresAt }) => expiresAt > now);
    return room.typing
      .filter((row) => row.threadId === threadId)
      .map(({ userId, startedAt }) => ({ userId, startedAt }));
  }
}

/** Lower case, with hyphens for what is no letter or digit. */
export function tenantOf(named: unknown): string {
  const tenant =
    typeof named === 'string'
      ? named
          .toLowerCase()
          .replace(/[^a-z0-9_-]+/g, '-')
          .replace(/^-+|-+$/g, '')
      : '';
  return tenant === '' ? PRIMARY_TENANT : tenant;
}
