/** Rooms and who is a member of which. */

export const ROOM_TYPES = [
  'channel',
  'dm',
  'group',
  'thread',
  'broadcast',
] as const;
export type RoomType = (typeof ROOM_TYPES)[number];

export interface Member {
  userId: string;
  joinedAt: string;
}

export interface Room {
  readonly name: string;
  readonly type: RoomType;
  /** In the order of joining. */
  readonly members: Map<string, Member>;
}

/** Rooms stay when their last member leaves: they have a history. */
export class Rooms {
  private readonly rooms = new Map<string, Room>();
  private readonly memberships = new Map<string, Set<string>>();

  get(name: string): Room | undefined {
    return this.rooms.get(name);
  }

  isMember(name: string, userId: string): boolean {
    return this.memberships.get(userId)?.has(name) ?? false;
  }

  /** Names of the user's rooms, in the order of joining. */
  roomsOf(userId: string): ReadonlySet<string> {
    return this.memberships.get(userId) ?? new Set();
  }

  /** Creates the room if need be. */
  join(name: string, type: RoomType, member: Member): void {
    const room = this.rooms.get(name) ?? { name, type, members: new Map() };
    this.rooms.set(name, room);
    room.members.set(member.userId, member);
    const names = this.memberships.get(member.userId) ?? new Set();
    this.memberships.set(member.userId, names.add(name));
  }

  leave(name: string, userId: string): void {
    this.rooms.get(name)?.members.delete(userId);
    this.memberships.get(userId)?.delete(name);
  }

  /** Every membership ends; the rooms stay. */
  clearMemberships(): void {
    for (const room of this.rooms.values()) room.members.clear();
    this.memberships.clear();
  }
}
