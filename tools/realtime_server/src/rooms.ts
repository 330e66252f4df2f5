/** Rooms and who is a member of which. */

import { takePage, type Page } from './pages';
import { Sequence, type Place } from './sequence';

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
  readonly joins: Sequence<Member>;
}

interface Membership {
  room: Room;
  joinedAt: string;
  inRoom: Place<Member>;
  ofUser: Place<Membership>;
}

interface Account {
  /** In the order of joining. */
  readonly memberships: Map<string, Membership>;
  readonly joins: Sequence<Membership>;
}

/** A room as one of its members sees it. */
export interface JoinedRoom {
  room: Room;
  joinedAt: string;
}

/**
 * Rooms stay when their last member leaves: they have a history. Each join has
 * a number of its own, by which lists of rooms and of members are read.
 */
export class Rooms {
  private readonly rooms = new Map<string, Room>();
  private readonly accounts = new Map<string, Account>();
  private joinNumber = 0;

  get(name: string): Room | undefined {
    return this.rooms.get(name);
  }

  /** The number of the last join of all. */
  get lastJoin(): number {
    return this.joinNumber;
  }

  isMember(name: string, userId: string): boolean {
    return this.accounts.get(userId)?.memberships.has(name) ?? false;
  }

  /** Names of the user's rooms, in the order of joining. */
  roomsOf(userId: string): string[] {
    return [...(this.accounts.get(userId)?.memberships.keys() ?? [])];
  }

  roomCount(userId: string): number {
    return this.accounts.get(userId)?.memberships.size ?? 0;
  }

  /** Creates the room if need be. Who is a member already comes last anew. */
  join(name: string, type: RoomType, member: Member): void {
    const { userId, joinedAt } = member;
    this.leave(name, userId);
    const room = this.rooms.get(name) ?? {
      name,
      type,
      members: new Map<string, Member>(),
      joins: new Sequence<Member>(),
    };
    this.rooms.set(name, room);
    const account = this.accounts.get(userId) ?? {
      memberships: new Map<string, Membership>(),
      joins: new Sequence<Membership>(),
    };
    this.accounts.set(userId, account);
    const number = ++this.joinNumber;
    const membership: Membership = {
      room,
      joinedAt,
      inRoom: room.joins.append(number, member),
      ofUser: { number, value: undefined },
    };
    membership.ofUser = account.joins.append(number, membership);
    room.members.set(userId, member);
    account.memberships.set(name, membership);
  }

  leave(name: string, userId: string): void {
    const account = this.accounts.get(userId);
    const membership = account?.memberships.get(name);
    if (account === undefined || membership === undefined) return;
    const { room, inRoom, ofUser } = membership;
    room.joins.remove(inRoom);
    room.members.delete(userId);
    account.joins.remove(ofUser);
    account.memberships.delete(name);
  }

  /** The user's rooms after the join of this number. */
  pageOfRooms<T>(
    userId: string,
    after: number,
    limit: number,
    tell: (joined: JoinedRoom) => T,
  ): Page<T> {
    const joins = this.accounts.get(userId)?.joins ?? new Sequence();
    const told = function* (): Generator<[number, T]> {
      for (const [number, joined] of joins.after(after)) {
        yield [number, tell(joined)];
      }
    };
    return takePage(told(), after, limit);
  }

  /** The room's members after the join of this number. */
  pageOfMembers(room: Room, after: number, limit: number): Page<Member> {
    return takePage(room.joins.after(after), after, limit);
  }

  /** Every membership ends; the rooms stay. */
  clearMemberships(): void {
    for (const [userId, { memberships }] of this.accounts) {
      for (const name of [...memberships.keys()]) this.leave(name, userId);
    }
  }
}
