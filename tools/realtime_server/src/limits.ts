/**
 * Every limit of the server. PROTOCOL.md names them to clients; what is
 * answered when one is reached is said there too.
 */

export const MAX_ROOM_NAME_BYTES = 255;
export const MAX_ID_BYTES = 255;
export const MAX_CLIENT_MESSAGE_ID_BYTES = 128;

export const MAX_CONTENT_BYTES = 64 * 1024;
export const MAX_MENTIONS = 100;
export const MAX_ATTACHMENTS = 32;
export const MAX_ATTACHMENT_NAME_BYTES = 255;
export const MAX_URL_BYTES = 2048;
export const MAX_METADATA_ENTRIES = 64;
export const MAX_METADATA_KEY_BYTES = 128;
export const MAX_METADATA_VALUE_BYTES = 4096;

export const MAX_DEVICE_ID_BYTES = 128;
/** An action that is further ahead of the server's clock counts as now. */
export const MAX_ACTION_AHEAD_MS = 60_000;
export const MAX_EMOJI_BYTES = 64;
export const MAX_EMOJIS_PER_MESSAGE = 64;
/** Of all users and emojis: what a message is told with fits into a frame. */
export const MAX_REACTIONS_PER_MESSAGE = 1000;

/** Socket.IO's own default for the largest frame that it accepts. */
export const DEFAULT_MAX_PAYLOAD_BYTES = 1_000_000;
export const DEFAULT_PING_INTERVAL_MS = 25_000;
export const DEFAULT_PING_TIMEOUT_MS = 20_000;
export const DEFAULT_PLUGIN_PING_TIMEOUT_MS = 60_000;

/** Unanswered sends of one connection in one room. */
export const DEFAULT_ORDERED_WINDOW = 16;
/** Unanswered requests of one connection, of every kind. */
export const MAX_PENDING_REQUESTS = 1024;
/** What a client is told to wait when it is over one of the two. */
export const RETRY_AFTER_MS = 200;

export const DEFAULT_MAX_ROOMS_PER_USER = 10_000;
export const DEFAULT_MAX_MEMBERS_PER_ROOM = 10_000;
/** Members that the answer to a join lists. */
export const MAX_LISTED_MEMBERS = 100;
/** Rooms that `authenticated` lists. */
export const MAX_LISTED_ROOMS = 100;

export const DEFAULT_PAGE_ITEMS = 100;
export const MAX_PAGE_ITEMS = 500;
/** A page ends before it, unless its first item alone is larger. */
export const MAX_PAGE_BYTES = 256 * 1024;
