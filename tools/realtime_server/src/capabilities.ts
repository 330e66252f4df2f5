/** What a full-dialect server may offer: PROTOCOL.md, rule R-4. */

import { UsageError } from './errors';

export const ALL_CAPABILITIES = [
  'ack.message-id',
  'dedup.client-message-id',
  'send.ordered',
  'history.cursor',
  'rooms.membership',
  'message.changes',
  'rooms.list',
] as const;

export type Capability = (typeof ALL_CAPABILITIES)[number];

export type Capabilities = ReadonlySet<Capability>;

/** Reads `a,b,c`; an empty text is a server that offers nothing. */
export function parseCapabilities(text: string): Capabilities {
  const names = text.split(',').filter((name) => name !== '');
  const found = new Set<Capability>();
  for (const name of names) {
    const known = ALL_CAPABILITIES.find((capability) => capability === name);
    if (known === undefined) {
      throw new UsageError(
        `unknown capability "${name}"; known: ${ALL_CAPABILITIES.join(', ')}`,
      );
    }
    found.add(known);
  }
  if (found.has('message.changes') && !found.has('history.cursor')) {
    throw new UsageError('message.changes is offered only with history.cursor');
  }
  return found;
}
